using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using Retort.Guard.Hardening;
using Retort.Guard.OpenAi;

namespace Retort.Guard.Answers;

/// <summary>A request to an upstream.</summary>
sealed class UpstreamAnswer(UpstreamModel model, RouteKind route, ReadOnlyMemory<byte> body, RequestFacts facts, int? defaultTokens) : PendingAnswer
{
    const int LongestEvent = 4 << 20, LongestAnswer = 64 << 20;

    static readonly MediaTypeHeaderValue s_json = new("application/json");

    readonly CancellationTokenSource _stop = new();
    readonly PooledBytes _bytes = new();
    SseReader? _events;
    HttpRequestMessage? _request;
    HttpResponseMessage? _response;
    Stream? _from;
    ApiError? _why;
    bool _isWhole, _isTerminal;

    /// <summary>A token has a byte at least, and what a service puts around a text is less than the JSON around it.</summary>
    public override long PromptTokens => body.Length;

    public override long MostTokens => route == RouteKind.Embeddings ? 0 : (facts.MostTokens ?? defaultTokens ?? 0) * facts.Answers;

    public override bool HasMore => _events?.HasMore == true;

    public override async ValueTask<ApiError?> Ask()
    {
        ForwardedBody.Write(body.Span, facts, route, defaultTokens, _bytes);
        _request = model.Message(route);
        _request.Content = new ReadOnlyMemoryContent(_bytes.Memory);
        _request.Content.Headers.ContentType = s_json;
        try
        {
            _response = await model.Send(_request, _stop.Token).ConfigureAwait(false);
            if (!_response.IsSuccessStatusCode)
            {
                return model.Errors.Of(_response, await UpstreamErrors.Read(_response, _stop.Token).ConfigureAwait(false));
            }

            _from = await _response.Content.ReadAsStreamAsync(_stop.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (UpstreamErrors.Is(e))
        {
            return _why ?? model.Errors.Unreachable;
        }

        bool isStream = _response.Content.Headers.ContentType?.MediaType == "text/event-stream";
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
        Interlocked.CompareExchange(ref _why, why, null);
        try
        {
            _stop.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The answer has ended meanwhile.
        }
    }

    public override ValueTask DisposeAsync()
    {
        if (!_isWhole)
        {
            _stop.Cancel();
        }

        _response?.Dispose();
        _request?.Dispose();
        _events?.Dispose();
        _bytes.Dispose();
        _stop.Dispose();
        return ValueTask.CompletedTask;
    }

    async ValueTask<PartKind> Whole()
    {
        if (_isWhole)
        {
            return PartKind.End;
        }

        _bytes.Clear();
        while (await _from!.ReadAsync(_bytes.GetMemory(16384), _stop.Token).ConfigureAwait(false) is > 0 and var read)
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

            int read = await _from!.ReadAsync(events.Room(), _stop.Token).ConfigureAwait(false);
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

    PartKind Fail(ApiError why)
    {
        Failure = why;
        return PartKind.Failed;
    }
}
