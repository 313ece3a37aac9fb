using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Retort.Asking.Bench;

/// <summary>How a faulty server misbehaves.</summary>
/// <param name="Faults">Share of requests that meet one.</param>
/// <param name="RequestsPerMinute">Beyond this it answers 429; null for no limit.</param>
/// <param name="Names">Whether it names the limit in x-ratelimit headers and sends Retry-After with a 429 for speed.</param>
/// <param name="Latency">How long an answer takes.</param>
public sealed record FaultOptions(double Faults, double? RequestsPerMinute, bool Names, TimeSpan Latency, ulong Seed);

/// <summary>
/// An endpoint as bad as endpoints are: 429 with and without Retry-After, 500, connections reset in the middle of a body, slow bodies, JSON cut short, the
/// name of another model, answers given twice. Its own log says of every request what it was and whether it was charged, before a byte of the answer
/// is sent. Sockets and bytes, since a server's library would not break off so.
/// </summary>
public sealed class FaultyServer : IDisposable
{
    const int LongestHead = 1 << 14, LongestBody = 1 << 22;

    static readonly string[] s_faults = ["limited", "limited_told", "failed", "reset", "slow", "cut", "other_model", "twice"];

    readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    readonly FaultOptions _options;
    readonly TimeProvider _time;
    readonly StreamWriter _log;
    readonly Lock _gate = new();
    readonly Model.RandomStream _random;
    double _allowance;
    long _filled, _answers;
    string _last = "";

