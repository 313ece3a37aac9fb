using System.Numerics;

namespace Retort.Evidence.Ledger;

/// <summary>Verifies Merkle proofs by RFC 9162, sections 2.1.3.2 and 2.1.4.2. Whatever does not hold, sizes and indices out of range
/// among it, is false.</summary>
public static class MerkleProof
{
    /// <summary>Whether a proof shows that a leaf stands at an index of the tree with this size and root.</summary>
    public static bool Includes(Digest leaf, long index, long size, Digest root, IReadOnlyList<Digest> proof)
    {
        if (index < 0 || index >= size)
        {
            return false;
        }

        long node = index, last = size - 1;
        Digest hash = leaf;
        foreach (Digest sibling in proof)
        {
            if (last == 0)
            {
                return false;
            }

            if (IsRight(node) || node == last)
            {
                hash = MerkleTree.Node(sibling, hash);
                ClimbToRight(ref node, ref last);
            }
            else
            {
                hash = MerkleTree.Node(hash, sibling);
            }

            node >>= 1;
            last >>= 1;
        }

        return last == 0 && hash == root;
    }

    /// <summary>Whether a proof shows that the earlier tree is the beginning of the later one. Trees of one size need equal roots and no proof;
    /// of an empty earlier tree nothing can be shown.</summary>
    public static bool IsConsistent(long earlier, Digest earlierRoot, long later, Digest laterRoot, IReadOnlyList<Digest> proof)
    {
        if (earlier == later && earlier >= 0)
        {
            return proof.Count == 0 && earlierRoot == laterRoot && (earlier > 0 || earlierRoot == MerkleTree.Empty);
        }

        if (earlier <= 0 || earlier > later || proof.Count == 0)
        {
            return false;
        }

        long node = earlier - 1, last = later - 1;
        while (IsRight(node))
        {
            node >>= 1;
            last >>= 1;
        }

        // The root of a perfect earlier tree is not part of the proof.
        int next = BitOperations.IsPow2(earlier) ? 0 : 1;
        Digest first = next == 0 ? earlierRoot : proof[0];
        Digest second = first;
        foreach (Digest sibling in proof.Skip(next))
        {
            if (last == 0)
            {
                return false;
            }

            if (IsRight(node) || node == last)
            {
                first = MerkleTree.Node(sibling, first);
                second = MerkleTree.Node(sibling, second);
                ClimbToRight(ref node, ref last);
            }
            else
            {
                second = MerkleTree.Node(second, sibling);
            }

            node >>= 1;
            last >>= 1;
        }

        return last == 0 && first == earlierRoot && second == laterRoot;
    }

    static bool IsRight(long node) => (node & 1) == 1;

    /// <summary>Passes the levels on which the last node stands alone and is carried up as it is.</summary>
    static void ClimbToRight(ref long node, ref long last)
    {
        while (!IsRight(node) && node != 0)
        {
            node >>= 1;
            last >>= 1;
        }
    }
}
