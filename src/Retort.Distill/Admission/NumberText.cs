using System.Globalization;
using System.Numerics;
using System.Text.RegularExpressions;

namespace Retort.Distill;

/// <summary>A number as a text has it.</summary>
/// <param name="Value">Finite; of a percentage what stands before the sign.</param>
/// <param name="Whole">The same exactly, where it is written without a fraction or an exponent; else null.</param>
/// <param name="Percent">Whether a percent sign follows.</param>
public sealed partial record NumberText(double Value, BigInteger? Whole, bool Percent)
{
    /// <summary>How far two numbers with fractions may lie apart, for their size.</summary>
    const double Near = 1e-6;

    /// <summary>
    /// The number that a text answers with: the last one in its last \boxed{…}, else the last one after its last "####", else its last one. Commas and thin
    /// or fixed spaces part thousands, a point parts decimals; fractions (3/4, 1 3/4, \frac{3}{4}), exponents and percent signs are read, units and currency
    /// signs around it passed over. A digit in a word (x2) is no number.
    /// </summary>
    /// <returns>Null where there is none.</returns>
    public static NumberText? Find(string text)
    {
        if (Boxed(text) is { } boxed)
        {
            return Last(boxed);
        }

        int mark = text.LastIndexOf("####", StringComparison.Ordinal);
        return (mark < 0 ? null : Last(text[(mark + 4)..])) ?? Last(text);
    }

    /// <summary>
    /// Whether it is the same number. Whole numbers are equal or not, others as near as 1e-6 of the greater of 1 and their size, unless a tolerance says
    /// otherwise for all. Where one alone has a percent sign it may be either way of writing it: 50% is 50 and 0.5.
    /// </summary>
    /// <param name="tolerance">Most distance for max(1, |other|); null for the rule above.</param>
    public bool Is(NumberText other, double? tolerance)
    {
        bool Same(double a, double b) => Math.Abs(a - b) <= (tolerance ?? Near) * Math.Max(1, Math.Abs(b));
        bool written = tolerance is null && Whole is { } a && other.Whole is { } b ? a == b : Same(Value, other.Value);
        return written || (Percent != other.Percent && Same(Percent ? Value / 100 : Value, other.Percent ? other.Value / 100 : other.Value));
    }

    public override string ToString() => (Whole?.ToString(CultureInfo.InvariantCulture) ?? Value.ToString(CultureInfo.InvariantCulture)) + (Percent ? "%" : "");

    static NumberText? Last(string text)
    {
        string plain = Fraction().Replace(text.Replace("{,}", ",", StringComparison.Ordinal).Replace("\\%", "%", StringComparison.Ordinal).Replace("\\,", "", StringComparison.Ordinal).Replace("\\!", "", StringComparison.Ordinal).Replace('−', '-'), " $1$2/$3");
        return Number().Matches(plain).Select(Of).LastOrDefault(n => n is not null);
    }

    static NumberText? Of(Match match)
    {
        string Digits(string group) => string.Concat(match.Groups[group].Value.Where(c => char.IsAsciiDigit(c) || c is '.' or 'e' or 'E' or '+' or '-'));
        double Value(string group) => double.Parse(Digits(group), NumberStyles.Float, CultureInfo.InvariantCulture);
        bool negative = match.Groups["sign"].Value == "-", percent = match.Groups["percent"].Success;
        string digits = Digits("number");
        double value = Value("number");
        bool whole = digits.All(char.IsAsciiDigit);
        if (match.Groups["under"].Success)
        {
            // "1 3/4" is one and three quarters, "3/4" three quarters.
            value = match.Groups["over"].Success ? value + (Value("over") / Value("under")) : value / Value("under");
            whole = false;
        }

        value = negative ? -value : value;
        return !double.IsFinite(value) ? null : new(value, whole ? BigInteger.Parse(digits, CultureInfo.InvariantCulture) * (negative ? -1 : 1) : null, percent);
    }

    /// <summary>What is in the last box, whose braces may hold others; null without one that ends.</summary>
    static string? Boxed(string text)
    {
        const string Open = "\\boxed{";
        int at = text.LastIndexOf(Open, StringComparison.Ordinal), depth = 0;
        for (int i = at + Open.Length - 1; at >= 0 && i < text.Length; i++)
        {
            depth += text[i] == '{' ? 1 : text[i] == '}' ? -1 : 0;
            if (depth == 0)
            {
                return text[(at + Open.Length)..i];
            }
        }

        return null;
    }

    [GeneratedRegex(@"([-+]?)\s?\\[dt]?frac\s*\{\s*([0-9]{1,300})\s*\}\s*\{\s*([0-9]{1,300})\s*\}", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Fraction();

    /// <summary>Digits are bounded, so that no text is read for long.</summary>
    [GeneratedRegex(
        """
        (?<![\p{L}\p{Nd}_.])(?<sign>[-+])?[$€£¥]?
        (?<number>(?:[0-9]{1,3}(?:[,\u202F\u00A0\u2009][0-9]{3}){1,100}(?![0-9])|[0-9]{1,300})(?:\.[0-9]{1,300})?(?:[eE][-+]?[0-9]{1,4}(?![0-9]))?|\.[0-9]{1,300})
        (?:(?:[ ](?<over>[0-9]{1,300}))?[ ]?/[ ]?(?<under>[0-9]{1,300}))?(?<percent>[ ]?%)?
        """,
        RegexOptions.CultureInvariant | RegexOptions.IgnorePatternWhitespace | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Number();
}