    public FaultyServer(string log, FaultOptions options, TimeProvider time)
    {
        (_options, _time, _random, _filled) = (options, time, new(options.Seed), time.GetTimestamp());
        _log = new(new FileStream(log, FileMode.Create, FileAccess.Write, FileShare.Read)) { AutoFlush = true };
        _allowance = Burst;
        _listener.Start(4096);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>A second's worth may come at once.</summary>
    double Burst => (_options.RequestsPerMinute ?? 0) / 60;

    /// <summary>The text it answers a prompt with: whoever joins the logs can tell whose answer it is.</summary>
    public static string AnswerTo(string prompt) => $"answer to {Name(prompt)}";

    /// <summary>What a prompt is called in the log.</summary>
    public static string Name(string prompt) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(prompt)).AsSpan(0, 12));

    /// <summary>Answers until it is stopped.</summary>
    public async Task Run(CancellationToken stop)
    {
        try
        {
            while (true)
            {
                TcpClient client = await _listener.AcceptTcpClientAsync(stop).ConfigureAwait(false);
                _ = Serve(client, stop);
            }
        }
        catch (OperationCanceledException)
        {
            _listener.Stop();
        }
    }

    async Task Serve(TcpClient client, CancellationToken stop)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(LongestHead);
        using (client)
        {
            try
            {
                client.NoDelay = true;
                NetworkStream stream = client.GetStream();
                for (int held = 0; await Request(stream, buffer, held, stop).ConfigureAwait(false) is { } request; held = 0)
                {
                    if (!await Answer(client, stream, request, stop).ConfigureAwait(false))
                    {
                        return;
                    }
                }
            }
            catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // The client is gone, as it will be when it is killed.
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
    }

    /// <summary>The body of the next request; null at the connection's end.</summary>
    static async Task<byte[]?> Request(NetworkStream stream, byte[] buffer, int held, CancellationToken stop)
    {
        int end;
        while ((end = buffer.AsSpan(0, held).IndexOf("\r\n\r\n"u8)) < 0)
        {
            int read = held < LongestHead ? await stream.ReadAsync(buffer.AsMemory(held, LongestHead - held), stop).ConfigureAwait(false) : 0;
            if (read == 0)
            {
                return null;
            }

            held += read;
        }

        int length = Encoding.ASCII.GetString(buffer, 0, end).Split("\r\n").Select(l => l.Split(':', 2)).Where(l => l[0].Equals("content-length", StringComparison.OrdinalIgnoreCase))
            .Select(l => int.Parse(l[1], CultureInfo.InvariantCulture)).FirstOrDefault();
        if (length is <= 0 or > LongestBody)
        {
            return null;
        }

        byte[] body = new byte[length];
        int have = Math.Min(held - end - 4, length);
        buffer.AsSpan(end + 4, have).CopyTo(body);
        await stream.ReadExactlyAsync(body.AsMemory(have), stop).ConfigureAwait(false);
        return body;
    }

    /// <returns>Whether the connection goes on.</returns>
    async Task<bool> Answer(TcpClient client, NetworkStream stream, byte[] request, CancellationToken stop)
    {
        JsonElement json = JsonElement.Parse(request);
        string prompt = json.GetProperty("messages").EnumerateArray().Last().GetProperty("content").GetString()!, model = json.GetProperty("model").GetString()!;
        (string fault, string id) = Draw();
        if (fault is not ("limit" or "limited" or "limited_told" or "failed"))
        {
            await Task.Delay(_options.Latency, _time, stop).ConfigureAwait(false);
        }

        Log(prompt, fault, charged: fault is "none" or "slow" or "other_model" or "twice");
        byte[] body = Body(prompt, fault == "other_model" ? model + "-of-another-day" : model, id, fault == "twice" ? 2 : 1);
        string limits = _options is { Names: true, RequestsPerMinute: { } most } ? string.Create(CultureInfo.InvariantCulture, $"x-ratelimit-limit-requests: {most}\r\n") : "";
        switch (fault)
        {
            case "limit":
                await Send(stream, 429, limits + (_options.Names ? "Retry-After: 1\r\n" : ""), "{\"error\":{\"message\":\"too fast\"}}"u8.ToArray(), stop).ConfigureAwait(false);
                return true;
            case "limited":
                await Send(stream, 429, limits, "{\"error\":{\"message\":\"too many\"}}"u8.ToArray(), stop).ConfigureAwait(false);
                return true;
            case "limited_told":
                await Send(stream, 429, limits + "retry-after-ms: 20\r\n", "{\"error\":{\"message\":\"wait\"}}"u8.ToArray(), stop).ConfigureAwait(false);
                return true;
            case "failed":
                await Send(stream, 500, limits, "it broke"u8.ToArray(), stop).ConfigureAwait(false);
                return true;
            case "reset":
                await stream.WriteAsync(Head(200, limits, body.Length), stop).ConfigureAwait(false);
                await stream.WriteAsync(body.AsMemory(0, body.Length / 2), stop).ConfigureAwait(false);
                client.LingerState = new(true, 0);
                return false;
            case "cut":
                await Send(stream, 200, limits, body[..(body.Length * 2 / 3)], stop).ConfigureAwait(false);
                return true;
            case "slow":
                await stream.WriteAsync(Head(200, limits, body.Length), stop).ConfigureAwait(false);
                foreach (byte[] part in body.Chunk(Math.Max(1, body.Length / 4)))
                {
                    await Task.Delay(_options.Latency + TimeSpan.FromMilliseconds(40), _time, stop).ConfigureAwait(false);
                    await stream.WriteAsync(part, stop).ConfigureAwait(false);
                }

                return true;
            default:
                await Send(stream, 200, limits, body, stop).ConfigureAwait(false);
                return true;
        }
    }

    /// <summary>What becomes of the next request, and the name of its answer: now and then the one before's.</summary>
    (string Fault, string Id) Draw()
    {
        lock (_gate)
        {
            if (_options.RequestsPerMinute is { } most)
            {
                long now = _time.GetTimestamp();
                _allowance = Math.Min(Burst, _allowance + (_time.GetElapsedTime(_filled, now).TotalSeconds * most / 60));
                _filled = now;
                if (_allowance < 1)
                {
                    return ("limit", "");
                }

                _allowance--;
            }

            string fault = _random.NextDouble() < _options.Faults ? s_faults[_random.NextInt(s_faults.Length)] : "none";
            string id = fault == "twice" && _last.Length > 0 ? _last : $"answer-{++_answers}";
            _last = id;
            return (fault, id);
        }
    }

    void Log(string prompt, string fault, bool charged)
    {
        lock (_gate)
        {
            _log.Write($"{Name(prompt)}\t{(charged ? "charged" : "free")}\t{fault}\n");
        }
    }

    static byte[] Body(string prompt, string model, string id, int count) => JsonSerializer.SerializeToUtf8Bytes(new
    {
        id,
        @object = "chat.completion",
        model,
        choices = Enumerable.Range(0, count).Select(i => new { index = i, message = new { role = "assistant", content = AnswerTo(prompt) }, finish_reason = "stop" }),
        usage = new { prompt_tokens = prompt.Length / 4, completion_tokens = 12, total_tokens = (prompt.Length / 4) + 12 },
    });

    static byte[] Head(int status, string headers, int length) =>
        Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 {status} So\r\nContent-Type: application/json\r\n{headers}Content-Length: {length}\r\n\r\n"));

    static async Task Send(NetworkStream stream, int status, string headers, byte[] body, CancellationToken stop) =>
        await stream.WriteAsync((byte[])[.. Head(status, headers, body.Length), .. body], stop).ConfigureAwait(false);

    public void Dispose()
    {
        _listener.Dispose();
        _log.Dispose();
    }
}
