using System.Globalization;
using System.Text.RegularExpressions;

namespace Retort.Asking;

/// <summary>What an endpoint said of its limits in a response's head; null where it said nothing.</summary>
/// <param name="RetryAfter">How long to wait before asking again (Retry-After, in seconds or as a date; or retry-after-ms).</param>
/// <param name="Requests">Requests it allows in a minute (x-ratelimit-limit-requests).</param>
/// <param name="Tokens">Tokens it allows in a minute (x-ratelimit-limit-tokens).</param>
/// <param name="RequestsLeft">Requests left until the reset (x-ratelimit-remaining-requests).</param>
/// <param name="RequestsReset">Until then (x-ratelimit-reset-requests, such as 1s, 6m0s or 250ms).</param>
/// <param name="TokensLeft">Tokens left.</param>
/// <param name="TokensReset">Until their reset.</param>
public sealed partial record LimitFacts(TimeSpan? RetryAfter, double? Requests, double? Tokens, double? RequestsLeft, TimeSpan? RequestsReset, double? TokensLeft, TimeSpan? TokensReset)
{
    public static LimitFacts None { get; } = new(null, null, null, null, null, null, null);

    /// <summary>The longest wait an endpoint can ask for; what it says beyond is taken as this.</summary>
    static readonly TimeSpan s_longest = TimeSpan.FromHours(1);

    /// <param name="header">Gives a header's value by its name in lower case, or null.</param>
    /// <param name="now">For a Retry-After that is a date.</param>
    public static LimitFacts Read(Func<string, string?> header, DateTimeOffset now) => new(
        After(header, now), Number(header("x-ratelimit-limit-requests")), Number(header("x-ratelimit-limit-tokens")), Number(header("x-ratelimit-remaining-requests")), Span(header("x-ratelimit-reset-requests")),
        Number(header("x-ratelimit-remaining-tokens")), Span(header("x-ratelimit-reset-tokens")));

    static TimeSpan? After(Func<string, string?> header, DateTimeOffset now)
    {
        if (Number(header("retry-after-ms")) is { } milliseconds)
        {
            return Bounded(milliseconds / 1000);
        }

        string? text = header("retry-after");
        return Number(text) is { } seconds ? Bounded(seconds)
            : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset date) ? Bounded((date - now).TotalSeconds)
            : null;
    }

    static double? Number(string? text) => double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value) ? value : null;

    static TimeSpan? Span(string? text)
    {
        if (Number(text) is { } plain)
        {
            return Bounded(plain);
        }

        Match match = Parts().Match(text ?? "");
        if (!match.Success || match.Length == 0)
        {
            return null;
        }

        double Part(string name) => Number(match.Groups[name].Value) ?? 0;
        return Bounded((Part("h") * 3600) + (Part("m") * 60) + Part("s") + (Part("ms") / 1000));
    }

    static TimeSpan Bounded(double seconds) => TimeSpan.FromSeconds(Math.Clamp(seconds, 0, s_longest.TotalSeconds));

    [GeneratedRegex(@"^(?:(?<h>[0-9.]+)h)?(?:(?<m>[0-9.]+)m(?!s))?(?:(?<s>[0-9.]+)s)?(?:(?<ms>[0-9.]+)ms)?$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Parts();
}
