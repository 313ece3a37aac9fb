using System.Text.Json;
using Retort.Guard.Hardening;
using Retort.Guard.OpenAi;

namespace Retort.Guard.Answers;

/// <summary>The model in this process, behind the path.</summary>
sealed class OwnModel(LocalAnswers answers) : IModel
{
    public bool IsLocal => true;

    public bool Has(RouteKind route) => route is RouteKind.Chat or RouteKind.Completions;

    public PendingAnswer? Prepare(RouteKind route, ReadOnlyMemory<byte> body, RequestFacts facts, int? defaultTokens, out ApiError? refusal)
    {
        try
        {
            refusal = null;
            return new OwnAnswer(answers, answers.Read(route == RouteKind.Chat ? ReplyKind.Chat : ReplyKind.Completion, body));
        }
        catch (RequestException e)
        {
            refusal = e.Error;
            return null;
        }
    }

    public Task Close(TimeSpan grace) => answers.Close(grace);

    public ValueTask<(ReadOnlyMemory<byte> Json, ApiError? Refusal)> Models(string? id, CancellationToken gone)
    {
        var entry = new { id = answers.Name, @object = "model", created = answers.Since, owned_by = "retort" };
        return ValueTask.FromResult<(ReadOnlyMemory<byte>, ApiError?)>(
            id is null ? (JsonSerializer.SerializeToUtf8Bytes(new { @object = "list", data = new[] { entry } }), null)
            : id == answers.Name ? (JsonSerializer.SerializeToUtf8Bytes(entry), null)
            : (default, answers.NoModel(id)));
    }
}

/// <summary>A request to the model in this process.</summary>
sealed class OwnAnswer(LocalAnswers answers, LaidOutRequest request) : PendingAnswer
{
    static readonly ApiError s_stopped = new(503, "The answer was stopped.", "server_error", "stopped");

    readonly CancellationTokenSource _stop = new();
    BegunAnswers? _begun;
    IAsyncEnumerator<byte[]>? _events;
    ApiError? _why;
    bool _isDone, _isDisposed;

    public override long PromptTokens => request.Prompts.Sum(p => (long)p.Length);

    public override long MostTokens => (long)Math.Max(request.Asked.Sampling.MaxTokens, 0) * request.Asked.Count * request.Prompts.Length;

    public override bool HasMore => false;

    public override string? AnsweredBy => _begun?.AnsweredBy;

    public override async ValueTask<ApiError?> Ask()
    {
        try
        {
            _begun = await answers.Begin(request, _stop.Token).ConfigureAwait(false);
            _events = request.Asked.Stream ? _begun.Events().GetAsyncEnumerator(CancellationToken.None) : null;
            return null;
        }
        catch (RequestException e)
        {
            return e.Error;
        }
        catch (OperationCanceledException)
        {
            return _why ?? s_stopped;
        }
    }

    public override async ValueTask<PartKind> Next()
    {
        try
        {
            if (_isDone)
            {
                return PartKind.End;
            }

            if (_events is null)
            {
                using MemoryStream body = new();
                await _begun!.Write(body).ConfigureAwait(false);
                (Json, _isDone) = (body.ToArray(), true);
            }
            else if (await _events.MoveNextAsync().ConfigureAwait(false))
            {
                Json = _events.Current;
            }
            else
            {
                (Json, _isDone) = (_begun!.UsageEvent(), true);
            }

            return PartKind.Json;
        }
        catch (RequestException e)
        {
            Failure = e.Error;
        }
        catch (OperationCanceledException)
        {
            Failure = _why ?? s_stopped;
        }

        return PartKind.Failed;
    }

    public override ApiError Told() => s_stopped;

    public override void Abort(ApiError why)
    {
        Interlocked.CompareExchange(ref _why, why, null);
        lock (_stop)
        {
            if (!_isDisposed)
            {
                _stop.Cancel();
            }
        }
    }

    public override async ValueTask DisposeAsync()
    {
        if (!_isDone)
        {
            _begun?.Answers.Cancel();
        }

        if (_events is not null)
        {
            await _events.DisposeAsync().ConfigureAwait(false);
        }

        lock (_stop)
        {
            _isDisposed = true;
            _stop.Dispose();
        }
    }
}
