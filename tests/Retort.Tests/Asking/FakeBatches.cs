using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Retort.Tests.Asking;

/// <summary>How a batch ends.</summary>
sealed record BatchEnd(string Status, string? Output, string? Errors = null, string? Said = null);

/// <summary>
/// An endpoint of files and batches, with chats beside them: what a batch comes to is the test's to say, and so is whether a connection breaks before a
/// request is handled or after.
/// </summary>
sealed partial class FakeBatches : IDisposable
{
    readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    readonly Dictionary<string, string> _files = new(StringComparer.Ordinal);
    readonly List<(string Id, string File, string Token, BatchEnd End)> _batches = [];
    readonly Lock _gate = new();

    public FakeBatches()
    {
        _listener.Start();
        _ = Accept();
    }

    public string Url => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/v1";

    /// <summary>What becomes of a batch: its requests' names and texts, and which batch it is, from 1 on.</summary>
    public Func<(string Name, string Text)[], int, BatchEnd> Ends { get; set; } = (requests, _) => new("completed", string.Concat(requests.Select(r => Line(r.Name, r.Text))));

    /// <summary>Called with "METHOD path" before a request is handled, and before it is answered; false breaks the connection.</summary>
    public Func<string, bool> Before { get; set; } = _ => true;

    public Func<string, bool> After { get; set; } = _ => true;

    /// <summary>What a chat's last message is answered.</summary>
    public Func<string, string> Chats { get; set; } = _ => "yes";

    /// <summary>The requests of each batch that was made, by name.</summary>
    public List<string[]> Made { get; } = [];

    /// <summary>Requests handled, as "METHOD path", but those for the list of models, which it has not.</summary>
    public List<string> Handled { get; } = [];

    /// <summary>A whole answer, which costs 10 + 5 tokens.</summary>
    public static string Line(string name, string text) => JsonSerializer.Serialize(new { id = "r", custom_id = name, response = new { status_code = 200, request_id = "q", body = Chat($"<{text}>") }, error = (object?)null }) + "\n";

    public static string Failed(string name, int status) => JsonSerializer.Serialize(new { id = "r", custom_id = name, response = new { status_code = status, body = new { error = new { message = "no" } } }, error = (object?)null }) + "\n";

    public static string NotAsked(string name, string code = "batch_expired") => JsonSerializer.Serialize(new { id = "r", custom_id = name, response = (object?)null, error = new { code, message = "too late" } }) + "\n";

    public void Dispose() => _listener.Stop();

    static int s_named;

    static object Chat(string text) => new { id = $"c-{Interlocked.Increment(ref s_named)}", model = "small", choices = new[] { new { index = 0, message = new { role = "assistant", content = text }, finish_reason = "stop" } }, usage = new { prompt_tokens = 10, completion_tokens = 5 } };

    async Task Accept()
    {
        try
        {
            while (true)
            {
                _ = Serve(await _listener.AcceptTcpClientAsync());
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
        }
    }

    async Task Serve(TcpClient client)
    {
        using (client)
        {
            try
            {
                (string what, string body) = await Read(client.GetStream());
                if (!Before(what))
                {
                    return;
                }

                (int status, string type, string answer) = Handle(what, body);
                if (After(what))
                {
                    byte[] content = Encoding.UTF8.GetBytes(answer);
                    await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 {status} X\r\nContent-Type: {type}\r\nContent-Length: {content.Length}\r\nConnection: close\r\n\r\n")));
                    await client.GetStream().WriteAsync(content);
                }
            }
            catch (IOException)
            {
            }
        }
    }

    static async Task<(string What, string Body)> Read(NetworkStream stream)
    {
        List<byte> all = [];
        byte[] buffer = new byte[1 << 16];
        int head = -1, length = 0;
        while (head < 0 || all.Count < head + 4 + length)
        {
            int read = await stream.ReadAsync(buffer);
            if (read == 0)
            {
                throw new IOException("closed");
            }

            all.AddRange(buffer.AsSpan(0, read));
            if (head < 0 && (head = all.ToArray().AsSpan().IndexOf("\r\n\r\n"u8)) >= 0)
            {
                Match stated = Length().Match(Encoding.ASCII.GetString([.. all[..head]]));
                length = stated.Success ? int.Parse(stated.Groups[1].Value, CultureInfo.InvariantCulture) : 0;
            }
        }

        string[] first = Encoding.ASCII.GetString([.. all[..head]]).Split('\r')[0].Split(' ');
        return ($"{first[0]} {first[1][3..]}", Encoding.UTF8.GetString([.. all.Skip(head + 4)]));
    }

    (int Status, string Type, string Answer) Handle(string what, string body)
    {
        lock (_gate)
        {
            if (what != "GET /models")
            {
                Handled.Add(what);
            }

            object? answer = what switch
            {
                "POST /chat/completions" => Chat(Chats(JsonElement.Parse(body).GetProperty("messages").EnumerateArray().Last().GetProperty("content").GetString()!)),
                "POST /files" => new { id = Store(body.Split("\r\n\r\n")[2].Split("\r\n--")[0]) },
                "POST /batches" => Make(JsonElement.Parse(body)),
                _ when what.StartsWith("GET /batches?", StringComparison.Ordinal) => new { data = _batches.AsEnumerable().Reverse().Select(Shown).ToArray(), has_more = false },
                _ when what.StartsWith("GET /batches/", StringComparison.Ordinal) => _batches.Where(b => b.Id == what[13..]).Select(Shown).FirstOrDefault(),
                _ => null,
            };
            return what.StartsWith("GET /files/", StringComparison.Ordinal) && _files.TryGetValue(what.Split('/')[2], out string? file) ? (200, "application/octet-stream", file)
                : answer is null ? (404, "application/json", """{"error": {"message": "there is none"}}""")
                : (200, "application/json", JsonSerializer.Serialize(answer));
        }
    }

    string Store(string content)
    {
        string id = $"file-{_files.Count + 1}";
        _files.Add(id, content);
        return id;
    }

    object Make(JsonElement json)
    {
        string file = json.GetProperty("input_file_id").GetString()!;
        (string Name, string Text)[] requests = [.. _files[file].Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonElement.Parse(l)).Select(l =>
            (l.GetProperty("custom_id").GetString()!, l.GetProperty("body").GetProperty("messages").EnumerateArray().Last().GetProperty("content").GetString()!))];
        Made.Add([.. requests.Select(r => r.Text)]);
        _batches.Add(($"batch-{Made.Count}", file, json.GetProperty("metadata").GetProperty("retort_batch").GetString()!, Ends(requests, Made.Count)));
        return Shown(_batches[^1], "validating");
    }

    object Shown((string Id, string File, string Token, BatchEnd End) b) => Shown(b, b.End.Status);

    object Shown((string Id, string File, string Token, BatchEnd End) b, string status)
    {
        bool over = status == b.End.Status;
        return new
        {
            id = b.Id,
            status,
            input_file_id = b.File,
            metadata = new { retort_batch = b.Token },
            output_file_id = over && b.End.Output is { } output ? Store(output) : null,
            error_file_id = over && b.End.Errors is { } errors ? Store(errors) : null,
            errors = b.End.Said is { } said ? new { data = new[] { new { message = said } } } : null,
        };
    }

    [GeneratedRegex(@"content-length: (\d+)", RegexOptions.IgnoreCase)]
    private static partial Regex Length();
}
