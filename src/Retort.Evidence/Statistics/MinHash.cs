using System.Numerics;

namespace Retort.Evidence.Statistics;

/// <summary>
/// Sketches of texts whose agreement estimates how alike they are (Broder, "On the resemblance and containment of documents", Compression and Complexity
/// of Sequences 1997). A text is the set of its shingles, runs of <see cref="ShingleWords"/> words; two texts are as alike as their sets by Jaccard's
/// index, |A ∩ B| / |A ∪ B|. The least value of a set under a random permutation is shared by two sets with just that probability.
/// </summary>
public sealed class MinHash
{
    /// <summary>Permutations, and so numbers in a signature.</summary>
    public const int Size = 128;

    /// <summary>Words of a shingle.</summary>
    public const int ShingleWords = 3;

    readonly ulong[] _factors = new ulong[Size];
    readonly ulong[] _terms = new ulong[Size];

    /// <param name="seed">Which permutations: x → a·x + b modulo 2⁶⁴ with a odd, of shingles whose hashes are spread already.</param>
    public MinHash(ulong seed)
    {
        SplitMix64 random = new(seed);
        for (int i = 0; i < Size; i++)
        {
            (_factors[i], _terms[i]) = (random.Next() | 1, random.Next());
        }
    }

    /// <summary>
    /// Hashes of a text's shingles, each once, ascending; never none. A text of fewer words than a shingle is one shingle of them all; one without words,
    /// such as "👍", is one of its characters but white space.
    /// </summary>
    public static ulong[] Shingles(string text)
    {
        IReadOnlyList<PlainWord> words = PlainWords.Of(text);
        if (words.Count == 0)
        {
            ulong whole = 1;
            foreach (char c in text)
            {
                whole = char.IsWhiteSpace(c) ? whole : PlainWords.Mix(whole + c);
            }

            return [whole];
        }

        int size = Math.Min(ShingleWords, words.Count);
        ulong[] all = new ulong[words.Count - size + 1];
        for (int i = 0; i < all.Length; i++)
        {
            ulong hash = (ulong)size;
            for (int j = i; j < i + size; j++)
            {
                hash = PlainWords.Mix(hash + words[j].Hash);
            }

            all[i] = hash;
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

    /// <summary>The least value of the shingles under each permutation, [Size].</summary>
    public ulong[] Signature(ReadOnlySpan<ulong> shingles)
    {
        ulong[] least = new ulong[Size];
        Array.Fill(least, ulong.MaxValue);
        int lanes = Vector<ulong>.Count;
        foreach (ulong shingle in shingles)
        {
            Vector<ulong> x = new(shingle);
            for (int i = 0; i < Size; i += lanes)
            {
                Vector.Min(new Vector<ulong>(least, i), (new Vector<ulong>(_factors, i) * x) + new Vector<ulong>(_terms, i)).CopyTo(least, i);
            }
        }

        return least;
    }

    /// <summary>Jaccard's index of two ascending sets, neither empty.</summary>
    public static double Similarity(ReadOnlySpan<ulong> a, ReadOnlySpan<ulong> b)
    {
        int shared = 0;
        for (int i = 0, j = 0; i < a.Length && j < b.Length;)
        {
            shared += a[i] == b[j] ? 1 : 0;
            (i, j) = (a[i] <= b[j] ? i + 1 : i, b[j] <= a[i] ? j + 1 : j);
        }

        return (double)shared / (a.Length + b.Length - shared);
    }
}
