namespace Retort.Evidence.Ledger;

/// <summary>
/// Checks a log's folder against the log's public key: the signature, every tile against the entries, the root, every file that is there, and
/// the consistency with a checkpoint known from elsewhere. A single changed byte in any file is found and its file named; only a signature by
/// a key that was not given is not judged.
/// <para>
/// What this cannot show: an owner who holds the only key can write the whole log anew, with other entries or earlier dates, sign it, and it
/// will pass. The log alone therefore proves neither when an entry was made, nor that nothing was left out or replaced before somebody else
/// saw a checkpoint, nor that all readers are shown the same log, nor that an entry is true. Only what is beyond the owner's reach binds
/// the owner: a checkpoint that another party keeps (<c>known</c>), a witness' signature under it, or a time stamp (<see cref="TimeStamp"/>);
/// and these bind what was logged before them, not what came after.
/// </para>
/// </summary>
public static class LedgerAudit
{
    /// <summary>Files that are named one by one when they are missing.</summary>
    const int MostMissing = 10_000;

    /// <param name="folder">The log's folder.</param>
    /// <param name="key">Of the log.</param>
    /// <param name="known">A checkpoint of this log kept elsewhere, earlier or later than the one in the folder.</param>
    /// <param name="witnesses">Keys that must have signed the folder's checkpoint too.</param>
    /// <exception cref="UserError">The folder cannot be read at all.</exception>
    public static LedgerAuditReport Run(string folder, LedgerPublicKey key, Checkpoint? known = null, params ReadOnlySpan<LedgerPublicKey> witnesses)
    {
        TileFiles files = new(folder);
        IReadOnlyList<string> all = files.All();
        List<LedgerFinding> findings = [];

        // Without a checkpoint to trust, files are compared with each other alone.
        Checkpoint? signed = SignedHead(files, key, witnesses, findings);
        long size = signed?.Size ?? Widest(all);
        if (size / TilePath.Full > all.Count + MostMissing)
        {
            findings.Add(new(TileFiles.CheckpointName, Widest(all), $"It has {size} entries, and there are files of {Widest(all)}"));
            (signed, size) = (null, Widest(all));
        }

        AuditedTree tree = new(files, size, signed?.Root, findings);
        List<string> unpublished = [];
        foreach (string file in all)
        {
            if (file.EndsWith(AtomicFile.Suffix, StringComparison.Ordinal))
            {
                unpublished.Add(file);
            }
            else if (!TilePath.TryParse(file, out TilePath tile))
            {
                if (file != TileFiles.CheckpointName && !(file == TileFiles.LockName && new FileInfo(files.PathOf(file)).Length == 0))
                {
                    findings.Add(new(file, null, "The file is no part of a log"));
                }
            }
            else if (!tile.IsWithin(size))
            {
                unpublished.Add(file);
            }
            else if (tile != TilePath.Of(tile.Level, tile.Index, size))
            {
                tree.CheckEarlier(tile);
            }
        }

        if (known is not null)
        {
            Compare(known, key, tree, size, findings);
        }

        return new(size, findings, unpublished);
    }

    static Checkpoint? SignedHead(TileFiles files, LedgerPublicKey key, ReadOnlySpan<LedgerPublicKey> witnesses, List<LedgerFinding> findings)
    {
        void Found(string what) => findings.Add(new(TileFiles.CheckpointName, null, what));
        Checkpoint checkpoint;
        try
        {
            checkpoint = files.Checkpoint();
        }
        catch (UserError e)
        {
            Found($"{e.What} ({e.Where})");
            return null;
        }

        LedgerVerdict verdict = checkpoint.Verify(key, witnesses);
        if (verdict != LedgerVerdict.Holds)
        {
            Found(verdict switch
            {
                LedgerVerdict.OtherLog => $"It is of the log {JsonFields.Short(checkpoint.Origin)}, not of {key.Name}",
                LedgerVerdict.Unsigned => $"It has no signature by {key}",
                LedgerVerdict.BadSignature => $"The signature by {key} does not hold",
                LedgerVerdict.WitnessAbsent => "A witness has not signed it",
                _ => "The signature by a witness does not hold",
            });
        }

        return verdict is LedgerVerdict.Holds or LedgerVerdict.WitnessAbsent or LedgerVerdict.BadWitness ? checkpoint : null;
    }

    static long Widest(IReadOnlyList<string> all)
    {
        long size = 0;
        foreach (string file in all)
        {
            if (TilePath.TryParse(file, out TilePath tile) && tile.Level == 0 && tile.Index < all.Count)
            {
                size = Math.Max(size, (tile.Index * TilePath.Full) + tile.Width);
            }
        }

        return size;
    }

    static void Compare(Checkpoint known, LedgerPublicKey key, AuditedTree tree, long size, List<LedgerFinding> findings)
    {
        LedgerVerdict verdict = known.Verify(key);
        if (verdict != LedgerVerdict.Holds)
        {
            findings.Add(new(LedgerFinding.KnownCheckpoint, null, $"It is not signed by {key} ({verdict})"));
        }
        else if (known.Size > size)
        {
            findings.Add(new(TileFiles.CheckpointName, size, $"Entries from {size} on were removed: the known checkpoint has {known.Size}"));
        }
        else if (tree.RootAt(known.Size) != known.Root)
        {
            findings.Add(new(TileFiles.CheckpointName, null, $"The first {known.Size} entries are not those of the known checkpoint: the log was written anew"));
        }
    }
}
