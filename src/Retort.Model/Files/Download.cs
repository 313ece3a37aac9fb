using System.Net;
using System.Security.Cryptography;

namespace Retort.Model.Files;

/// <summary>
/// Fetches files so that each appears whole or not at all: into NAME.part, checked, flushed, then renamed. Lost connections and faults of the
/// server are tried again three times with doubling pauses, counted afresh after every <see cref="Progressed"/> bytes.
/// </summary>
sealed class Download(PullOptions options) : IDisposable
{
    /// <summary>Ends the name of a file not yet whole; it stays when the download stops, so that the next goes on from there.</summary>
    public const string Part = ".part";

    const int Retries = 3;
    const long Progressed = 1 << 20;

    readonly HubConnection _connection = new(options);

    public static bool IsSha256(string text) => text.Length == 64 && text.All(char.IsAsciiHexDigit);

    /// <summary>An address fit for an error: without user, query (which may be signed) and fragment.</summary>
    public static string Show(Uri uri) => uri.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped);

    public void Dispose() => _connection.Dispose();

    /// <summary>A small answer in memory.</summary>
    /// <exception cref="UserError">Refused, unreachable, or longer than <paramref name="limit"/>.</exception>
    public async Task<byte[]> BytesAsync(Uri uri, int limit, CancellationToken stop)
    {
        using MemoryStream content = new();
        await InsistAsync(uri, () => content.Length, async () =>
        {
            using HubAnswer answer = await _connection.GetAsync(uri, 0, stop);
            if (Refusal(answer.Status, uri) is { } why)
            {
                return why;
            }

            content.SetLength(0);
            await CopyAsync(answer, bytes =>
            {
                content.Write(bytes.Span);
                return content.Length <= limit ? ValueTask.CompletedTask
                    : throw new UserError($"The answer has more than {limit} bytes", Show(uri), "Check the hub's address.");
            }, stop);
            return null;
        }, stop);
        return content.ToArray();
    }

    /// <summary>Fetches one file.</summary>
    /// <param name="name">How the file is called in progress reports.</param>
    /// <param name="sha256">The hash it must have; null takes the one the hub gives, if any.</param>
    /// <returns>The file's bytes.</returns>
    /// <exception cref="UserError">Refused, unreachable, a wrong hash, or the file cannot be written.</exception>
    public async Task<long> FileAsync(Uri uri, string path, string name, string? sha256, CancellationToken stop)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            Attempt attempt = new(uri, path, name, sha256);
            await InsistAsync(uri, () => attempt.Here, () => TryAsync(attempt, stop), stop);
            return new FileInfo(path).Length;
        }
        catch (Exception e) when (FileFault.Is(e))
        {
            throw FileFault.Writing(path, e);
        }
    }

    /// <summary>What is known of a file across attempts.</summary>
    sealed class Attempt(Uri uri, string path, string name, string? sha256)
    {
        public Uri Uri => uri;

        public string Path => path;

        public string PartPath => path + Part;

        public string Name => name;

        /// <summary>The hash asked for, not the hub's.</summary>
        public string? Sha256 => sha256;

        /// <summary>The part was begun by this process, so it is of the same content as long as the ETag stays.</summary>
        public bool Own { get; set; }

        public string? ETag { get; set; }

        /// <summary>The file that was there before is another.</summary>
        public bool Compared { get; set; }

        /// <summary>Bytes in the part.</summary>
        public long Here => File.Exists(PartPath) ? new FileInfo(PartPath).Length : 0;
    }

    /// <summary>One attempt: null when the file is there, or why to try again.</summary>
    async Task<string?> TryAsync(Attempt file, CancellationToken stop)
    {
        // A connection lost as the last byte came leaves a whole part, and servers answer a range beyond the end with 416.
        long here = file.Here;
        using HubAnswer answer = await _connection.GetAsync(file.Uri, here, stop);
        if (answer.Status == HttpStatusCode.RequestedRangeNotSatisfiable && here > 0)
        {
            if (answer.Response.Content.Headers.ContentRange?.Length == here && (file.Sha256 ?? answer.Sha256) is { } whole)
            {
                return await FinishAsync(file, whole, resumed: true, stop);
            }

            File.Delete(file.PartPath);
            return "the part did not fit the file";
        }

        if (Refusal(answer.Status, file.Uri) is { } why)
        {
            return why;
        }

        string? sha256 = file.Sha256 ?? answer.Sha256, etag = answer.Response.Headers.ETag?.Tag;
        bool resumed = answer.Status == HttpStatusCode.PartialContent;
        if (resumed && (answer.Response.Content.Headers.ContentRange?.From != here || (sha256 is null && !(file.Own && etag is not null && etag == file.ETag))))
        {
            // Without a hash nothing would show that the part belongs to another state of the file.
            File.Delete(file.PartPath);
            return "the part could not be continued";
        }

        (file.Own, file.ETag) = (true, etag);
        long start = resumed ? here : 0;
        long? total = answer.Response.Content.Headers.ContentRange?.Length ?? (start + answer.Response.Content.Headers.ContentLength);
        if (sha256 is not null && File.Exists(file.Path) && new FileInfo(file.Path).Length == total && !file.Compared && Same(await HashAsync(file.Path, stop), sha256))
        {
            File.Delete(file.PartPath);
            options.Progress?.Invoke(new(file.Name, total.Value, total));
            return null;
        }

        file.Compared = true;
        await ReceiveAsync(file, answer, start, total, stop);
        long received = file.Here;
        return total is null || received == total ? await FinishAsync(file, sha256, resumed, stop) : $"{received} of {total} bytes came";
    }

    async Task ReceiveAsync(Attempt file, HubAnswer answer, long start, long? total, CancellationToken stop)
    {
        await using FileStream part = new(file.PartPath, start > 0 ? FileMode.Open : FileMode.Create, FileAccess.Write, FileShare.None, 1, useAsync: true);
        part.Position = start;
        options.Progress?.Invoke(new(file.Name, start, total));
        await CopyAsync(answer, async bytes =>
        {
            await part.WriteAsync(bytes, stop);
            options.Progress?.Invoke(new(file.Name, part.Position, total));
        }, stop);
        part.Flush(flushToDisk: true);
    }

    static async Task<string?> FinishAsync(Attempt file, string? sha256, bool resumed, CancellationToken stop)
    {
        if (sha256 is not null && await HashAsync(file.PartPath, stop) is string hash && !Same(hash, sha256))
        {
            File.Delete(file.PartPath);
            return resumed ? "the continued file had the wrong hash"
                : throw new UserError($"The file's SHA-256 is {hash}, not {sha256}", Show(file.Uri), "The file was altered or replaced on the way; do not use it.");
        }

        File.Move(file.PartPath, file.Path, overwrite: true);
        return null;
    }

    static bool Same(string hash, string other) => hash.Equals(other, StringComparison.OrdinalIgnoreCase);

    static async Task<string> HashAsync(string path, CancellationToken stop)
    {
        await using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 17, useAsync: true);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, stop));
    }

    /// <summary>Hands the body on piece by piece.</summary>
    /// <exception cref="HttpRequestException">The connection was lost.</exception>
    async Task CopyAsync(HubAnswer answer, Func<ReadOnlyMemory<byte>, ValueTask> take, CancellationToken stop)
    {
        using CancellationTokenSource quiet = new(options.Patience, options.Time);
        using CancellationTokenSource both = CancellationTokenSource.CreateLinkedTokenSource(stop, quiet.Token);
        byte[] buffer = new byte[1 << 17];
        await using Stream body = await answer.Response.Content.ReadAsStreamAsync(both.Token);
        while (true)
        {
            quiet.CancelAfter(options.Patience);
            int read;
            try
            {
                read = await body.ReadAsync(buffer, both.Token);
            }
            catch (IOException e)
            {
                throw new HttpRequestException(e.Message, e);
            }

            if (read == 0)
            {
                return;
            }

            await take(buffer.AsMemory(0, read));
        }
    }

    /// <summary>Repeats an attempt that gives a reason to, or whose connection is lost.</summary>
    async Task InsistAsync(Uri uri, Func<long> here, Func<Task<string?>> attempt, CancellationToken stop)
    {
        long furthest = here();
        for (int failures = 0; ; failures++)
        {
            string? why;
            try
            {
                why = await attempt();
            }
            catch (HttpRequestException e)
            {
                why = e.Message.TrimEnd('.');
            }
            catch (OperationCanceledException) when (!stop.IsCancellationRequested)
            {
                why = $"the server was silent for {options.Patience.TotalSeconds:0} s";
            }

            if (why is null)
            {
                return;
            }

            if (here() >= furthest + Progressed)
            {
                (furthest, failures) = (here(), 0);
            }

            if (failures == Retries)
            {
                throw new UserError($"The download failed {Retries + 1} times, at last because {why}", Show(uri), "Check the network and try again; it goes on where it stopped.");
            }

            await Task.Delay(TimeSpan.FromSeconds(1 << failures), options.Time, stop);
        }
    }

    /// <summary>Null for an answer to use, a reason for one to ask for again; a final refusal throws.</summary>
    static string? Refusal(HttpStatusCode status, Uri uri) => status switch
    {
        HttpStatusCode.OK or HttpStatusCode.PartialContent => null,
        HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError => $"the server answered {(int)status}",
        HttpStatusCode.Unauthorized => throw new UserError("The server asks for a login (401)", Show(uri), "If the model is gated or private, accept its terms on its page and set HF_TOKEN to a token of yours; otherwise check the name."),
        HttpStatusCode.Forbidden => throw new UserError("The server refuses access (403)", Show(uri), "Accept the model's terms on its page and set HF_TOKEN to a token that may read it."),
        HttpStatusCode.NotFound or HttpStatusCode.Gone => throw new UserError($"The server has no such model, revision or file ({(int)status})", Show(uri), "Check the name and the revision; a private model also needs HF_TOKEN."),
        _ => throw new UserError($"The server answered {(int)status}", Show(uri), "Check the address."),
    };
}
