namespace Retort.Evidence.Ledger;

/// <summary>What became of a request to witness a log.</summary>
public abstract record WitnessResult
{
    /// <param name="Checkpoint">With the witness' signature, as it now lies in the log's folder too.</param>
    public sealed record Signed(Checkpoint Checkpoint) : WitnessResult;

    /// <param name="Why">A sentence without its full stop: the log is not the continuation of what the witness has signed before.</param>
    public sealed record Refused(string Why) : WitnessResult;
}

/// <summary>
/// A second party that signs a log's checkpoints: only what goes on from the last one it signed, which it keeps itself. Its signatures say that
/// the log was not written anew since the first of them; they say nothing about what the entries are of.
/// </summary>
public static class LedgerWitness
{
    /// <summary>Signs the last checkpoint of a log's folder and puts it back with the signature.</summary>
    /// <param name="last">The last checkpoint this witness has signed; null the first time, when nothing can be compared.</param>
    /// <exception cref="UserError">The log has not signed its checkpoint, is damaged, or is being written to.</exception>
    public static WitnessResult Sign(string folder, LedgerPublicKey log, LedgerKey witness, Checkpoint? last)
    {
        TileFiles files = new(folder);
        using FileStream hold = TileLog.Hold(files);
        TileReader reader = TileReader.Open(folder, log);
        Checkpoint now = reader.Checkpoint;
        if (last is not null && last.Verify(log, witness.Public) is not LedgerVerdict.Holds and var verdict)
        {
            return new WitnessResult.Refused($"The checkpoint that was kept as the last one is not of this log and signed by {witness} ({verdict})");
        }

        if (last is not null && last.Size > now.Size)
        {
            return new WitnessResult.Refused($"The log has {now.Size} entries, and {witness.Name} has signed {last.Size}");
        }

        if (last is not null && last.Size > 0 && !MerkleProof.IsConsistent(last.Size, last.Root, now.Size, now.Root, reader.ProveConsistency(last.Size)))
        {
            return new WitnessResult.Refused($"The first {last.Size} entries are not those that {witness.Name} has signed: the log was written anew");
        }

        Checkpoint signed = now.Note.IsSignedBy(witness.Public) == true ? now : now.Cosign(witness);
        AtomicFile.WriteAllBytes(files.PathOf(TileFiles.CheckpointName), signed.ToBytes());
        return new WitnessResult.Signed(signed);
    }
}
