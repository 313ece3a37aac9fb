using System.Runtime.CompilerServices;
using Retort.Guard.Hardening;
using Retort.Guard.OpenAi;

namespace Retort.Guard.Answers;

/// <summary>A request to an upstream.</summary>
sealed class UpstreamAnswer(UpstreamModel model, RouteKind route, ReadOnlyMemory<byte> body, RequestFacts facts, int? defaultTokens) : PendingAnswer
{
    const int LongestEvent = 4 << 20, LongestAnswer = 64 << 20;

    static readonly TimeSpan s_rest = TimeSpan.FromMilliseconds(250);

    readonly CancellationTokenSource _stop = new();
    readonly Lock _gate = new();
    readonly PooledBytes _bytes = new();
    SseReader? _events;
    UpstreamConnection? _connection;
    ApiError? _why;
    bool _isWhole, _isTerminal, _isDisposed;

    /// <summary>A token has a byte at least, and what a service puts around a text is less than the JSON around it.</summary>
    public override long PromptTokens => body.Length;

    public override long MostTokens => route == RouteKind.Embeddings ? 0 : (facts.MostTokens ?? defaultTokens ?? 0) * facts.Answers;

    public override bool HasMore => _events?.HasMore == true;

    public override async ValueTask<ApiError?> Ask()
    {
        using PooledBytes forwarded = new();
        ForwardedBody.Write(body.Span, facts, route, defaultTokens, forwarded);
        model.Write(route, forwarded.Span, _bytes);
        bool isStream;
        try
        {
            UpstreamHead head = await Begin().ConfigureAwait(false);
            if (head.Status is not (>= 200 and < 300))
            {
                return model.Errors.Of(head, await UpstreamErrors.Read(_connection!).ConfigureAwait(false));
            }

            isStream = head.IsEventStream;
        }
        catch (Exception e) when (UpstreamErrors.Is(e))
        {
            return _why ?? model.Errors.Unreachable;
        }

        if (isStream != facts.IsStream)
        {
            return model.Errors.Unreadable;
        }

        if (isStream)
        {
            _events = new(LongestEvent);
        }

        return null;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<PartKind> Next()
    {
        try
        {
            return _events is null ? await Whole().ConfigureAwait(false) : await Event(_events).ConfigureAwait(false);
        }
        catch (Exception e) when (UpstreamErrors.Is(e))
        {
            return Fail(_why ?? model.Errors.Broken);
        }
    }

    public override ApiError Told() => model.Errors.Within(Json.Span);

    public override void Abort(ApiError why)
    {
        lock (_gate)
        {
            _why ??= why;
            if (!_isDisposed)
            {
                _stop.Cancel();
                _connection?.Abort();
            }
        }
    }

    public override async ValueTask DisposeAsync()
    {
        UpstreamConnection? connection;
        lock (_gate)
        {
            (_isDisposed, connection, _connection) = (true, _connection, null);
        }

        if (_why is null && connection is not null)
        {
            if (_isWhole && _events is { } events && !connection.IsReusable)
            {
                await Rest(connection, events).ConfigureAwait(false);
            }

            model.Return(connection);
        }
        else
        {
            connection?.Dispose();
        }

        _events?.Dispose();
        _bytes.Dispose();
        _stop.Dispose();
    }

    /// <summary>Sends the question. A connection that waited may have been ended by the other side at the same moment: then once more on another.</summary>
    async ValueTask<UpstreamHead> Begin()
    {
        while (true)
        {
            UpstreamConnection connection = await model.Take(_stop.Token).ConfigureAwait(false);
            bool wasUsed = connection.WasUsed;
            lock (_gate)
            {
                _connection = connection;
                if (_why is not null)
                {
                    connection.Abort();
                }
            }

            try
            {
                await connection.Send(_bytes.Memory).ConfigureAwait(false);
                return await connection.Head().ConfigureAwait(false);
            }
            catch (Exception e) when (UpstreamErrors.Is(e) && wasUsed && !connection.HasHeard && _why is null)
            {
                lock (_gate)
                {
                    _connection = null;
                }

                connection.Dispose();
            }
        }
    }

    async ValueTask<PartKind> Whole()
    {
        if (_isWhole)
        {
            return PartKind.End;
        }

        _bytes.Clear();
        while (await _connection!.Read(_bytes.GetMemory(16384)).ConfigureAwait(false) is > 0 and var read)
        {
            _bytes.Advance(read);
            if (_bytes.Length > LongestAnswer)
            {
                return Fail(model.Errors.Unreadable);
            }
        }

        _isWhole = true;
        Json = _bytes.Memory;
        return PartKind.Json;
    }

    /// <summary>The next event. One interface ends with [DONE], the other with an event that says how the answer ended.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    async ValueTask<PartKind> Event(SseReader events)
    {
        while (!events.Next())
        {
            if (events.IsTooLong)
            {
                return Fail(model.Errors.Unreadable);
            }

            int read = await _connection!.Read(events.Room()).ConfigureAwait(false);
            if (read == 0)
            {
                _isWhole = _isTerminal;
                return _isTerminal ? PartKind.End : Fail(_why ?? model.Errors.Broken);
            }

            events.Came(read);
        }

        (Json, Name) = (events.Data, events.Name);
        if (Json.Span.SequenceEqual("[DONE]"u8))
        {
            _isWhole = true;
            return PartKind.End;
        }

        _isTerminal = route == RouteKind.Responses && (Name.Span.SequenceEqual("response.completed"u8) || Name.Span.SequenceEqual("response.incomplete"u8));
        return PartKind.Json;
    }

    /// <summary>Reads the end of the body behind the last event, so that the connection can be used again; one that does not end soon is given up.</summary>
    static async ValueTask Rest(UpstreamConnection connection, SseReader events)
    {
        ValueTask<int> rest = connection.Read(events.Room());
        if (rest.IsCompletedSuccessfully)
        {
            _ = rest.Result;
            return;
        }

        Task<int> reading = rest.AsTask();
        if (await Task.WhenAny(reading, Task.Delay(s_rest, TimeProvider.System)).ConfigureAwait(false) != reading)
        {
            connection.Abort();
        }

        try
        {
            await reading.ConfigureAwait(false);
        }
        catch (Exception e) when (UpstreamErrors.Is(e))
        {
            // The answer was whole; only the connection is lost.
        }
    }

    PartKind Fail(ApiError why)
    {
        Failure = why;
        return PartKind.Failed;
    }
}
