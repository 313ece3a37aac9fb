using System.ClientModel;

namespace Retort.Asking;

/// <summary>Why a request brought no answer.</summary>
public enum FaultKind
{
    /// <summary>429: asked too fast, or a quota is used up.</summary>
    Limited,

    /// <summary>401: the key is not, or no longer, accepted.</summary>
    Unauthorized,

    /// <summary>403: this may not be asked from here.</summary>
    Forbidden,

    /// <summary>A page for people came instead of an answer.</summary>
    Challenged,

    /// <summary>400, 404, 413, 422: the request itself is refused; asking again would not help.</summary>
    Refused,

    /// <summary>5xx, 408, 409.</summary>
    Unavailable,

    /// <summary>The answer broke off or is no answer.</summary>
    Broken,

    /// <summary>No answer came in time.</summary>
    Slow,

    /// <summary>The batch ended before this was asked.</summary>
    Expired,

    /// <summary>No connection was made, so nothing was asked.</summary>
    Unreachable,
}

/// <summary>A request that brought no answer.</summary>
/// <param name="status">HTTP status, 0 where none came.</param>
/// <param name="what">What the endpoint said, shortened; never holds a key.</param>
public sealed class RemoteFault(FaultKind kind, int status, string what, LimitFacts limits) : Exception(what)
{
    public FaultKind Kind { get; } = kind;

    public int Status { get; } = status;

    public LimitFacts Limits { get; } = limits;

    /// <summary>What an exception of a client means; null where it is none of a network's.</summary>
    /// <param name="abandoned">Cancelled where we ourselves no longer wait.</param>
    internal static RemoteFault? Of(Exception e, CancellationToken abandoned) => e switch
    {
        RemoteFault fault => fault,
        ClientResultException { Status: > 0 } c => new(KindOf(c.Status), c.Status, $"{c.Status}", LimitFacts.None),
        ClientResultException { InnerException: { } inner } => Of(inner, abandoned),
        OperationCanceledException when abandoned.IsCancellationRequested => new(FaultKind.Slow, 0, "we stopped before an answer came", LimitFacts.None),
        OperationCanceledException or TimeoutException => new(FaultKind.Slow, 0, "no answer came in time", LimitFacts.None),
        HttpRequestException { StatusCode: { } status } => new(KindOf((int)status), (int)status, $"{(int)status}", LimitFacts.None),
        HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError } h => new(FaultKind.Unreachable, 0, h.Message, LimitFacts.None),
        HttpRequestException or IOException => new(FaultKind.Broken, 0, e.InnerException?.Message ?? e.Message, LimitFacts.None),
        _ => null,
    };

    /// <summary>What a status other than 200 means.</summary>
    internal static FaultKind KindOf(int status) => status switch
    {
        401 => FaultKind.Unauthorized,
        403 => FaultKind.Forbidden,
        429 => FaultKind.Limited,
        408 or 409 or >= 500 => FaultKind.Unavailable,
        _ => FaultKind.Refused,
    };

    /// <summary>Whether asking again may help.</summary>
    public bool IsPassing => Kind is FaultKind.Limited or FaultKind.Unavailable or FaultKind.Broken or FaultKind.Slow or FaultKind.Expired or FaultKind.Unreachable;

    /// <summary>Whether the endpoint may charge for it all the same.</summary>
    public bool MayBePaid => Kind is FaultKind.Broken or FaultKind.Slow;

    /// <summary>Whether nothing more may be asked with this key.</summary>
    public bool IsFinal => Kind is FaultKind.Unauthorized or FaultKind.Forbidden or FaultKind.Challenged;
}
