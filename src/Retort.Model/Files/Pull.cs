using System.Text.Json;
using System.Text.RegularExpressions;

namespace Retort.Model.Files;

/// <summary>How far one file has come.</summary>
/// <param name="Bytes">On disk, those of an earlier start included.</param>
/// <param name="Total">Null where the server does not say.</param>
public readonly record struct PullProgress(string File, long Bytes, long? Total);

/// <summary>What was fetched.</summary>
/// <param name="Files">Paths below the folder.</param>
/// <param name="Commit">The commit that the revision named, where the hub says so.</param>
public sealed record PulledModel(string Folder, IReadOnlyList<string> Files, long Bytes, string? Commit);

/// <summary>Where to fetch from, and how patiently.</summary>
public sealed record PullOptions
{
    public Uri Hub { get; init; } = new("https://huggingface.co");

    /// <summary>Sent to the hub alone, over https or to this machine.</summary>
    public string? Token { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Silence after which a connection counts as lost.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(60);

    public Action<PullProgress>? Progress { get; init; }

    /// <summary>The hub in RETORT_HUB and the token in HF_TOKEN, where set.</summary>
    /// <exception cref="UserError">RETORT_HUB is no http address, or HF_TOKEN cannot be a token.</exception>
    public static PullOptions FromEnvironment()
    {
        PullOptions options = new();
        if (Environment.GetEnvironmentVariable("RETORT_HUB") is { Length: > 0 } hub)
        {
            options = options with { Hub = Pull.Address(hub, "RETORT_HUB") };
        }

        string? token = Environment.GetEnvironmentVariable("HF_TOKEN");
        return string.IsNullOrWhiteSpace(token) ? options
            : token.Trim().All(c => c is > ' ' and < '\x7f') ? options with { Token = token.Trim() }
            : throw new UserError("The token holds signs that no token has", "HF_TOKEN", "Copy it again from the hub's settings.");
    }

    /// <summary>The token is not printed.</summary>
    public override string ToString() => $"PullOptions {{ Hub = {Hub} }}";
}

/// <summary>Fetches models from a Hugging Face hub and single files by address.</summary>
public static partial class Pull
{
    /// <summary>
    /// Fetches the files of <c>org/name[@revision]</c> that <see cref="HubFiles.Choose"/> picks. Files already there with the right hash are kept;
    /// a broken-off download goes on where it stopped.
    /// </summary>
    /// <param name="to">The folder; by default one of the model's name here.</param>
    /// <exception cref="UserError">The name, the hub's answer, the network, a hash or the disk is at fault.</exception>
    public static async Task<PulledModel> ModelAsync(string reference, string? to, PullOptions options, CancellationToken stop = default)
    {
        (string repository, string revision) = Parse(reference);
        string folder = to ?? repository.Split('/')[1], hub = options.Hub.AbsoluteUri.TrimEnd('/');
        using Download download = new(options);
        Uri api = new($"{hub}/api/models/{repository}/revision/{Uri.EscapeDataString(revision)}");
        JsonFields answer = JsonFields.Parse(await download.BytesAsync(api, 64 << 20, stop), Download.Show(api));
        IReadOnlyList<string> files = HubFiles.Choose(Names(answer), Download.Show(api));
        long bytes = 0;
        foreach (string file in files)
        {
            Uri uri = new($"{hub}/{repository}/resolve/{Uri.EscapeDataString(revision)}/{string.Join('/', file.Split('/').Select(Uri.EscapeDataString))}");
            bytes += await download.FileAsync(uri, Path.Combine([folder, .. file.Split('/')]), file, null, stop);
        }

        return new(folder, files, bytes, answer.Has("sha") ? answer.Text("sha") : null);
    }

    /// <summary>Fetches one file whose hash is known.</summary>
    /// <param name="sha256">64 hexadecimal digits.</param>
    /// <param name="to">The folder; by default the current one. The file takes the last name in the address.</param>
    /// <returns>The file's path.</returns>
    /// <exception cref="UserError">The address, the network, the hash or the disk is at fault.</exception>
    public static async Task<string> FileAsync(string url, string sha256, string? to, PullOptions options, CancellationToken stop = default)
    {
        Uri uri = Address(url, "the address");
        if (!Download.IsSha256(sha256))
        {
            throw new UserError("This is not a SHA-256", "--sha256", "Give its 64 hexadecimal digits, as sha256sum prints them.");
        }

        string name = Uri.UnescapeDataString(uri.Segments[^1]);
        if (!FileNames.IsPlain(name))
        {
            throw new UserError("The address does not end in a file name", Download.Show(uri), "Give the address of the file itself.");
        }

        using Download download = new(options);
        string path = Path.Combine(to ?? ".", name);
        await download.FileAsync(uri, path, name, sha256, stop);
        return path;
    }

    internal static Uri Address(string text, string where) =>
        Uri.TryCreate(text, UriKind.Absolute, out Uri? uri) && (uri.Scheme == Uri.UriSchemeHttps || uri.Scheme == Uri.UriSchemeHttp) ? uri
        : throw new UserError("This is not an http or https address", where, "Write it whole, for example https://huggingface.co.");

    static (string Repository, string Revision) Parse(string reference)
    {
        Match match = Reference().Match(reference);
        return match.Success && !reference.Contains("..", StringComparison.Ordinal)
            ? (match.Groups[1].Value, match.Groups[2].Success ? match.Groups[2].Value : "main")
            : throw new UserError($"{JsonFields.Short(reference)} is not the name of a model", "pull", "Write org/name or org/name@revision.");
    }

    static IEnumerable<string> Names(JsonFields answer)
    {
        foreach (JsonElement sibling in answer.Array("siblings") ?? throw answer.Missing("siblings"))
        {
            yield return answer.Nested("siblings", sibling).Text("rfilename");
        }
    }

    [GeneratedRegex(@"^([A-Za-z0-9][A-Za-z0-9_.-]{0,95}/[A-Za-z0-9][A-Za-z0-9_.-]{0,95})(?:@([A-Za-z0-9][A-Za-z0-9_./-]{0,255}))?\z", RegexOptions.CultureInvariant)]
    private static partial Regex Reference();
}
