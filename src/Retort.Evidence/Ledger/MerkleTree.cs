using System.Buffers;
using System.Numerics;
using System.Security.Cryptography;

namespace Retort.Evidence.Ledger;

/// <summary>The hash of the perfect subtree over the leaves [index · 2^height, (index + 1) · 2^height).</summary>
public delegate Digest PerfectSubtree(int height, long index);

/// <summary>
/// The Merkle tree of RFC 6962, section 2.1: leaf = SHA-256(0x00 ‖ data), node = SHA-256(0x01 ‖ left ‖ right), split at the largest power
/// of two below the number of leaves. Everything is computed from perfect subtrees, wherever they are kept.
/// </summary>
public static class MerkleTree
{
    /// <summary>The root of no leaves: the SHA-256 of nothing.</summary>
    public static Digest Empty { get; } = Digest.Of([]);

    /// <summary>The hash of one leaf.</summary>
    public static Digest Leaf(ReadOnlySpan<byte> data)
    {
        byte[]? rented = null;
        Span<byte> input = data.Length < 1024 ? stackalloc byte[1 + data.Length] : (rented = ArrayPool<byte>.Shared.Rent(1 + data.Length)).AsSpan(0, 1 + data.Length);
        input[0] = 0;
        data.CopyTo(input[1..]);
        Digest hash = Digest.Of(input);
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        return hash;
    }

    /// <summary>The hash of an inner node.</summary>
    public static Digest Node(Digest left, Digest right)
    {
        Span<byte> input = stackalloc byte[1 + (2 * SHA256.HashSizeInBytes)];
        input[0] = 1;
        left.CopyTo(input[1..]);
        right.CopyTo(input[(1 + Digest.Length)..]);
        return Digest.Of(input);
    }

    /// <summary>The root over leaf hashes in memory.</summary>
    public static Digest Root(ReadOnlySpan<Digest> leaves)
    {
        if (leaves.Length <= 1)
        {
            return leaves.Length == 0 ? Empty : leaves[0];
        }

        int split = (int)Split(leaves.Length);
        return Node(Root(leaves[..split]), Root(leaves[split..]));
    }

    /// <summary>The root of the first <paramref name="size"/> leaves.</summary>
    public static Digest Root(long size, PerfectSubtree subtree)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(size);
        return size == 0 ? Empty : Range(0, size, subtree);
    }

    /// <summary>The inclusion proof of one leaf (RFC 6962, section 2.1.1), from the leaf's sibling up.</summary>
    /// <param name="index">Of the leaf, from 0, below <paramref name="size"/>.</param>
    public static IReadOnlyList<Digest> ProveInclusion(long index, long size, PerfectSubtree subtree)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, size);
        List<Digest> proof = [];
        for (long start = 0, end = size; end - start > 1;)
        {
            long middle = start + Split(end - start);
            if (index < middle)
            {
                proof.Add(Range(middle, end, subtree));
                end = middle;
            }
            else
            {
                proof.Add(Range(start, middle, subtree));
                start = middle;
            }
        }

        proof.Reverse();
        return proof;
    }

    /// <summary>The proof that the tree of <paramref name="earlier"/> leaves is the beginning of the tree of <paramref name="size"/> leaves
    /// (RFC 6962, section 2.1.2); nothing when they are the same or the earlier one is empty.</summary>
    public static IReadOnlyList<Digest> ProveConsistency(long earlier, long size, PerfectSubtree subtree)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(earlier);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(earlier, size);
        if (earlier == 0)
        {
            return [];
        }

        List<Digest> proof = [];
        long start = 0, end = size;
        while (end != earlier)
        {
            long middle = start + Split(end - start);
            if (earlier <= middle)
            {
                proof.Add(Range(middle, end, subtree));
                end = middle;
            }
            else
            {
                proof.Add(Range(start, middle, subtree));
                start = middle;
            }
        }

        // The verifier knows the earlier tree's own root.
        if (start > 0)
        {
            proof.Add(Range(start, end, subtree));
        }

        proof.Reverse();
        return proof;
    }

    /// <summary>The hash over the leaves [start, end), a range that the splitting rule reaches.</summary>
    static Digest Range(long start, long end, PerfectSubtree subtree)
    {
        long count = end - start;
        if (BitOperations.IsPow2(count))
        {
            int height = BitOperations.TrailingZeroCount(count);
            return subtree(height, start >> height);
        }

        long middle = start + Split(count);
        return Node(Range(start, middle, subtree), Range(middle, end, subtree));
    }

    /// <summary>The largest power of two below a count of at least two.</summary>
    static long Split(long count) => 1L << BitOperations.Log2((ulong)count - 1);
}
