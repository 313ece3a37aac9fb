using System.Security.Cryptography;
using System.Text.Json;

namespace Retort.Asking.Runs;

/// <summary>One step of a run: the hashes of what it read and of what it wrote.</summary>
public sealed record ManifestEntry(string Step, IReadOnlyDictionary<string, string> Read, IReadOnlyDictionary<string, string> Wrote);

/// <summary>manifest.json of a run folder: every step with SHA-256 hashes, written again after each step. A resumed run goes on with the entries it finds.</summary>
public sealed class Manifest(string folder)
{
    /// <summary>Its name in a run folder.</summary>
    public const string FileName = "manifest.json";

    static readonly JsonSerializerOptions s_options = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true };

    sealed record Content(int Format, IReadOnlyList<ManifestEntry> Steps);

    List<ManifestEntry>? _entries;

    /// <summary>In the order in which steps were first done.</summary>
    public IReadOnlyList<ManifestEntry> Entries => _entries ??= Earlier();

    /// <summary>Records a step, in place of an earlier record of it.</summary>
    /// <param name="wrote">Files of the run folder, by their path in it.</param>
    /// <exception cref="UserError">The manifest that is there cannot be read, or the new one cannot be written.</exception>
    public void Add(string step, IReadOnlyDictionary<string, string> read, params IReadOnlyList<string> wrote)
    {
        _entries ??= Earlier();
        ManifestEntry entry = new(step, read, wrote.ToDictionary(w => w, w => FileHash(Path.Combine(folder, w)), StringComparer.Ordinal));
        int at = _entries.FindIndex(e => e.Step == step);
        if (at < 0)
        {
            _entries.Add(entry);
        }
        else
        {
            _entries[at] = entry;
        }

        AtomicFile.WriteAllBytes(Path.Combine(folder, FileName), JsonSerializer.SerializeToUtf8Bytes(new Content(1, _entries), s_options));
    }

    public static string FileHash(string path)
    {
        using FileStream stream = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    /// <summary>What earlier processes of the run recorded and still holds: every file they wrote is there with its hash.</summary>
    List<ManifestEntry> Earlier() => [.. Stated(folder).Where(Holds)];

    /// <summary>The steps as a run folder's manifest states them, whatever became of their files; none where there is no manifest.</summary>
    /// <exception cref="UserError">It cannot be read.</exception>
    public static IReadOnlyList<ManifestEntry> Stated(string folder)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
        {
            return [];
        }

        try
        {
            IReadOnlyList<ManifestEntry?> steps = JsonSerializer.Deserialize<Content>(TextFile.Read(path), s_options)?.Steps ?? throw new JsonException();
            return steps.All(s => s is not null && !s.Read.Values.Contains(null) && !s.Wrote.Values.Contains(null) && s.Wrote.Keys.All(RunFiles.IsWithin)) ? [.. steps.OfType<ManifestEntry>()] : throw new JsonException();
        }
        catch (JsonException)
        {
            throw new UserError("the manifest cannot be read", path, "Delete it; the run writes it again, without the steps done so far.");
        }
    }

    bool Holds(ManifestEntry entry) => entry.Wrote.All(w => File.Exists(Path.Combine(folder, w.Key)) && FileHash(Path.Combine(folder, w.Key)) == w.Value);
}
