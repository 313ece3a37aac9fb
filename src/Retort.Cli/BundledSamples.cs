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
        ["tales-stories"] = Tales(TaleShares.Stories, TaleShares.Stories),
    };

    /// <param name="shares">Kinds of document to train on.</param>
    /// <param name="heldOut">Kinds to test on; null for all of them.</param>
    static SampleSource Tales(TaleShares shares, TaleShares? heldOut = null) =>
        new((seed, count, test) => Documents(seed, count, test ? TaleSplit.HeldOut : TaleSplit.Train, test ? heldOut : shares), TaleChat.SpecialTokens, TaleChat.End);

    static IEnumerable<Document> Documents(ulong seed, int count, TaleSplit split, TaleShares? shares) =>
        TaleCorpus.Documents(seed, count, split, shares).Select(d => new Document(
            TaleChat.ToPrompt(d.Prompt),
            d.Answer + TaleChat.End,
            d.Kind,
            d.Task is { } task ? answer => TaleTasks.Score(task, answer) : null,
            d.Task?.Gold));
}
