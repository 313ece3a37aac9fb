using System.Globalization;
using System.Text.RegularExpressions;

namespace Retort.Asking;

/// <summary>What a text should perhaps not be sent anywhere for.</summary>
public enum Sensitive
{
    /// <summary>An address of electronic mail.</summary>
    Mail,

    /// <summary>A telephone number, international or in American form.</summary>
    Phone,

    /// <summary>A number of a payment card that passes Luhn's check.</summary>
    Card,

    /// <summary>A bank account (IBAN) that passes ISO 7064's check.</summary>
    Account,

    /// <summary>A social security number of the United States.</summary>
    SocialSecurity,

    /// <summary>A private key in PEM.</summary>
    PrivateKey,

    /// <summary>A key of a service, by its well-known beginning, or a signed web token.</summary>
    ServiceKey,

    /// <summary>A password in an address, or said to be one.</summary>
    Password,
}

/// <summary>
/// Finds personal data and secrets by their form, checked by their check digits where they have them. What has no form, such as a name or an illness, it
/// cannot see.
/// </summary>
public static partial class SensitiveText
{
    const int Patience = 1000;

    /// <summary>Each kind a text holds, once.</summary>
    public static IReadOnlyList<Sensitive> In(string text) =>
    [
        .. Mail().IsMatch(text) ? [Sensitive.Mail] : (Sensitive[])[],
        .. Phone().IsMatch(text) ? [Sensitive.Phone] : (Sensitive[])[],
        .. Any(text, Card().EnumerateMatches(text), IsCard) ? [Sensitive.Card] : (Sensitive[])[],
        .. Any(text, Iban().EnumerateMatches(text), IsIban) ? [Sensitive.Account] : (Sensitive[])[],
        .. SocialSecurity().IsMatch(text) ? [Sensitive.SocialSecurity] : (Sensitive[])[],
        .. text.Contains("-----BEGIN", StringComparison.Ordinal) && PrivateKey().IsMatch(text) ? [Sensitive.PrivateKey] : (Sensitive[])[],
        .. ServiceKey().IsMatch(text) ? [Sensitive.ServiceKey] : (Sensitive[])[],
        .. Password().IsMatch(text) ? [Sensitive.Password] : (Sensitive[])[],
    ];

    static bool Any(string text, Regex.ValueMatchEnumerator matches, Func<string, bool> holds)
    {
        foreach (ValueMatch match in matches)
        {
            if (holds(text.Substring(match.Index, match.Length)))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Luhn's check over 13 to 19 digits that are not all the same.</summary>
    static bool IsCard(string text)
    {
        int[] digits = [.. text.Where(char.IsAsciiDigit).Select(c => c - '0')];
        int sum = digits.Reverse().Select((d, i) => i % 2 == 0 ? d : (2 * d) - (d > 4 ? 9 : 0)).Sum();
        return digits.Length is >= 13 and <= 19 && sum % 10 == 0 && digits.Distinct().Count() > 1;
    }

    /// <summary>ISO 7064, mod 97: country and check digits behind the rest, letters as 10 to 35, is 1.</summary>
    static bool IsIban(string text)
    {
        string plain = text.Replace(" ", "", StringComparison.Ordinal);
        int rest = 0;
        foreach (char c in plain[4..] + plain[..4])
        {
            rest = int.Parse(rest.ToString(CultureInfo.InvariantCulture) + (char.IsAsciiDigit(c) ? c - '0' : c - 'A' + 10).ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture) % 97;
        }

        return plain.Length is >= 15 and <= 34 && rest == 1;
    }

    [GeneratedRegex(@"\b[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}\b", RegexOptions.ExplicitCapture, Patience)]
    private static partial Regex Mail();

    [GeneratedRegex(@"(?<![\w+])(?:\+[1-9]\d{0,2}(?:[ .-]?\(?\d{1,4}\)?){2,5}\d|\(\d{3}\) ?\d{3}-\d{4}|\d{3}-\d{3}-\d{4})(?!\d)", RegexOptions.ExplicitCapture, Patience)]
    private static partial Regex Phone();

    [GeneratedRegex(@"(?<!\d|\d\.)\d(?:[ -]?\d){12,18}(?!\d|\.\d)", RegexOptions.ExplicitCapture, Patience)]
    private static partial Regex Card();

    [GeneratedRegex(@"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b", RegexOptions.ExplicitCapture, Patience)]
    private static partial Regex Iban();

    [GeneratedRegex(@"(?<![\d-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])", RegexOptions.ExplicitCapture, Patience)]
    private static partial Regex SocialSecurity();

    [GeneratedRegex(@"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----", RegexOptions.ExplicitCapture, Patience)]
    private static partial Regex PrivateKey();

    [GeneratedRegex(@"\b(?:sk-[A-Za-z0-9_-]{20,}|AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,}|xox[abprs]-[A-Za-z0-9-]{10,}|hf_[A-Za-z0-9]{30,}|AIza[A-Za-z0-9_-]{35}|eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,})", RegexOptions.ExplicitCapture, Patience)]
    private static partial Regex ServiceKey();

    [GeneratedRegex(@"\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@]{1,64}:[^\s:/@]{1,64}@|\b(?:password|passwd|pwd|api[_-]?key|secret)\s{0,3}(?:=\s{0,3}[""']?[^\s""']{6,}|:\s{0,3}(?:[""'][^\s""']{6,}|(?=[^\s\d]{0,40}\d)[^\s""']{6,}))", RegexOptions.ExplicitCapture | RegexOptions.IgnoreCase, Patience)]
    private static partial Regex Password();
}
