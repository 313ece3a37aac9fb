using Retort.Evidence.Statistics;

namespace Retort.Guard.Detector;

/// <summary>
/// What is kept of a prompt: samples of its shingles, runs of three words, from which it cannot be read back. In the template every number is the same
/// number; in the item it is itself. A sample holds the least hashes of a set, and two samples estimate how alike their sets are (Broder 1997, "On the
/// resemblance and containment of documents"); of a short prompt the sample is the set.
/// </summary>
/// <param name="Template">Ascending, at most <see cref="Most"/>.</param>
/// <param name="Item">Ascending, at most <see cref="Most"/>.</param>
/// <param name="Bands">Keys by which alike templates are found: prompts half alike share one with a probability of 99 %.</param>
public sealed record PromptSketch(uint[] Template, uint[] Item, ulong[] Bands)
{
    /// <summary>Most hashes of a sample.</summary>
    public const int Most = 64;

    const int ShingleWords = 3, Bins = 32, BandBins = 2;

    /// <summary>Words of a prompt that are read; what comes after them is left out.</summary>
    const int MostWords = 2000;

    const ulong Number = 0x9E3779B97F4A7C15, Edge = 0xD1B54A32D192ED03;

    public static PromptSketch Of(string prompt)
    {
        IReadOnlyList<PlainWord> words = PlainWords.Of(prompt);
        int count = Math.Min(words.Count, MostWords);
        Span<ulong> slots = count <= 512 ? stackalloc ulong[count] : new ulong[count];
        Span<ulong> whole = count <= 512 ? stackalloc ulong[count] : new ulong[count];
        for (int i = 0; i < count; i++)
        {
            whole[i] = words[i].Hash;
            slots[i] = char.IsAsciiDigit(prompt[words[i].Start]) ? Number : words[i].Hash;
        }

        uint[] template = Shingles(slots);
        return new(Least(template), Least(Shingles(whole)), Keys(template));
    }

    /// <summary>How alike two sets are from their samples: Jaccard's index, and the part of the smaller that is in the other.</summary>
    public static (double Jaccard, double Containment) Compare(ReadOnlySpan<uint> a, ReadOnlySpan<uint> b)
    {
        // Both samples tell of hashes up to here; beyond, one may have left out what the other has.
        uint limit = Math.Min(a.Length < Most ? uint.MaxValue : a[^1], b.Length < Most ? uint.MaxValue : b[^1]);
        int shared = 0, i = 0, j = 0;
        while (i < a.Length && j < b.Length && Math.Min(a[i], b[j]) <= limit)
        {
            shared += a[i] == b[j] ? 1 : 0;
            (i, j) = (a[i] <= b[j] ? i + 1 : i, b[j] <= a[i] ? j + 1 : j);
        }

        (int ofA, int ofB) = (UpTo(a, limit), UpTo(b, limit));
        return ofA == 0 || ofB == 0 ? (0, 0) : ((double)shared / (ofA + ofB - shared), (double)shared / Math.Min(ofA, ofB));
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

    /// <summary>Hashes of all runs of words, of edges too, ascending, each once.</summary>
    static uint[] Shingles(ReadOnlySpan<ulong> words)
    {
        int count = Math.Max(words.Length, 1);
        uint[] all = new uint[count];
        for (int i = 0; i < count; i++)
        {
            // The run around word i; a prompt's first and last words stand beside an edge.
            ulong hash = Edge;
            for (int j = i - 1; j < i - 1 + ShingleWords; j++)
            {
                hash = PlainWords.Mix(hash + ((uint)j < (uint)words.Length ? words[j] : Edge));
            }

            all[i] = (uint)(hash >> 32);
        }

        Array.Sort(all);
        int kept = 1;
        for (int i = 1; i < all.Length; i++)
        {
            if (all[i] != all[i - 1])
            {
                all[kept++] = all[i];
            }
        }

        return kept == all.Length ? all : all[..kept];
    }

    static uint[] Least(uint[] shingles) => shingles.Length <= Most ? shingles : shingles[..Most];

    /// <summary>One permutation hashing with rotation (Li, Owen and Zhang 2012; Shrivastava and Li 2014): the least of each of 32 bins, an empty bin taking the next one's.</summary>
    static ulong[] Keys(uint[] shingles)
    {
        Span<ulong> least = stackalloc ulong[Bins];
        least.Fill(ulong.MaxValue);
        foreach (uint shingle in shingles)
        {
            ulong spread = PlainWords.Mix(shingle + Number);
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
