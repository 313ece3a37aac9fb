using System.Globalization;

namespace Retort.Cli;

/// <summary>Lengths of time and moments as they are typed.</summary>
static class DurationText
{
    const string Form = "It is a whole number and a unit: 90s, 30m, 24h or 90d.";

    const long MostSeconds = 100L * 366 * 86_400;

    /// <summary>Reads 90s, 30m, 24h or 90d.</summary>
    /// <exception cref="UserError">It is none of these.</exception>
    public static TimeSpan Parse(string text, string option)
    {
        long unit = text.Length < 2 ? 0 : text[^1] switch { 's' => 1, 'm' => 60, 'h' => 3600, 'd' => 86_400, _ => 0 };
        return unit > 0 && long.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out long count) && count <= MostSeconds / unit
            ? TimeSpan.FromSeconds(count * unit)
            : throw new UserError($"'{text}' is no length of time", option, Form);
    }

    /// <summary>A day such as 2027-01-31, which ends it, or a length of time from now on.</summary>
    /// <exception cref="UserError">It is neither.</exception>
    public static DateTimeOffset Moment(string text, string option, DateTimeOffset now) =>
        DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly day) && day < DateOnly.MaxValue ? new(day.AddDays(1), TimeOnly.MinValue, TimeSpan.Zero)
        : text.Contains('-', StringComparison.Ordinal) ? throw new UserError($"'{text}' is no day", option, $"A day is written 2027-01-31. {Form}")
        : now + Parse(text, option);

    /// <summary>A moment as it is shown: UTC, to the second.</summary>
    public static string Show(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
