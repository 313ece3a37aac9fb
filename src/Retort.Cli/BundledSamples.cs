using Retort.Distill;
using Retort.Samples.Tales;

namespace Retort.Cli;

/// <summary>The data generators that ship, by the name a recipe gives under <c>data.sample</c>.</summary>
static class BundledSamples
{
    public static IReadOnlyDictionary<string, SampleSource> All { get; } = new Dictionary<string, SampleSource>(StringComparer.Ordinal)
    {
        ["tales"] = new((seed, count, heldOut) => Tales(seed, count, heldOut), TaleChat.SpecialTokens, TaleChat.End),
    };

    static IEnumerable<Document> Tales(ulong seed, int count, bool heldOut) =>
        TaleCorpus.Documents(seed, count, heldOut ? TaleSplit.HeldOut : TaleSplit.Train).Select(d => new Document(
            TaleChat.ToPrompt(d.Prompt),
            d.Answer + TaleChat.End,
            d.Kind,
            d.Task is { } task ? answer => TaleTasks.Score(task, answer) : null,
            d.Task?.Gold));
}
