namespace Retort.Distill;

/// <summary>Numbers as a reader wants them, with the same spelling on the page, in the terminal and in the verdict's sentence.</summary>
static class ReportNumbers
{
    /// <summary>What stands where there is nothing to say.</summary>
    public const string Absent = "–";

    const char Minus = '−';

    public static string Fixed(double value, int digits)
    {
        if (!double.IsFinite(value))
        {
            return "not finite";
        }

        string text = Math.Abs(value).ToString($"N{digits}");
        return value < 0 && text.AsSpan().ContainsAnyInRange('1', '9') ? Minus + text : text;
    }

    public static string Signed(double value, int digits)
    {
        string text = Fixed(value, digits);
        return value > 0 && text.AsSpan().ContainsAnyInRange('1', '9') ? "+" + text : text;
    }

    public static string Whole(long value) => Fixed(value, 0);

    public static string Whole(long? value) => value is { } known ? Whole(known) : Absent;

    public static string Percent(double share) => Fixed(share * 100, 1) + " %";

    public static string SignedPercent(double share, int digits = 1) => Signed(share * 100, digits) + " %";

    /// <summary>Three significant digits with a decimal prefix: 812, 1.20 k, 3.12 T.</summary>
    public static string Count(double value) => Math.Abs(value) switch
    {
        < 1_000 => Significant(value),
        < 1e6 => Significant(value / 1e3) + " k",
        < 1e9 => Significant(value / 1e6) + " M",
        < 1e12 => Significant(value / 1e9) + " G",
        < 1e15 => Significant(value / 1e12) + " T",
        _ => Significant(value / 1e15) + " P",
    };

    /// <summary>A round count beside an axis, without its trailing zeros.</summary>
    public static string Tick(double value)
    {
        string[] parts = Count(value).Split(' ');
        parts[0] = parts[0].Contains('.') ? parts[0].TrimEnd('0').TrimEnd('.') : parts[0];
        return string.Join(' ', parts);
    }

    /// <summary>Parameters in millions from a hundred thousand up, so that teacher and student read alike.</summary>
    public static string Parameters(long value) => value < 100_000 ? Count(value) : value < 10_000_000 ? Fixed(value / 1e6, 2) + " M" : Count(value);

    public static string Parameters(long? value) => value is { } known ? Parameters(known) : Absent;

    public static string Bytes(long value) => Bytes((double)value);

    public static string Bytes(long? value) => value is { } known ? Bytes((double)known) : Absent;

    public static string Bytes(double value) => Math.Abs(value) switch
    {
        < 1 << 10 => Significant(value) + " B",
        < 1 << 20 => Significant(value / (1 << 10)) + " KiB",
        < 1 << 30 => Significant(value / (1 << 20)) + " MiB",
        _ => Significant(value / (1 << 30)) + " GiB",
    };

    public static string Seconds(double seconds) => seconds switch
    {
        < 1 => Fixed(seconds * 1000, 0) + " ms",
        < 60 => Fixed(seconds, 1) + " s",
        < 3600 => $"{(int)seconds / 60} min {(int)seconds % 60:00} s",
        _ => $"{(int)seconds / 3600} h {(int)seconds / 60 % 60:00} min",
    };

    public static string Times(double ratio) => Significant(ratio) + "×";

    /// <summary>Money to three significant digits, so that a hundredth of a cent stays visible.</summary>
    public static string Money(double amount, string currency) => currency + " " + Significant(amount);

    public static string Rate(double learningRate) => learningRate.ToString("0.##e-0").Replace('-', Minus);

    /// <summary>Three significant digits, never in exponential form for what fits a line.</summary>
    public static string Significant(double value)
    {
        if (value == 0)
        {
            return "0";
        }

        if (!double.IsFinite(value))
        {
            return "not finite";
        }

        int magnitude = (int)Math.Floor(Math.Log10(Math.Abs(value)));
        return Fixed(value, Math.Clamp(2 - magnitude, 0, 9));
    }
}
