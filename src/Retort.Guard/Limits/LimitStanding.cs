using System.Globalization;

namespace Retort.Guard.Limits;

/// <summary>Where a scope stands.</summary>
/// <param name="Remaining">In the order of <see cref="Quantity"/>; <see cref="long.MaxValue"/> without a limit.</param>
/// <param name="SinceLast">Milliseconds since its last request.</param>
public sealed record LimitStanding(ScopeLimits Limits, Amounts Remaining, long SinceLast)
{
    /// <summary>
    /// The headers that OpenAI's clients read: x-ratelimit-limit-requests, -remaining-requests and -reset-requests, and the same of tokens a minute. A reset is
    /// when the window is empty again if nothing more is asked, such as 59.2s.
    /// </summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers()
    {
        List<KeyValuePair<string, string>> headers = [];
        Add(Quantity.Requests, "requests");
        Add(Quantity.MinuteTokens, "tokens");
        return headers;

        void Add(Quantity quantity, string name)
        {
            if (Limits[quantity] is not { } limit)
            {
                return;
            }

            long remaining = Remaining[(int)quantity];
            long reset = remaining >= limit ? 0 : Math.Max(Amounts.Window((int)quantity) - SinceLast, 0);
            headers.Add(new($"x-ratelimit-limit-{name}", Text(limit)));
            headers.Add(new($"x-ratelimit-remaining-{name}", Text(remaining)));
            headers.Add(new($"x-ratelimit-reset-{name}", Duration(reset)));
        }
    }

    /// <summary>The headers of a refusal: retry-after in whole seconds, as HTTP has it, and retry-after-ms, which OpenAI's clients prefer.</summary>
    public static IReadOnlyList<KeyValuePair<string, string>> Headers(LimitRefusal refusal) => refusal.RetryAfter is not { } after ? []
        : [new("retry-after", Text((long)Math.Ceiling(after.TotalSeconds))), new("retry-after-ms", Text((long)Math.Ceiling(after.TotalMilliseconds)))];

    /// <summary>As OpenAI writes it: 6m0s, 1.2s, 20ms.</summary>
    internal static string Duration(long milliseconds) => milliseconds switch
    {
        < 1000 => $"{Text(milliseconds)}ms",
        < 60_000 => (milliseconds / 1000.0).ToString("0.###", CultureInfo.InvariantCulture) + "s",
        < 3_600_000 => $"{Text(milliseconds / 60_000)}m{(milliseconds % 60_000 / 1000.0).ToString("0.###", CultureInfo.InvariantCulture)}s",
        _ => $"{Text(milliseconds / 3_600_000)}h{Text(milliseconds % 3_600_000 / 60_000)}m{(milliseconds % 60_000 / 1000.0).ToString("0.###", CultureInfo.InvariantCulture)}s",
    };

    static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
