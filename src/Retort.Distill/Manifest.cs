using System.Security.Cryptography;
using System.Text.Json;
using Retort.Model.Files;

namespace Retort.Distill;

/// <summary>One step of a run: the hashes of what it read and of what it wrote.</summary>
public sealed record ManifestEntry(string Step, IReadOnlyDictionary<string, string> Read, IReadOnlyDictionary<string, string> Wrote);

/// <summary>manifest.json of a run folder: every step with SHA-256 hashes, written again after each step.</summary>
public sealed class Manifest(string folder)
{
    static readonly JsonSerializerOptions s_options = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };
    readonly List<ManifestEntry> _entries = [];

    public IReadOnlyList<ManifestEntry> Entries => _entries;

    /// <param name="wrote">Files of the run folder, by their path in it.</param>
    public void Add(string step, IReadOnlyDictionary<string, string> read, params IReadOnlyList<string> wrote)
    {
        _entries.Add(new(step, read, wrote.ToDictionary(w => w, w => FileHash(Path.Combine(folder, w)), StringComparer.Ordinal)));
        AtomicFile.WriteAllBytes(Path.Combine(folder, "manifest.json"), JsonSerializer.SerializeToUtf8Bytes(new { format = 1, steps = _entries }, s_options));
    }

    public static string FileHash(string path)
    {
        using FileStream stream = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }
}
