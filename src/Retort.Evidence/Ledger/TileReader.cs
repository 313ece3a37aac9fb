namespace Retort.Evidence.Ledger;

/// <summary>
/// Reads a published log from its static files alone (c2sp.org/tlog-tiles): entries and proofs, each from the few tiles it needs. What is
/// proved here is checked against the signed root before it is handed out.
/// </summary>
public sealed class TileReader
{
    /// <summary>The file of a log that holds its last checkpoint.</summary>
    public const string CheckpointName = TileFiles.CheckpointName;

    const int MostCached = 1024;

    readonly TileFiles _files;
    readonly Dictionary<TilePath, Digest[]> _cache = [];

    TileReader(TileFiles files, Checkpoint checkpoint) => (_files, Checkpoint) = (files, checkpoint);

    /// <summary>What is read: the log as it was when this was signed.</summary>
    public Checkpoint Checkpoint { get; }

    /// <summary>Opens a log at its last published checkpoint.</summary>
    /// <exception cref="UserError">There is none, or the key has not signed it.</exception>
    public static TileReader Open(string folder, LedgerPublicKey key)
    {
        TileFiles files = new(folder);
        return At(folder, files.Checkpoint(), key);
    }

    /// <summary>Opens a log as it was at a checkpoint from elsewhere, this or an earlier one.</summary>
    /// <exception cref="UserError">The key has not signed it.</exception>
    public static TileReader At(string folder, Checkpoint checkpoint, LedgerPublicKey key)
    {
        TileFiles files = new(folder);
        LedgerVerdict verdict = checkpoint.Verify(key);
        return verdict == LedgerVerdict.Holds
            ? new(files, checkpoint)
            : throw new UserError($"The checkpoint is not signed by {key} ({verdict})", files.PathOf(TileFiles.CheckpointName), "Give the key of this log, or run the audit.");
    }

    /// <summary>One entry, checked against the signed root.</summary>
    /// <exception cref="UserError">The files are damaged.</exception>
    public ReadOnlyMemory<byte> Entry(long index)
    {
        ReadOnlyMemory<byte> entry = Unchecked(index);
        Prove(index, entry.Span);
        return entry;
    }

    /// <summary>All entries in order, as the bundles have them: unchecked, which is what the audit is for.</summary>
    /// <exception cref="UserError">A bundle is damaged.</exception>
    public IEnumerable<ReadOnlyMemory<byte>> Entries() =>
        TilePath.OfLevel(TilePath.Entries, Checkpoint.Size).SelectMany(Bundle);

    /// <summary>The proof that an entry is in the log, to be verified without it.</summary>
    /// <exception cref="UserError">The files are damaged.</exception>
    public LedgerProof Prove(long index) => Prove(index, Unchecked(index).Span);

    /// <summary>The proof that an earlier checkpoint of this log is the beginning of this one.</summary>
    /// <param name="earlier">Entries then, at most now.</param>
    /// <exception cref="UserError">A tile is damaged.</exception>
    public IReadOnlyList<Digest> ProveConsistency(long earlier) => MerkleTree.ProveConsistency(earlier, Checkpoint.Size, Subtree);

    /// <summary>The root at an earlier size, from the tiles.</summary>
    /// <exception cref="UserError">A tile is damaged.</exception>
    public Digest Root(long size)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(size, Checkpoint.Size);
        return MerkleTree.Root(size, Subtree);
    }

    LedgerProof Prove(long index, ReadOnlySpan<byte> entry)
    {
        LedgerProof proof = new(index, MerkleTree.ProveInclusion(index, Checkpoint.Size, Subtree), Checkpoint);
        return proof.Includes(entry)
            ? proof
            : throw new UserError($"Entry {index} and the tiles do not give the signed root", _files.Folder, "A file of the log was changed; the audit names it.");
    }

    ReadOnlyMemory<byte> Unchecked(long index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Checkpoint.Size);
        return Bundle(TilePath.Of(TilePath.Entries, index / TilePath.Full, Checkpoint.Size)).ElementAt((int)(index % TilePath.Full));
    }

    IEnumerable<ReadOnlyMemory<byte>> Bundle(TilePath bundle) => _files.Entries(_files.OnDisk(bundle)).Take(bundle.Width);

    Digest Subtree(int height, long index)
    {
        int within = height % 8;
        long first = index << within;
        TilePath tile = TilePath.Of(height / 8, first / TilePath.Full, Checkpoint.Size);
        if (!_cache.TryGetValue(tile, out Digest[]? hashes))
        {
            if (_cache.Count == MostCached)
            {
                _cache.Clear();
            }

            _cache[tile] = hashes = _files.Hashes(_files.OnDisk(tile));
        }

        return MerkleTree.Root(hashes.AsSpan((int)(first % TilePath.Full), 1 << within));
    }
}
