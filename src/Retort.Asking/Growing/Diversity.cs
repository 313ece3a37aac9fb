using Retort.Evidence.Statistics;

namespace Retort.Asking;

/// <summary>How varied texts are.</summary>
/// <param name="Distinct1">Words that differ, as a share of all (Li et al., "A Diversity-Promoting Objective Function", NAACL 2016).</param>
/// <param name="Distinct2">The same of pairs of words.</param>
/// <param name="Distinct3">The same of three.</param>
/// <param name="Nearest">Jaccard's index of each text's three-word shingles with those of the text most like it, on average.</param>
public sealed record Diversity(double Distinct1, double Distinct2, double Distinct3, double Nearest)
{
    /// <summary>Texts whose nearest is looked for, spread evenly.</summary>
    const int Most = 1000;

    public static Diversity Of(IReadOnlyList<string> texts)
    {
        IReadOnlyList<PlainWord>[] words = [.. texts.Select(PlainWords.Of)];
        return new(Distinct(words, 1), Distinct(words, 2), Distinct(words, 3), MeanNearest(texts));
    }

    static double Distinct(IReadOnlyList<PlainWord>[] texts, int length)
    {
        HashSet<(ulong, ulong, ulong)> met = [];
        long all = 0;
        foreach (IReadOnlyList<PlainWord> words in texts)
        {
            for (int i = 0; i + length <= words.Count; i++)
            {
                all++;
                met.Add((words[i].Hash, length > 1 ? words[i + 1].Hash : 0, length > 2 ? words[i + 2].Hash : 0));
            }
        }

        return all == 0 ? 0 : (double)met.Count / all;
    }

    static double MeanNearest(IReadOnlyList<string> texts)
    {
        if (texts.Count < 2)
        {
            return 0;
        }

        ulong[][] shingles = [.. texts.Select(MinHash.Shingles)];
        int step = (texts.Count + Most - 1) / Most;
        return Enumerable.Range(0, texts.Count).Where(i => i % step == 0).Average(i => Enumerable.Range(0, texts.Count).Where(j => j != i).Max(j => MinHash.Similarity(shingles[i], shingles[j])));
    }
}
