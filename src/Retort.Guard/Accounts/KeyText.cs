using System.Security.Cryptography;

namespace Retort.Guard.Accounts;

/// <summary>How the text of a key may be wrong.</summary>
public enum KeyTextFault
{
    None,

    /// <summary>There is no key.</summary>
    Missing,

    /// <summary>It has not the form of a key.</summary>
    Malformed,

    /// <summary>It has the form, and its check characters say that it was mistyped.</summary>
    Mistyped,
}

/// <summary>
/// A key as its owner has it: <c>rt_ID_SECRETCHECK</c>, with an id of 12 digits and lower-case letters, a secret of 43 digits and letters (256 bits), and
/// six check characters, CRC-32C of all before them in base 62, the lowest digit first: a typo is told without the store, every one of a single character or of two that changed places. All keys have 65 characters.
/// </summary>
public static class KeyText
{
    /// <summary>Characters of a whole key.</summary>
    public const int Length = 3 + IdLength + 1 + SecretLength + CheckLength;

    internal const int IdLength = 12, SecretLength = 43, CheckLength = 6, SignedLength = Length - CheckLength;

    const string IdDigits = "0123456789abcdefghijklmnopqrstuvwxyz", Digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", Scheme = "Bearer ";

    /// <summary>A character's digit; 128 for those that are none.</summary>
    static readonly byte[] s_idDigits = Values(IdDigits), s_digits = Values(Digits);

    /// <summary>More than any header has that holds a key.</summary>
    const int Longest = 256;

    /// <summary>A new key, from the system's random numbers.</summary>
    public static string Make()
    {
        Span<char> key = stackalloc char[Length];
        "rt_".CopyTo(key);
        RandomNumberGenerator.GetString(IdDigits, IdLength).CopyTo(key[3..]);
        key[3 + IdLength] = '_';
        RandomNumberGenerator.GetString(Digits, SecretLength).CopyTo(key[(4 + IdLength)..]);
        Check(key[..SignedLength], key[SignedLength..]);
        return new(key);
    }

    /// <summary>A header whose key is given the check characters that fit it.</summary>
    internal static string Reseal(string header)
    {
        char[] text = header.ToCharArray();
        Check(text.AsSpan(text.Length - Length, SignedLength), text.AsSpan(text.Length - CheckLength));
        return new(text);
    }

    /// <summary>The id in a key's text.</summary>
    internal static string IdOf(string key) => key.Substring(3, IdLength);

    /// <summary>What an Authorization header holds: "Bearer rt_…", or the key alone. Allocates nothing, and looks at no more than a key's length.</summary>
    /// <param name="header">Of any length and content.</param>
    /// <param name="id">The number its id stands for.</param>
    /// <param name="key">The key's characters, where there is no fault.</param>
    internal static KeyTextFault Read(ReadOnlySpan<char> header, out ulong id, out ReadOnlySpan<char> key)
    {
        id = 0;
        key = default;
        if (header.Length > Longest)
        {
            return KeyTextFault.Malformed;
        }

        ReadOnlySpan<char> text = header.Trim(' ');
        text = text.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? text[Scheme.Length..].TrimStart(' ') : text;
        if (text.IsEmpty || text.Equals(Scheme.AsSpan(0, Scheme.Length - 1), StringComparison.OrdinalIgnoreCase))
        {
            return KeyTextFault.Missing;
        }

        if (text.Length != Length || !text.StartsWith("rt_", StringComparison.Ordinal) || text[3 + IdLength] != '_' || !TryId(text.Slice(3, IdLength), out id))
        {
            return KeyTextFault.Malformed;
        }

        int wrong = 0;
        foreach (char c in text[(4 + IdLength)..])
        {
            wrong |= s_digits[c & 127] | (c >> 7 << 7);
        }

        if ((wrong & ~127) != 0)
        {
            return KeyTextFault.Malformed;
        }

        Span<char> check = stackalloc char[CheckLength];
        Check(text[..SignedLength], check);
        key = text;
        return text[SignedLength..].SequenceEqual(check) ? KeyTextFault.None : KeyTextFault.Mistyped;
    }

    /// <summary>The number of an id: 36^12 are less than 2^63.</summary>
    internal static bool TryId(ReadOnlySpan<char> text, out ulong id)
    {
        id = 0;
        if (text.Length != IdLength)
        {
            return false;
        }

        // No branch depends on the characters: one that did would take a time of its own for each key.
        int wrong = 0;
        foreach (char c in text)
        {
            int digit = s_idDigits[c & 127];
            wrong |= digit | (c >> 7 << 7);
            id = (id * 36) + (ulong)digit;
        }

        return (wrong & ~127) == 0;
    }

    static byte[] Values(string digits) => [.. Enumerable.Range(0, 128).Select(c => digits.IndexOf((char)c, StringComparison.Ordinal) is var at and >= 0 ? (byte)at : (byte)128)];

    static void Check(ReadOnlySpan<char> signed, Span<char> check)
    {
        uint number = ~0u;
        foreach (char c in signed)
        {
            number = System.Numerics.BitOperations.Crc32C(number, (byte)c);
        }

        number = ~number;
        for (int i = 0; i < CheckLength; i++)
        {
            check[i] = Digits[(int)(number % 62)];
            number /= 62;
        }
    }
}
