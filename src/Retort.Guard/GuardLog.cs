using System.Text.Json.Nodes;
using Retort.Evidence.Ledger;

namespace Retort.Guard;

/// <summary>
/// A ledger of the guard that one process at a time keeps open: FOLDER/ledger, with the secret its salts follow from (FOLDER/ledger.secret) and its public key
/// (FOLDER/ledger.pub) beside it. Entry 0 binds the secret.
/// </summary>
sealed class GuardLog : IDisposable
{
    const int Format = 1;

    readonly LedgerKey _key;
    readonly LedgerHome _home;
    TileLog _log;
    bool _isBroken;

    GuardLog(string folder, LedgerHome home, CommitmentSecret secret, LedgerKey key, TileLog log) => (Folder, _home, Secret, _key, _log) = (folder, home, secret, key, log);

    public string Folder { get; }

    public CommitmentSecret Secret { get; }

    /// <summary>Entries, which is the number of the next.</summary>
    public long Size => _log.Published.Size;

    /// <summary>Opens the ledger of a folder, or begins it.</summary>
    /// <exception cref="UserError">Another process holds it, it is not whole, does not go on from the last checkpoint kept in the home, or cannot be written.</exception>
    public static GuardLog Open(string folder, LedgerHome home)
    {
        StoreFile.MakeFolder(folder);
        home.MakeKey();
        string ledger = Path.Combine(folder, "ledger"), checkpoint = Path.Combine(ledger, TileReader.CheckpointName);
        CommitmentSecret secret = CommitmentSecret.Of(Path.Combine(folder, "ledger.secret"), ledger);
        LedgerKey key = home.Key(File.Exists(checkpoint) ? Checkpoint.Read(checkpoint).Origin : $"{home.Prefix}/{Convert.ToHexStringLower(secret.Salt("origin"))[..16]}");
        GuardLog? opened = null;
        try
        {
            opened = new(folder, home, secret, key, TileLog.Open(ledger, key, home.Last(key.Public)));
            if (!File.Exists(Path.Combine(folder, "ledger.pub")))
            {
                key.Public.Write(Path.Combine(folder, "ledger.pub"));
            }

            if (opened.Size == 0)
            {
                opened.Add((ReadOnlyMemory<byte>)CanonicalJson.Write(new JsonObject { ["format"] = Format, ["kind"] = "begin", ["commitments"] = new JsonObject { ["secret"] = secret.Commit("0/secret", []).ToString() } }));
            }

            return opened;
        }
        finally
        {
            if (opened is null)
            {
                key.Dispose();
            }
        }
    }

    /// <summary>The entries, in order.</summary>
    /// <exception cref="UserError">The log is damaged.</exception>
    public IEnumerable<ReadOnlyMemory<byte>> Entries() => Reader().Entries();

    public TileReader Reader() => TileReader.At(Path.Combine(Folder, "ledger"), _log.Published, _key.Public);

    /// <summary>Adds entries and publishes them together, all or none; once this returns, no kill undoes it.</summary>
    /// <exception cref="UserError">They cannot be written. The next call begins again from what is published.</exception>
    public Checkpoint Add(params IReadOnlyList<ReadOnlyMemory<byte>> entries)
    {
        if (_isBroken)
        {
            _log.Dispose();
            _log = TileLog.Open(Path.Combine(Folder, "ledger"), _key, _home.Last(_key.Public));
        }

        _isBroken = true;
        _log.AppendAll(entries);
        Checkpoint published = _log.Publish(_key);
        _home.Keep(published, _key.Public);
        _isBroken = false;
        return published;
    }

    public void Dispose()
    {
        _log.Dispose();
        _key.Dispose();
    }
}
