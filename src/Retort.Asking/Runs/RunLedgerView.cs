using Retort.Evidence.Ledger;

namespace Retort.Asking.Runs;

/// <summary>A run's ledger as it says it is: to be shown, not to be relied on; that is what an audit is for.</summary>
/// <param name="Binds">What others have signed of it.</param>
public sealed record RunLedgerView(RunFiles Files, TileReader Log, LedgerPublicKey Key, RunLeaves Leaves, IReadOnlyList<string> Binds)
{
    /// <exception cref="UserError">There is no ledger, its checkpoint is not signed by the key beside it, or it cannot be read.</exception>
    public static RunLedgerView Read(string folder)
    {
        (RunFiles files, TileReader log, LedgerPublicKey key) = Open(folder);
        List<string> binds = [];
        Witnesses.Audit(files, log, key, [], [], binds);
        return new(files, log, key, RunLeaves.Read(log, files.Ledger), binds);
    }

    /// <summary>The log alone.</summary>
    /// <exception cref="UserError">There is none, or its checkpoint is not signed by the key beside it.</exception>
    public static (RunFiles Files, TileReader Log, LedgerPublicKey Key) Open(string folder)
    {
        RunFiles files = new(folder);
        if (!Directory.Exists(files.Ledger))
        {
            throw new UserError("there is no ledger here", folder, "Name the folder of a run of retort distill or retort collect.");
        }

        Checkpoint head = Checkpoint.Read(files[$"{RunFiles.LedgerFolder}/{TileReader.CheckpointName}"]);
        LedgerPublicKey key = head.LogKey(files.PublicKey);
        return (files, TileReader.At(files.Ledger, head, key), key);
    }

    /// <summary>The entry of an answer, by its name in the ledger or by its id as export-data gives it.</summary>
    /// <exception cref="UserError">There is no such answer.</exception>
    public long Transcript(string id)
    {
        if (Leaves.Transcripts.TryGetValue(id, out long index))
        {
            return index;
        }

        foreach ((int line, ReadOnlyMemory<byte> bytes) in (File.Exists(Files.Export) ? JsonLines.Read(Files.Export) : []).Index())
        {
            if (SealedTranscript.Parse(bytes.Span, $"{Files.Export}, line {line + 1}") is var row && row.Id == id)
            {
                return row.Leaf;
            }
        }

        throw new UserError($"there is no answer {JsonFields.Short(id)}", Files.Ledger, "Give its id as export-data writes it, or its name as ledger show --entries lists it.");
    }

    /// <summary>The last entry of a step, its first part.</summary>
    /// <exception cref="UserError">There is no such step.</exception>
    public long Step(string name) => Leaves.Steps.TryGetValue(name, out IReadOnlyList<long>? parts) ? parts[0] : throw new UserError($"there is no step {JsonFields.Short(name)}", Files.Ledger, $"Steps are {string.Join(", ", Leaves.Steps.Keys)}.");
}
