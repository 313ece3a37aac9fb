using System.Globalization;

namespace Retort.Evidence.Ledger;

/// <summary>A whole number as logs write it: ASCII digits without sign or leading zeros, within 63 bits.</summary>
static class WholeNumber
{
    public static bool TryRead(ReadOnlySpan<char> text, out long number) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && (text.Length == 1 || text[0] != '0');
}
