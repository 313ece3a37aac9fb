using Retort.Evidence.Statistics;

namespace Retort.Guard.Detector;

/// <summary>
/// What is kept of a prompt: samples of two sets, from which it cannot be read back. The template is of runs of three words, in which every number is the same
/// number; the item is of words and numbers as they are. A sample holds the least hashes of a set, and two samples estimate how alike their sets are (Broder 1997,
/// "On the resemblance and containment of documents"); of a short prompt the sample is the set.
/// </summary>
/// <param name="Template">Ascending, at most <see cref="Most"/>.</param>
/// <param name="Item">What fills the template.</param>
/// <param name="Text">A sample of all runs but the account's wrapping, also of those that go around.</param>
/// <param name="Bands">Keys by which alike templates are found: prompts half alike share one with a probability of 99 %. None where too little is left without the wrapping.</param>
public sealed record PromptSketch(uint[] Template, ItemSketch Item, uint[] Text, ulong[] Bands)
{
    /// <summary>Most hashes of a sample.</summary>
    public const int Most = 64;

    const int Bins = 32, BandBins = 2;

    /// <summary>What has fewer runs of words is like too much.</summary>
    const int LeastRuns = 4;

    const ulong Spread = 0x9E3779B97F4A7C15;

    /// <param name="wrapping">What is no part of what is asked.</param>
    public static PromptSketch Of(PromptRuns prompt, Wrapping wrapping)
    {
        bool[] asked = wrapping.Asked(prompt.Slotted);
        uint[] template = Ascending(Kept(prompt.Slotted));
        return new(
            Least(template), new(Least(Ascending(Kept(prompt.Words))), Least(Ascending(Kept(prompt.Exact))), Least(Ascending([.. prompt.Words.Where((_, i) => asked[i] && prompt.IsNumber[i])]))),
            Least(Ascending(Array.FindAll(prompt.Slotted, r => !wrapping.IsWrapped(r)))), Keys(template));

        uint[] Kept(uint[] all) => [.. all.Where((_, i) => asked[i])];
    }

    /// <summary>How alike two sets are, Jaccard's index, from their samples.</summary>
    public static double Similarity(ReadOnlySpan<uint> a, ReadOnlySpan<uint> b)
    {
        (int shared, int ofA, int ofB) = Compare(a, b);
        return ofA == 0 || ofB == 0 ? 0 : (double)shared / (ofA + ofB - shared);
    }

    /// <summary>Of two samples, as far as both tell: how many hashes are in both, and how many in each.</summary>
    public static (int Shared, int OfA, int OfB) Compare(ReadOnlySpan<uint> a, ReadOnlySpan<uint> b)
    {
        // Beyond this, one may have left out what the other has.
        uint limit = Math.Min(a.Length < Most ? uint.MaxValue : a[^1], b.Length < Most ? uint.MaxValue : b[^1]);
        int shared = 0, i = 0, j = 0;
        while (i < a.Length && j < b.Length && Math.Min(a[i], b[j]) <= limit)
        {
            shared += a[i] == b[j] ? 1 : 0;
            (i, j) = (a[i] <= b[j] ? i + 1 : i, b[j] <= a[i] ? j + 1 : j);
        }

        return (shared, UpTo(a, limit), UpTo(b, limit));
    }

    static int UpTo(ReadOnlySpan<uint> sample, uint limit)
    {
        int count = sample.Length;
        while (count > 0 && sample[count - 1] > limit)
        {
            count--;
        }

        return count;
    }

    static uint[] Ascending(uint[] all)
    {
        Array.Sort(all);
        int kept = Math.Min(1, all.Length);
        for (int i = 1; i < all.Length; i++)
        {
            if (all[i] != all[i - 1])
            {
                all[kept++] = all[i];
            }
        }

        return kept == all.Length ? all : all[..kept];
    }

    static uint[] Least(uint[] hashes) => hashes.Length <= Most ? hashes : hashes[..Most];

    /// <summary>One permutation hashing with rotation (Li, Owen and Zhang 2012; Shrivastava and Li 2014): the least of each of 32 bins, an empty bin taking the next one's.</summary>
    static ulong[] Keys(uint[] runs)
    {
        if (runs.Length < LeastRuns)
        {
            return [];
        }

        Span<ulong> least = stackalloc ulong[Bins];
        least.Fill(ulong.MaxValue);
        foreach (uint run in runs)
        {
            ulong spread = PlainWords.Mix(run + Spread);
            ref ulong bin = ref least[(int)(spread >> 59)];
            bin = Math.Min(bin, spread);
        }

        ulong[] keys = new ulong[Bins / BandBins];
        for (int bin = 0; bin < Bins; bin++)
        {
            int from = bin;
            while (least[from] == ulong.MaxValue)
            {
                from = (from + 1) % Bins;
            }

            keys[bin / BandBins] = PlainWords.Mix(keys[bin / BandBins] + least[from] + (ulong)bin);
        }

        return keys;
    }
}
