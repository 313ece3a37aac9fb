using System.Buffers;
using System.IO.Pipelines;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Retort.Guard.Accounts;
using Retort.Guard.Answers;
using Retort.Guard.Detector;
using Retort.Guard.Hardening;
using Retort.Guard.Limits;
using Retort.Guard.OpenAi;

namespace Retort.Guard;

/// <summary>One request on its way through the path: what each step found, for the steps behind it.</summary>
sealed class Passage(HttpContext http, GuardRoute route, long started) : IDisposable
{
    static readonly ApiError s_gone = new(499, "The client has left.", Code: "client_left");

    static readonly ReadOnlyMemory<byte> s_heartbeat = Encoding.ASCII.GetBytes(":\n\n");

    readonly PooledBytes _body = new();
    PendingAnswer? _answer;
    Task _heartbeat = Task.CompletedTask;
    int _writer;
    long _heard, _writing;

    /// <summary>32 hexadecimal digits, which the client gets as x-request-id.</summary>
    public string Id { get; } = NewId();

    public HttpContext Http => http;

    public GuardRoute Route => route;

    /// <summary>When it came, as the clock's time stamp.</summary>
    public long Started => started;

    /// <summary>The request as it was sent.</summary>
    public ReadOnlyMemory<byte> Body => _body.Memory;

    public RequestFacts Facts { get; set; } = new();

    /// <summary>Null where there are no accounts.</summary>
    public KeyVerdict.Passes? Key { get; set; }

    /// <summary>What is done about the account; null for nothing.</summary>
    public AccountResponse? Response { get; set; }

    public Reservation? Reservation { get; set; }

    /// <summary>The scopes it counts against, and how many they are.</summary>
    public BoundScope[] Scopes { get; } = new BoundScope[3];

    public int ScopeCount { get; set; }

    public AnswerFacts Seen { get; } = new();

    /// <summary>Whether the model was asked, so that tokens were used.</summary>
    public bool WasAsked { get; set; }

    /// <summary>Whether the client has left.</summary>
    public bool IsGone => http.RequestAborted.IsCancellationRequested;

    /// <summary>The hash over the answer as it is handed out; null where nothing is committed to.</summary>
    public IncrementalHash? Handed { get; set; }

    /// <summary>The answer as it is handed out, where contents are kept; null otherwise.</summary>
    public PooledBytes? Kept { get; set; }

    /// <summary>Hands out a part of the answer: it is committed to, and kept where contents are.</summary>
    public void HandsOut(ReadOnlySpan<byte> json)
    {
        Handed?.AppendData(json);
        Kept?.Write(json);
    }

    /// <summary>Of question and answer, as settled.</summary>
    public (long Prompt, long Answer) Tokens { get; set; }

    /// <summary>When the first part went out; 0 before.</summary>
    public long FirstPart { get; set; }

    public PendingAnswer? Answer
    {
        get => _answer;
        set => _answer = value;
    }

    /// <summary>Reads the body; refused where it is longer than it may be.</summary>
    public async ValueTask<ApiError?> Read(int most)
    {
        PipeReader reader = http.Request.BodyReader;
        if (http.Request.ContentLength > most)
        {
            return TooLong(most);
        }

        try
        {
            while (true)
            {
                ReadResult read = await reader.ReadAsync(http.RequestAborted).ConfigureAwait(false);
                if (_body.Length + read.Buffer.Length > most)
                {
                    return TooLong(most);
                }

                foreach (ReadOnlyMemory<byte> part in read.Buffer)
                {
                    _body.Write(part.Span);
                }

                reader.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                {
                    return null;
                }
            }
        }
        catch (BadHttpRequestException e)
        {
            return e.StatusCode == 413 ? TooLong(most) : new(e.StatusCode, "The request broke off, or is no HTTP.", Code: "bad_request");
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            return s_gone;
        }
    }

    /// <summary>Watched once a second while it waits for the model or for the client: breaks off what is silent too long or is not taken, and lets a stream's client hear that it is alive.</summary>
    public void Look(long now, TimeProvider time, UpstreamPolicy rules, TimeSpan write, ApiError silent)
    {
        switch (Interlocked.CompareExchange(ref _writer, 2, 0))
        {
            case 1 when Volatile.Read(ref _writing) is > 0 and var since && time.GetElapsedTime(since, now) > write:
                http.Abort();
                break;
            case 0:
                TimeSpan quiet = time.GetElapsedTime(Volatile.Read(ref _heard), now);
                if (quiet > rules.Timeout)
                {
                    _answer?.Abort(silent);
                }

                if (http.Response.HasStarted && Facts.IsStream && quiet > rules.Heartbeat)
                {
                    Volatile.Write(ref _heartbeat, Heartbeat());
                }
                else
                {
                    Volatile.Write(ref _writer, 0);
                }

                break;
            default:
                break;
        }
    }

    /// <summary>From now on silence is counted.</summary>
    public void Waits(long now) => Volatile.Write(ref _heard, now);

    /// <summary>Takes the client's pipe for writing; a heartbeat that is under way goes first.</summary>
    public async ValueTask Take(long now)
    {
        Volatile.Write(ref _heard, now);
        while (Interlocked.CompareExchange(ref _writer, 1, 0) != 0)
        {
            await Volatile.Read(ref _heartbeat).ConfigureAwait(false);
            await Task.Yield();
        }

        Volatile.Write(ref _writing, now);
    }

    /// <summary>Takes the pipe for good: the server may give it to another request once this one has ended.</summary>
    public async ValueTask Close(long now)
    {
        await Take(now).ConfigureAwait(false);
        Volatile.Write(ref _writing, 0);
    }

    public void Give()
    {
        Volatile.Write(ref _writing, 0);
        Volatile.Write(ref _writer, 0);
    }

    /// <summary>The client has left: the model is told at once.</summary>
    public void Leave() => _answer?.Abort(s_gone);

    public void Dispose()
    {
        _body.Dispose();
        Handed?.Dispose();
        Kept?.Dispose();
    }

    async Task Heartbeat()
    {
        try
        {
            await http.Response.BodyWriter.WriteAsync(s_heartbeat, http.RequestAborted).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // Whoever reads the answer is told of it by the connection.
        }
        finally
        {
            Volatile.Write(ref _writer, 0);
        }
    }

    static string NewId()
    {
        Span<byte> id = stackalloc byte[16];
        RandomNumberGenerator.Fill(id);
        return Convert.ToHexStringLower(id);
    }

    static ApiError TooLong(int most) => new(413, $"The request has more than {most} bytes.", Code: "request_too_large");
}
