using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Retort.Tests.Asking;

/// <summary>What a request was.</summary>
/// <param name="Line">"METHOD path".</param>
sealed record Heard(string Line, string? Key, byte[] Body);

/// <summary>What goes back.</summary>
sealed record Told(int Status, string Body, string Headers = "");

/// <summary>
/// An endpoint with a list of models that a test writes. It answers every chat with a sentence about it, and counts as many tokens as any endpoint may: a byte
/// each, and every answer as long as it was allowed to be. Sockets, so that it can also fall silent.
/// </summary>
sealed class ListingEndpoint : IDisposable
{
    readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    readonly List<Heard> _heard = [];

    /// <param name="lists">What a request for the list gets; null never answers.</param>
    public ListingEndpoint(Func<Heard, Told?> lists)
    {
        Lists = lists;
        _listener.Start();
        _ = Accept();
    }

    public ListingEndpoint(string list)
        : this(_ => new(200, list))
    {
    }

    public Func<Heard, Told?> Lists { get; set; }

    public string Url => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/v1");

    /// <summary>All requests so far.</summary>
    public Heard[] Requests
    {
        get
        {
            lock (_heard)
            {
                return [.. _heard];
            }
        }
    }

    public IEnumerable<string> Lines => Requests.Select(r => r.Line);

    /// <summary>What a chat's last message is answered.</summary>
    public Func<string, string> Says { get; set; } = text => $"It is said of {text} that it rains.";

    public int Chats => Lines.Count(l => l.StartsWith("POST", StringComparison.Ordinal));

    /// <summary>Done with the first request for a list.</summary>
    public TaskCompletionSource Listed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>A list with one model "small" that has these fields.</summary>
    public static string With(string fields) => $$"""{"object": "list", "data": [{"id": "other", "is_trainable_text": false}, {"id": "small", {{fields}}}]}""";

    public void Dispose() => _listener.Stop();

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
                NetworkStream stream = client.GetStream();
                while (await Read(stream) is { } heard)
                {
                    lock (_heard)
                    {
                        _heard.Add(heard);
                    }

                    bool list = heard.Line.StartsWith("GET", StringComparison.Ordinal);
                    Told? told = list ? Lists(heard) : new(200, Chat(heard.Body));
                    if (list)
                    {
                        Listed.TrySetResult();
                    }

                    if (told is null)
                    {
                        // Nothing is said until whoever asked has left.
                        await stream.CopyToAsync(Stream.Null);
                        return;
                    }

                    byte[] body = Encoding.UTF8.GetBytes(told.Body);
                    await stream.WriteAsync(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 {told.Status} So\r\nContent-Type: application/json\r\n{told.Headers}Content-Length: {body.Length}\r\n\r\n")));
                    await stream.WriteAsync(body);
                }
            }
            catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
            {
            }
        }
    }

    static async Task<Heard?> Read(NetworkStream stream)
    {
        byte[] one = new byte[1];
        StringBuilder head = new();
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            if (await stream.ReadAsync(one) == 0)
            {
                return null;
            }

            head.Append((char)one[0]);
        }

        string[] lines = head.ToString().Split("\r\n");
        string? Header(string name) => lines.Skip(1).Select(l => l.Split(':', 2)).Where(l => l[0].Equals(name, StringComparison.OrdinalIgnoreCase)).Select(l => l[1].Trim()).FirstOrDefault();
        byte[] body = new byte[int.Parse(Header("content-length") ?? "0", CultureInfo.InvariantCulture)];
        await stream.ReadExactlyAsync(body);
        return new(string.Join(' ', lines[0].Split(' ')[..2]), Header("authorization"), body);
    }

    string Chat(byte[] body)
    {
        JsonElement question = JsonElement.Parse(body);
        string text = question.GetProperty("messages").EnumerateArray().Last().GetProperty("content").GetString()!;
        int count = question.TryGetProperty("n", out JsonElement n) ? n.GetInt32() : 1, most = question.TryGetProperty("max_tokens", out JsonElement m) || question.TryGetProperty("max_completion_tokens", out m) ? m.GetInt32() : 5;
        int read = question.GetProperty("messages").EnumerateArray().Sum(t => Encoding.UTF8.GetByteCount(t.GetProperty("content").GetString()!) + 8);
        return JsonSerializer.Serialize(new
        {
            id = Guid.NewGuid().ToString("n"),
            model = "small",
            choices = Enumerable.Range(0, count).Select(i => new { index = i, message = new { role = "assistant", content = Says(text) }, finish_reason = "stop" }),
            usage = new { prompt_tokens = read, completion_tokens = most * count },
        });
    }
}
