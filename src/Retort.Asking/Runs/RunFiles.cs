using System.Text.Json.Nodes;
using Retort.Evidence.Ledger;

namespace Retort.Asking.Runs;

/// <summary>The files of a run folder that have to do with its ledger.</summary>
public sealed class RunFiles(string folder)
{
    /// <summary>By their path in the run folder.</summary>
    public const string LedgerFolder = "ledger", PublicKeyName = "ledger.pub", SecretName = "ledger.secret", WitnessFolder = "witnesses", StatementFolder = "statements", ExportName = "transcripts.jsonl", StoreName = CollectJob.StoreFile;

    /// <summary>The run folder.</summary>
    public string Folder { get; } = folder;

    /// <summary>The log, which may be shown: commitments alone.</summary>
    public string Ledger => this[LedgerFolder];

    /// <summary>The log's public key, PEM.</summary>
    public string PublicKey => this[PublicKeyName];

    /// <summary>From which all salts follow: whoever has it can open every entry.</summary>
    public string Secret => this[SecretName];

    /// <summary>The teacher's answers, a line each.</summary>
    public string Export => this[ExportName];

    /// <summary>The store of questions and answers.</summary>
    public string Store => this[StoreName];

    /// <summary>A file by its path in the run folder, with '/'.</summary>
    public string this[string relative] => Path.Combine(Folder, relative.Replace('/', Path.DirectorySeparatorChar));

    /// <summary>The file of a statement.</summary>
    public static string StatementOf(string name) => $"{StatementFolder}/{name}.json";

    /// <summary>Whether this is a path within a run folder, with '/', and nothing that leads out of it.</summary>
    public static bool IsWithin(string relative) =>
        relative.Length > 0 && !Path.IsPathRooted(relative) && !relative.Contains('\\', StringComparison.Ordinal) && !relative.Contains('\0', StringComparison.Ordinal) && !relative.Split('/').Any(p => p is "" or "." or "..");

    /// <summary>Every file that the ledger answers for: all but the ledger's own, what is being written, and what SQLite keeps beside a store.</summary>
    /// <exception cref="UserError">The folder cannot be read.</exception>
    public IReadOnlyList<string> Covered()
    {
        try
        {
            return [.. Directory.EnumerateFiles(Folder, "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(Folder, f).Replace('\\', '/')).Where(IsCovered).Order(StringComparer.Ordinal)];
        }
        catch (Exception e) when (FileFault.Is(e))
        {
            throw FileFault.Reading(Folder, e);
        }
    }

    static bool IsCovered(string file) =>
        !file.StartsWith(LedgerFolder + "/", StringComparison.Ordinal) && !file.StartsWith(WitnessFolder + "/", StringComparison.Ordinal)
        && file is not (PublicKeyName or SecretName or StoreName + "-wal" or StoreName + "-shm" or StoreName + "-journal") && !file.EndsWith(AtomicFile.Suffix, StringComparison.Ordinal);

    /// <summary>What a step's entry commits to of a file: its length in bytes and its SHA-256 in hexadecimal, canonical JSON.</summary>
    public static byte[] State(long bytes, string sha256) => CanonicalJson.Write(new JsonObject { ["bytes"] = bytes, ["sha256"] = sha256 });

    /// <summary>The same of a file as it is now.</summary>
    /// <exception cref="UserError">It cannot be read.</exception>
    public byte[] State(string relative)
    {
        string path = this[relative];
        try
        {
            return State(new FileInfo(path).Length, Manifest.FileHash(path));
        }
        catch (Exception e) when (FileFault.Is(e))
        {
            throw FileFault.Reading(path, e);
        }
    }
}
