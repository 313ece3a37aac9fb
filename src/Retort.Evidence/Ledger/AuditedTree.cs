namespace Retort.Evidence.Ledger;

/// <summary>
/// A log's tree as its files have it twice, from the entries and from the tiles, 256 entries (a block) at a time. Which of the two is the signed
/// one is settled by the root; failing that, a block's hash in the tile above it has the casting vote. Kept are two hashes a block.
/// </summary>
sealed class AuditedTree
{
    readonly TileFiles _files;
    readonly long _size;
    readonly List<LedgerFinding> _findings;
    readonly Digest?[] _fromEntries, _fromTiles;
    readonly bool[] _trustsTile;

    /// <summary>Per level from 1, what its hashes should be; null where no file tells.</summary>
    readonly List<Digest?[]> _levels = [];

    public AuditedTree(TileFiles files, long size, Digest? root, List<LedgerFinding> findings)
    {
        (_files, _size, _findings) = (files, size, findings);
        TilePath[] blocks = [.. TilePath.OfLevel(0, size)];
        _fromEntries = new Digest?[blocks.Length];
        _fromTiles = new Digest?[blocks.Length];
        foreach (TilePath block in blocks)
        {
            ReadBlock(block);
        }

        Digest?[] parents = [.. TilePath.OfLevel(1, size).SelectMany(tile => Quietly(tile) is { } hashes ? hashes.Select(h => (Digest?)h) : new Digest?[tile.Width])];
        bool isSettled = Settle(root, parents, out _trustsTile);
        if (root is not null && !isSettled)
        {
            findings.Add(new(TileFiles.CheckpointName, null, "Neither entries nor tiles give the signed root"));
        }

        foreach (TilePath block in blocks.Where(b => _fromEntries[b.Index] is { } e && _fromTiles[b.Index] is { } t && e != t))
        {
            NameDifference(block, isSettled || (block.Index < parents.Length && parents[block.Index] is { } p && (p == _fromEntries[block.Index] || p == _fromTiles[block.Index])));
        }

        CheckUpperLevels();
    }

    /// <summary>The root of the first entries, or null where no file tells.</summary>
    public Digest? RootAt(long size)
    {
        int full = (int)(size / TilePath.Full), rest = (int)(size % TilePath.Full);
        Digest?[] blocks = [.. Enumerable.Range(0, full).Select(Block), .. rest == 0 ? [] : new[] { TrustedLeaves(full) is { } leaves ? MerkleTree.Root(leaves.AsSpan(0, rest)) : (Digest?)null }];
        return RootOf(blocks);
    }

    /// <summary>Checks a partial tile that an earlier checkpoint needed.</summary>
    public void CheckEarlier(TilePath tile)
    {
        Digest?[]? right = tile.Level <= 0
            ? TrustedLeaves((int)tile.Index)?.Select(h => (Digest?)h).ToArray()
            : _levels[tile.Level - 1][(int)(tile.Index * TilePath.Full)..];
        Digest[]? here = tile.Level == TilePath.Entries ? Leaves(tile, right) : Hashes(tile);
        if (here is not null && right is not null)
        {
            NameFirst(tile, here, right);
        }
    }

    void ReadBlock(TilePath block)
    {
        Digest[]? tile = Hashes(block);
        Digest[]? entries = Leaves(block with { Level = TilePath.Entries }, tile?.Select(h => (Digest?)h).ToArray());
        _fromTiles[block.Index] = tile is null ? null : MerkleTree.Root(tile);
        _fromEntries[block.Index] = entries is null ? null : MerkleTree.Root(entries);
    }

    /// <summary>Chooses for each block whether to trust its tile or its entries; true if that gives the signed root.</summary>
    bool Settle(Digest? root, Digest?[] parents, out bool[] trustsTile)
    {
        bool[] voted = [.. _fromTiles.Select((tile, b) => _fromEntries[b] is null || (b < parents.Length && tile is not null && parents[b] == tile))];
        bool[][] ways = [new bool[voted.Length], [.. Enumerable.Repeat(true, voted.Length)], voted, voted.Length == 0 ? voted : [.. voted[..^1], !voted[^1]]];
        trustsTile = ways.FirstOrDefault(way => root is not null && RootOf([.. way.Select((isTile, b) => isTile ? _fromTiles[b] : _fromEntries[b])]) == root) ?? voted;
        return root is { } r && RootOf([.. trustsTile.Select((isTile, b) => isTile ? _fromTiles[b] : _fromEntries[b])]) == r;
    }

