using Retort.Distill;
using Retort.Samples.Tales;

namespace Retort.Cli;

/// <summary>The data generators that ship, by the name a recipe gives under <c>data.sample</c>.</summary>
static class BundledSamples
{
    public static IReadOnlyDictionary<string, SampleSource> All { get; } = new Dictionary<string, SampleSource>(StringComparer.Ordinal)
    {
        ["tales"] = Tales(new TaleShares()),
        ["tales-lessons"] = Tales(TaleShares.Lessons),
        ["tales-stories"] = Tales(TaleShares.Stories),
    };

    /// <param name="shares">Kinds of document to train on; those held out are the same for all.</param>
    static SampleSource Tales(TaleShares shares) => new((seed, count, heldOut) => Documents(seed, count, heldOut, shares), TaleChat.SpecialTokens, TaleChat.End);

    static IEnumerable<Document> Documents(ulong seed, int count, bool heldOut, TaleShares shares) =>
        TaleCorpus.Documents(seed, count, heldOut ? TaleSplit.HeldOut : TaleSplit.Train, heldOut ? null : shares).Select(d => new Document(
            TaleChat.ToPrompt(d.Prompt),
            d.Answer + TaleChat.End,
            d.Kind,
            d.Task is { } task ? answer => TaleTasks.Score(task, answer) : null,
            d.Task?.Gold));
}
