namespace Retort.Guard.Limits;

/// <summary>Why a request is not begun.</summary>
public enum LimitFault
{
    /// <summary>There is no room now.</summary>
    Exceeded,

    /// <summary>The request alone asks for more than the limit: it never fits.</summary>
    TooLarge,

    /// <summary>The store cannot be written: nothing is begun that could not be counted.</summary>
    Unavailable,
}

/// <summary>A refusal by a limit.</summary>
/// <param name="Scope">Whose limit.</param>
/// <param name="Asked">What the request asks for of it.</param>
/// <param name="RetryAfter">When it may fit; null where it never will.</param>
public sealed record LimitRefusal(LimitFault Fault, LimitScope Scope, Quantity Quantity, long Limit, long Asked, TimeSpan? RetryAfter)
{
    /// <summary>HTTP's status.</summary>
    public int Status => Fault switch { LimitFault.Unavailable => 503, LimitFault.TooLarge when Limit == 0 => 403, _ => 429 };

    /// <summary>What a program goes by.</summary>
    public string Code => Fault == LimitFault.Unavailable ? "limits_unavailable" : (Scope.IsGroup ? "group_" : "") + Quantity switch
    {
        Quantity.Requests => "requests_per_minute",
        Quantity.MinuteTokens => "tokens_per_minute",
        Quantity.DayTokens => "tokens_per_day",
        Quantity.DayMoney => "usd_per_day",
        Quantity.DayLogprobs => "logprob_tokens_per_day",
        _ => "streams",
    } + (Fault == LimitFault.TooLarge ? "_too_large" : "_exceeded");

    /// <summary>One sentence for the client.</summary>
    public string Message => Fault == LimitFault.Unavailable ? "The limits cannot be read now; nothing was begun." : $"The limit of {Name} is {Number(Limit)}, and this request takes {(Quantity == Quantity.Requests ? "one more" : $"up to {Number(Asked)}")}{(Fault == LimitFault.TooLarge ? ", more than that alone" : "")}.";

    string Name => (Scope.IsGroup ? "this account and those linked to it, " : "this account, ") + Quantity switch
    {
        Quantity.Requests => "requests a minute",
        Quantity.MinuteTokens => "tokens a minute",
        Quantity.DayTokens => "tokens a day",
        Quantity.DayMoney => "dollars a day",
        Quantity.DayLogprobs => "tokens with log-probabilities a day",
        _ => "answers at once",
    };

    string Number(long amount) => Quantity == Quantity.DayMoney ? (amount / 1e12m).ToString("0.######", System.Globalization.CultureInfo.InvariantCulture) : amount.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