    void NameDifference(TilePath block, bool isDecided)
    {
        Digest[] tile = _files.Hashes(block);
        Digest[] entries = [.. _files.Entries(block with { Level = TilePath.Entries }).Select(e => MerkleTree.Leaf(e.Span))];
        if (!isDecided || _trustsTile[block.Index])
        {
            NameFirst(block with { Level = TilePath.Entries }, entries, [.. tile]);
        }

        if (!isDecided || !_trustsTile[block.Index])
        {
            NameFirst(block, tile, [.. entries]);
        }
    }

    void CheckUpperLevels()
    {
        Digest?[] right = [.. Enumerable.Range(0, (int)TilePath.Count(1, _size)).Select(Block)];
        for (int level = 1; right.Length > 0; level++)
        {
            _levels.Add(right);
            foreach (TilePath tile in TilePath.OfLevel(level, _size))
            {
                if (Hashes(tile) is { } hashes)
                {
                    NameFirst(tile, hashes, right.AsSpan((int)(tile.Index * TilePath.Full), tile.Width));
                }
            }

            right = [.. right.Chunk(TilePath.Full).Where(c => c.Length == TilePath.Full).Select(RootOf)];
        }
    }

    /// <summary>Names a file by the first of its hashes that is not what it should be.</summary>
    void NameFirst(TilePath tile, ReadOnlySpan<Digest> here, ReadOnlySpan<Digest?> right)
    {
        int first = -1, count = 0;
        for (int i = 0; i < here.Length; i++)
        {
            if (right[i] is { } r && r != here[i])
            {
                first = first < 0 ? i : first;
                count++;
            }
        }

        if (count > 0)
        {
            long entry = ((tile.Index * TilePath.Full) + first) << (8 * Math.Max(tile.Level, 0));
            string more = count == 1 ? "" : $", and {count - 1} more are not";
            _findings.Add(new(tile.ToString(), entry, tile.Level == TilePath.Entries ? $"Entry {entry} is not what was logged{more}" : $"Hash {first} is not that of the entries from {entry} on{more}"));
        }
    }

    Digest? Block(int index) => _trustsTile[index] ? _fromTiles[index] : _fromEntries[index];

    Digest[]? TrustedLeaves(int block)
    {
        if (Block(block) is null)
        {
            return null;
        }

        TilePath tile = TilePath.Of(0, block, _size);
        return _trustsTile[block] ? _files.Hashes(tile) : [.. _files.Entries(tile with { Level = TilePath.Entries }).Select(e => MerkleTree.Leaf(e.Span))];
    }

    /// <summary>The leaf hashes of a bundle, or null with a finding that names the entry at which it departs from what it should be.</summary>
    Digest[]? Leaves(TilePath bundle, Digest?[]? right)
    {
        try
        {
            Digest[] leaves = [.. EntryBundle.Split(_files.Bundle(bundle), bundle.Width, out string? fault).Select(e => MerkleTree.Leaf(e.Span))];
            if (fault is null)
            {
                return leaves;
            }

            int first = right is null ? -1 : Enumerable.Range(0, leaves.Length).FirstOrDefault(i => leaves[i] != right[i], leaves.Length);
            _findings.Add(new(bundle.ToString(), first < 0 || first == bundle.Width ? null : (bundle.Index * TilePath.Full) + first, fault));
        }
        catch (UserError e)
        {
            _findings.Add(new(bundle.ToString(), null, e.What));
        }

        return null;
    }

    Digest[]? Hashes(TilePath tile)
    {
        try
        {
            return _files.Hashes(tile);
        }
        catch (UserError e)
        {
            _findings.Add(new(tile.ToString(), null, e.What));
            return null;
        }
    }

    /// <summary>A tile that is judged elsewhere.</summary>
    Digest[]? Quietly(TilePath tile)
    {
        try
        {
            return _files.Hashes(tile);
        }
        catch (UserError)
        {
            return null;
        }
    }

    static Digest? RootOf(Digest?[] hashes) => hashes.Any(h => h is null) ? null : MerkleTree.Root([.. hashes.Select(h => h!.Value)]);
}
