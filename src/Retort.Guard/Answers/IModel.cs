using Retort.Guard.Hardening;
using Retort.Guard.OpenAi;

namespace Retort.Guard.Answers;

/// <summary>Who answers behind the path: a model in this process, or a service elsewhere.</summary>
interface IModel
{
    /// <summary>Whether it is in this process.</summary>
    bool IsLocal { get; }

    /// <summary>Whether it has a route.</summary>
    bool Has(RouteKind route);

    /// <summary>Makes a request ready to be asked, so that its size is known; nothing is begun.</summary>
    /// <param name="refusal">Why it cannot be asked; null where it can.</param>
    PendingAnswer? Prepare(RouteKind route, ReadOnlyMemory<byte> body, RequestFacts facts, int? defaultTokens, out ApiError? refusal);

    /// <summary>The JSON of /v1/models, or of one model.</summary>
    /// <param name="id">Null for all.</param>
    ValueTask<(ReadOnlyMemory<byte> Json, ApiError? Refusal)> Models(string? id, CancellationToken gone);

    /// <summary>Takes on nothing new, and lets what is under way end within the grace.</summary>
    Task Close(TimeSpan grace);
}

/// <summary>What came next of an answer.</summary>
enum PartKind
{
    /// <summary>JSON: of a stream one event, otherwise the answer.</summary>
    Json,

    /// <summary>What was asked for is there; nothing follows.</summary>
    End,

    /// <summary>It broke off; <see cref="PendingAnswer.Failure"/> says why.</summary>
    Failed,
}

/// <summary>One request to a model, from when it is ready to be asked until it is disposed, which takes the question back where the answer is not whole.</summary>
abstract class PendingAnswer : IAsyncDisposable
{
    /// <summary>Tokens of the question, at most.</summary>
    public abstract long PromptTokens { get; }

    /// <summary>Tokens of all answers, at most.</summary>
    public abstract long MostTokens { get; }

    /// <summary>Why it broke off.</summary>
    public ApiError? Failure { get; protected set; }

    /// <summary>The last part's bytes, until the next is asked for.</summary>
    public ReadOnlyMemory<byte> Json { get; protected set; }

    /// <summary>The last part's name where the stream names its events; empty otherwise.</summary>
    public ReadOnlyMemory<byte> Name { get; protected set; }

    /// <summary>Whether more parts are there already, so that one write may hold several.</summary>
    public abstract bool HasMore { get; }

    /// <summary>Who of several answers; null where there is one.</summary>
    public virtual string? AnsweredBy => null;

    /// <summary>Asks. Null once an answer has begun.</summary>
    public abstract ValueTask<ApiError?> Ask();

    /// <summary>The next part.</summary>
    public abstract ValueTask<PartKind> Next();

    /// <summary>What the last part, an error of the model's, says to a client.</summary>
    public abstract ApiError Told();

    /// <summary>Breaks off at once, from whatever thread: whoever waits for a part gets <see cref="PartKind.Failed"/>.</summary>
    public abstract void Abort(ApiError why);

    public abstract ValueTask DisposeAsync();
}
