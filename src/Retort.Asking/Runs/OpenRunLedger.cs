using Retort.Evidence.Ledger;

namespace Retort.Asking.Runs;

/// <summary>A run's ledger while it is written: its log, secret and key, and the entries it had when it was opened.</summary>
sealed class OpenRunLedger : IDisposable
{
    readonly LedgerHome _home;
    readonly LedgerKey _key;
    readonly TileLog _log;
    readonly TimeProvider _time;

    OpenRunLedger(RunFiles files, LedgerHome home, CommitmentSecret secret, LedgerKey key, TileLog log, TimeProvider time) =>
        (Files, _home, Secret, _key, _log, _time, Leaves) = (files, home, secret, key, log, time, RunLeaves.Read(TileReader.At(files.Ledger, log.Published, key.Public), files.Ledger));

    public RunFiles Files { get; }

    public CommitmentSecret Secret { get; }

    public RunLeaves Leaves { get; }

    /// <summary>Opens the ledger of a run folder, or begins one with an entry that binds its secret.</summary>
    /// <exception cref="UserError">As for <see cref="RunLedger.Record"/>.</exception>
    public static OpenRunLedger Open(string folder, LedgerHome home, TimeProvider time)
    {
        RunFiles files = new(folder);
        home.MakeKey();
        CommitmentSecret secret = CommitmentSecret.Of(files.Secret, files.Ledger, " In a copy of a run take the folder ledger away too, to begin a new one.");
        LedgerKey? key = null;
        TileLog? log = null;
        try
        {
            string checkpoint = files[$"{RunFiles.LedgerFolder}/{TileReader.CheckpointName}"];
            key = home.Key(File.Exists(checkpoint) ? Checkpoint.Read(checkpoint).Origin : $"{home.Prefix}/{Convert.ToHexStringLower(secret.Salt("origin"))[..16]}");
            log = TileLog.Open(files.Ledger, key, home.Last(key.Public));
            if (!File.Exists(files.PublicKey))
            {
                key.Public.Write(files.PublicKey);
            }

            OpenRunLedger opened = new(files, home, secret, key, log, time);
            if (log.Size == 0)
            {
                opened.Append(LeafKind.Begin, "", 1, time.GetUtcNow(), RunLedger.Begin);
            }

            (key, log) = (null, null);
            return opened;
        }
        finally
        {
            log?.Dispose();
            key?.Dispose();
        }
    }

    /// <summary>Adds an entry that commits to contents; its index.</summary>
    public long Append(LeafKind kind, string name, int part, DateTimeOffset time, IReadOnlyDictionary<string, byte[]> contents) =>
        _log.Append(RunLeaf.Of(kind, name, part, time, contents, Secret, _log.Size).ToBytes());

    /// <summary>Adds an entry of now.</summary>
    public long Append(LeafKind kind, string name, int part, IReadOnlyDictionary<string, byte[]> contents) => Append(kind, name, part, _time.GetUtcNow(), contents);

    /// <summary>Signs with the log's key.</summary>
    public DsseEnvelope Sign(string payloadType, ReadOnlyMemory<byte> payload) => DsseEnvelope.Sign(payloadType, payload, _key);

    /// <summary>Signs the new checkpoint, and keeps it outside of the folder too.</summary>
    public RunLedgerFacts Publish()
    {
        long before = _log.Published.Size;
        Checkpoint published = _log.Publish(_key);
        _home.Keep(published, _key.Public);
        return new(published.Size - before, published);
    }

    public void Dispose()
    {
        _log.Dispose();
        _key.Dispose();
    }
}
