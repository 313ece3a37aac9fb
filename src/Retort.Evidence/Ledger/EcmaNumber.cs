using System.Globalization;

namespace Retort.Evidence.Ledger;

/// <summary>A double as ECMAScript prints it (ECMA-262, Number::toString with radix 10): the shortest digits that read back as the same number.</summary>
static class EcmaNumber
{
    /// <param name="value">Finite.</param>
    public static string Of(double value)
    {
        if (value == 0)
        {
            return "0";
        }

        // .NET finds the same digits; only where it puts the point and the exponent differs.
        string text = Math.Abs(value).ToString("R", CultureInfo.InvariantCulture);
        int e = text.IndexOf('E', StringComparison.Ordinal);
        string mantissa = e < 0 ? text : text[..e];
        int dot = mantissa.IndexOf('.', StringComparison.Ordinal);
        string all = mantissa.Replace(".", "", StringComparison.Ordinal);
        string digits = all.TrimStart('0');

        // The value is 0.digits · 10^point.
        int point = (dot < 0 ? mantissa.Length : dot) - (all.Length - digits.Length) + (e < 0 ? 0 : int.Parse(text[(e + 1)..], CultureInfo.InvariantCulture));
        digits = digits.TrimEnd('0');
        string sign = value < 0 ? "-" : "";
        return sign + point switch
        {
            <= 21 when digits.Length <= point => digits.PadRight(point, '0'),
            > 0 and <= 21 => $"{digits[..point]}.{digits[point..]}",
            > -6 and <= 0 => $"0.{new string('0', -point)}{digits}",
            _ => $"{digits[0]}{(digits.Length == 1 ? "" : "." + digits[1..])}e{(point > 0 ? "+" : "-")}{Math.Abs(point - 1)}",
        };
    }
}
