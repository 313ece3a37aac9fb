using System.Numerics;

namespace Retort.Model.Tokenizers;

/// <summary>One merge: two adjacent tokens become <paramref name="Result"/>; the lowest rank goes first.</summary>
readonly record struct Merge(int Left, int Right, int Result, int Rank);

/// <summary>
/// Byte-pair encoding of one word (Sennrich et al. 2016): again and again the adjacent pair of lowest rank, the leftmost of equals, is
/// replaced by its merge, until no pair has one. Short words scan; long ones use a queue over a linked list, with the same result.
/// </summary>
sealed class MergeTable
{
    const int ScanLimit = 40;

    const long Free = -1;

    readonly (long Pair, long Merge)[] _slots;
    readonly int _shift;

    /// <summary>A pair named twice keeps its last merge, as Hugging Face tokenizers does.</summary>
    internal MergeTable(IReadOnlyList<Merge> merges)
    {
        // At most two thirds full; ids are not negative, so that no pair is Free.
        int bits = BitOperations.Log2((uint)(merges.Count + (merges.Count / 2)) | 1) + 1;
        _slots = new (long, long)[1 << bits];
        _shift = 64 - bits;
        Array.Fill(_slots, (Free, long.MaxValue));
        foreach (Merge merge in merges)
        {
            _slots[Find(Pair(merge.Left, merge.Right))] = (Pair(merge.Left, merge.Right), Pair(merge.Rank, merge.Result));
        }
    }

    internal static long Pair(int high, int low) => ((long)high << 32) | (uint)low;

    /// <summary>Merges <paramref name="symbols"/> in place; returns how many remain at its front.</summary>
    internal int Apply(Span<int> symbols) => symbols.Length <= ScanLimit ? Scan(symbols) : Queue(symbols);

    long Lookup(int left, int right) => _slots[Find(Pair(left, right))].Merge;

    /// <summary>The slot of a pair, or the free one where it would stand.</summary>
    int Find(long pair)
    {
        int at = (int)(((ulong)pair * 0x9E3779B97F4A7C15) >> _shift);
        while (_slots[at].Pair != pair && _slots[at].Pair != Free)
        {
            at = (at + 1) & (_slots.Length - 1);
        }

        return at;
    }

    int Scan(Span<int> symbols)
    {
        int count = symbols.Length;
        Span<long> merges = stackalloc long[ScanLimit];
        for (int i = 0; i + 1 < count; i++)
        {
            merges[i] = Lookup(symbols[i], symbols[i + 1]);
        }

        while (count > 1)
        {
            int best = -1;
            long bestRank = int.MaxValue;
            for (int i = 0; i + 1 < count; i++)
            {
                if (merges[i] >> 32 < bestRank)
                {
                    (best, bestRank) = (i, merges[i] >> 32);
                }
            }

            if (best < 0)
            {
                break;
            }

            symbols[best] = (int)merges[best];
            symbols[(best + 2)..count].CopyTo(symbols[(best + 1)..]);
            merges[(best + 1)..(count - 1)].CopyTo(merges[best..]);
            count--;
            if (best + 1 < count)
            {
                merges[best] = Lookup(symbols[best], symbols[best + 1]);
            }

            if (best > 0)
            {
                merges[best - 1] = Lookup(symbols[best - 1], symbols[best]);
            }
        }

        return count;
    }

    int Queue(Span<int> symbols)
    {
        int count = symbols.Length;
        int[] next = new int[count], previous = new int[count];
        var queue = new PriorityQueue<(int Position, int Left, int Right, int Result), long>(count);
        for (int i = 0; i < count; i++)
        {
            (next[i], previous[i]) = (i + 1 < count ? i + 1 : -1, i - 1);
            if (i + 1 < count)
            {
                Offer(queue, i, symbols[i], symbols[i + 1]);
            }
        }

        while (queue.TryDequeue(out var merge, out _))
        {
            int position = merge.Position, right = next[position];
            if (symbols[position] != merge.Left || right < 0 || symbols[right] != merge.Right)
            {
                continue;
            }

            symbols[position] = merge.Result;
            symbols[right] = -1;
            int after = next[right];
            next[position] = after;
            if (after >= 0)
            {
                previous[after] = position;
                Offer(queue, position, merge.Result, symbols[after]);
            }

            if (previous[position] is >= 0 and var before)
            {
                Offer(queue, before, symbols[before], merge.Result);
            }
        }

        int kept = 0;
        for (int i = 0; i >= 0; i = next[i])
        {
            symbols[kept++] = symbols[i];
        }

        return kept;
    }

    void Offer(PriorityQueue<(int Position, int Left, int Right, int Result), long> queue, int position, int left, int right)
    {
        long merge = Lookup(left, right);
        if (merge != long.MaxValue)
        {
            queue.Enqueue((position, left, right, (int)merge), Pair((int)(merge >> 32), position));
        }
    }
}
