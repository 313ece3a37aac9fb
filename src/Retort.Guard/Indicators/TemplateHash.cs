using System.Security.Cryptography;
using System.Text;

namespace Retort.Guard.Indicators;

/// <summary>
/// A template (what many prompts share once their slots are taken out) under a bundle's salt: HMAC-SHA-256(salt, the template in lower case, white space as
/// single spaces, NFC). Whoever has a template of their own can see whether it is the same; from the hash alone a text can only be guessed, so short ones, which
/// can be, are never told.
/// </summary>
static class TemplateHash
{
    /// <summary>Bytes of a salt, and of a hash.</summary>
    public const int Length = 32;

    /// <summary>Fewest characters of a template that is told.</summary>
    public const int FewestCharacters = 40;

    /// <summary>The form that is hashed.</summary>
    public static string Normal(string template) =>
        string.Join(' ', Whole(template).Normalize(NormalizationForm.FormC).ToLowerInvariant().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));

    public static string Of(ReadOnlySpan<byte> salt, string template) => Convert.ToHexStringLower(HMACSHA256.HashData(salt, Encoding.UTF8.GetBytes(Normal(template))));

    /// <summary>Without halves of surrogate pairs, which have no normal form.</summary>
    static string Whole(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
}
