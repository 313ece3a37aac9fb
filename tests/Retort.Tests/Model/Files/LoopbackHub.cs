using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Retort.Tests.Model.Files;

/// <param name="From">First byte asked for, 0 without a Range.</param>
sealed record HubRequest(string Path, long From, string? Authorization);

/// <param name="CutAfter">Closes the connection when that many bytes of the body are sent.</param>
/// <param name="Silent">Never answers.</param>
/// <param name="Length">What Content-Length claims; by default the truth.</param>
/// <param name="Stalls">Sends nothing more after the cut, but keeps the connection.</param>
sealed record HubReply(int Status, byte[] Body, string Headers = "", int? CutAfter = null, bool Silent = false, int? Length = null, bool Stalls = false)
{
    public static HubReply Text(int status, string text = "") => new(status, Encoding.UTF8.GetBytes(text));

    public static HubReply Redirect(string to, string headers = "") => new(302, [], $"Location: {to}\r\n{headers}");

    /// <summary>A file as a server with ranges gives it.</summary>
    public static HubReply File(byte[] content, HubRequest request, string headers = "", int? cutAfter = null) =>
        request.From == 0 ? new(200, content, headers, cutAfter)
        : request.From >= content.Length ? new(416, [], $"Content-Range: bytes */{content.Length}\r\n{headers}")
        : new(206, content[(int)request.From..], $"Content-Range: bytes {request.From}-{content.Length - 1}/{content.Length}\r\n{headers}", cutAfter);
}

/// <summary>A web server on a free port of this machine that answers as a test says, one request a connection.</summary>
sealed class LoopbackHub : IAsyncDisposable
{
    readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    readonly CancellationTokenSource _stop = new();
    readonly Func<HubRequest, HubReply> _answer;
    readonly Task _serving;

    public LoopbackHub(Func<HubRequest, HubReply> answer)
    {
        _answer = answer;
        _listener.Start();
        _serving = ServeAsync();
    }

    public Uri Address => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

    public ConcurrentQueue<HubRequest> Requests { get; } = [];

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _serving;
        _listener.Stop();
        _stop.Dispose();
    }

    async Task ServeAsync()
    {
        List<Task> connections = [];
        try
        {
            while (true)
            {
                connections.Add(AnswerAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
            }
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(connections);
        }
    }

    async Task AnswerAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                NetworkStream stream = client.GetStream();
                using StreamReader reader = new(stream, Encoding.ASCII, leaveOpen: true);
                string path = (await reader.ReadLineAsync(_stop.Token))?.Split(' ')[1] ?? "";
                Dictionary<string, string> headers = new(StringComparer.OrdinalIgnoreCase);
                while (await reader.ReadLineAsync(_stop.Token) is { Length: > 0 } line)
                {
                    headers[line[..line.IndexOf(':', StringComparison.Ordinal)]] = line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
                }

                long from = headers.TryGetValue("Range", out string? range) ? long.Parse(range["bytes=".Length..].TrimEnd('-')) : 0;
                HubRequest request = new(path, from, headers.GetValueOrDefault("Authorization"));
                Requests.Enqueue(request);
                HubReply reply = _answer(request);
                if (reply.Silent)
                {
                    // Until the client gives up.
                    await reader.ReadLineAsync(_stop.Token);
                    return;
                }

                await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {reply.Status} X\r\nConnection: close\r\nContent-Length: {reply.Length ?? reply.Body.Length}\r\n{reply.Headers}\r\n"), _stop.Token);
                await stream.WriteAsync(reply.Body.AsMemory(0, reply.CutAfter ?? reply.Body.Length), _stop.Token);
                if (reply.Stalls)
                {
                    await reader.ReadLineAsync(_stop.Token);
                }
            }
            catch (Exception e) when (e is IOException or OperationCanceledException)
            {
                // The client went away, or the test is over.
            }
        }
    }
}

/// <summary>A clock whose pauses are over at once, while its patience of a minute never ends unless the test wants it to.</summary>
sealed class QuickTime(bool impatient = false) : TimeProvider
{
    public ConcurrentQueue<TimeSpan> Pauses { get; } = [];

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        bool pause = dueTime < TimeSpan.FromMinutes(1) && dueTime > TimeSpan.Zero;
        if (pause)
        {
            Pauses.Enqueue(dueTime);
        }

        return new Unchanging(System.CreateTimer(callback, state, pause || impatient ? TimeSpan.Zero : Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan));
    }

    /// <summary>Fires as it was made to; later changes of its time are passed over.</summary>
    sealed class Unchanging(ITimer timer) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose() => timer.Dispose();

        public ValueTask DisposeAsync() => timer.DisposeAsync();
    }
}
