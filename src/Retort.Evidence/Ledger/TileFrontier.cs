namespace Retort.Evidence.Ledger;

/// <summary>The right edge of a tree in tiles: of each level, the hashes that do not fill a tile.</summary>
static class TileFrontier
{
    /// <summary>The root. A level's hashes are perfect subtrees of falling size, and those of lower levels stand to their right.</summary>
    public static Digest Root(IReadOnlyList<List<Digest>> levels)
    {
        Digest? right = null;
        foreach (List<Digest> hashes in levels)
        {
            Digest[] level = [.. hashes];
            int end = level.Length;
            for (int size = 1; end > 0; size <<= 1)
            {
                if ((end & size) != 0)
                {
                    Digest left = MerkleTree.Root(level.AsSpan(end - size, size));
                    right = right is { } r ? MerkleTree.Node(left, r) : left;
                    end -= size;
                }
            }
        }

        return right ?? MerkleTree.Empty;
    }
}
