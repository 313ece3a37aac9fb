using System.Text;

namespace Retort.Evidence.Ledger;

/// <summary>
/// What the owner of logs keeps outside of them: the private key, and of every log the last checkpoint that was signed here. Without the latter
/// whoever puts an older folder back would have the owner sign a second history.
/// </summary>
/// <param name="Folder">The user's own folder for Retort.</param>
/// <param name="KeyPath">A P-256 private key in PEM.</param>
/// <param name="Prefix">How the names of new logs begin.</param>
public sealed record LedgerHome(string Folder, string KeyPath, string Prefix)
{
    const string OwnKey = "ledger.key";

    /// <summary>The environment variables: the user's folder, the private key, the beginning of logs' names.</summary>
    public const string FolderVariable = "RETORT_HOME", KeyVariable = "RETORT_LEDGER_KEY", NameVariable = "RETORT_LEDGER_NAME";

    /// <summary>Where the environment says: by default a folder <c>retort</c> in the user's configuration, and a key of its own there.</summary>
    /// <param name="environment">Gives an environment variable; null where it is not set.</param>
    /// <exception cref="UserError">There is no such folder, or the name is none.</exception>
    public static LedgerHome Of(Func<string, string?> environment)
    {
        string? Set(string name) => environment(name) is { Length: > 0 } value ? value : null;
        string folder = Set(FolderVariable) ?? (Environment.GetFolderPath(Environment.SpecialFolder.ApplicationData) is { Length: > 0 } user
            ? Path.Combine(user, "retort")
            : throw new UserError("there is no folder for the ledger's key", FolderVariable, "Set it to a folder that only you may read."));
        string prefix = Set(NameVariable) ?? "retort";
        if (!LedgerPublicKey.IsName(prefix))
        {
            throw new UserError("this is no name for logs", NameVariable, "Give one such as example.com/retort, without spaces and plus signs.");
        }

        return new(folder, Set(KeyVariable) ?? Path.Combine(folder, OwnKey), prefix);
    }

    /// <summary>Makes the key where none was named and there is none yet; true if it was made now.</summary>
    /// <exception cref="UserError">It cannot be written, or the one that is there cannot be read.</exception>
    public bool MakeKey()
    {
        if (File.Exists(KeyPath) || KeyPath != Path.Combine(Folder, OwnKey))
        {
            using LedgerKey there = Key(Prefix);
            return false;
        }

        MakeFolder(Folder);
        using LedgerKey key = LedgerKey.Make(Prefix);
        string made = $"{KeyPath}.{key.Public.Fingerprint}";
        key.Write(made);
        try
        {
            // Of two processes that make one at once, the first has made it.
            File.Move(made, KeyPath, overwrite: false);
            return true;
        }
        catch (IOException) when (File.Exists(KeyPath))
        {
            File.Delete(made);
            return false;
        }
    }

    /// <summary>The private key under a log's name.</summary>
    /// <exception cref="UserError">It cannot be read.</exception>
    public LedgerKey Key(string origin) => LedgerKey.Read(KeyPath, origin);

    /// <summary>The last checkpoint of a log that was kept here; null for none.</summary>
    /// <param name="witness">Who signed it as a witness; null for the owner.</param>
    /// <exception cref="UserError">It is no checkpoint.</exception>
    public Checkpoint? Last(LedgerPublicKey log, LedgerPublicKey? witness = null) => PathOf(log, witness) is var path && File.Exists(path) ? Checkpoint.Read(path) : null;

    /// <summary>Keeps a checkpoint as the last one of a log.</summary>
    /// <exception cref="UserError">It cannot be written.</exception>
    public void Keep(Checkpoint checkpoint, LedgerPublicKey log, LedgerPublicKey? witness = null)
    {
        string path = PathOf(log, witness);
        MakeFolder(Path.GetDirectoryName(path)!);
        AtomicFile.WriteAllBytes(path, checkpoint.ToBytes());
    }

    /// <summary>Where the last checkpoint of a log is kept.</summary>
    public string PathOf(LedgerPublicKey log, LedgerPublicKey? witness = null)
    {
        string id = Digest.Of([.. Encoding.UTF8.GetBytes(log.Name), 0, .. log.Fingerprint.ToArray()]).ToString()[..16];
        return witness is null ? Path.Combine(Folder, "ledgers", id) : Path.Combine(Folder, "witnessed", witness.Fingerprint.ToString()[..16], id);
    }

    static void MakeFolder(string path)
    {
        try
        {
            Directory.CreateDirectory(path);
        }
        catch (Exception e) when (FileFault.Is(e))
        {
            throw FileFault.Writing(path, e);
        }
    }
}
