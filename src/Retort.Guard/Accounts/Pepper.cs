using System.Security.Cryptography;
using System.Text;

namespace Retort.Guard.Accounts;

/// <summary>
/// A secret that lies in the environment and never in the store. From it follow the hashes of keys and of traits and the seals of rows, so whoever has the
/// store alone can neither make a key, nor find whose trait one is, nor change a row unnoticed.
/// </summary>
public sealed class Pepper
{
    /// <summary>Fewest characters: 128 bits in hexadecimal.</summary>
    const int Fewest = 32;

    /// <summary>Bytes of SHA-256's block.</summary>
    const int Block = 64;

    readonly byte[] _inner, _outer, _traits, _seals, _check, _origins, _twins;

    Pepper(string secret)
    {
        byte[] root = Encoding.UTF8.GetBytes(secret);
        (_traits, _seals, _check, _origins, _twins) = (Derive("traits"), Derive("seals"), Derive("check"), Derive("origins"), Derive("twins"));
        byte[] keys = new byte[Block];
        Derive("keys").CopyTo(keys, 0);
        (_inner, _outer) = ([.. keys.Select(k => (byte)(k ^ 0x36))], [.. keys.Select(k => (byte)(k ^ 0x5c))]);
        CryptographicOperations.ZeroMemory(root);

        byte[] Derive(string what) => HMACSHA256.HashData(root, Encoding.ASCII.GetBytes("retort guard " + what));
    }

    /// <summary>Reads it from an environment variable.</summary>
    /// <param name="environment">Gives a variable; null where it is not set.</param>
    /// <exception cref="UserError">It is not set, or too short to be a secret.</exception>
    public static Pepper Of(string variable, Func<string, string?> environment) => environment(variable) switch
    {
        null or "" => throw new UserError("the environment has no pepper for the keys", variable, Hint(variable)),
        { Length: < Fewest } => throw new UserError($"the pepper has fewer than {Fewest} characters", variable, Hint(variable)),
        { } secret => new(secret),
    };

    /// <summary>What of the pepper a store may keep, to tell another one.</summary>
    public ReadOnlySpan<byte> Check => _check;

    /// <summary>The hash a key is kept as: HMAC-SHA-256 of its characters before the check characters.</summary>
    internal void Hash(ReadOnlySpan<char> key, Span<byte> hash)
    {
        // HMAC written out, RFC 2104, for two calls of SHA-256 take half the time of one of the system's HMAC.
        Span<byte> inner = stackalloc byte[Block + KeyText.SignedLength], outer = stackalloc byte[Block + SHA256.HashSizeInBytes];
        _inner.CopyTo(inner);
        Encoding.ASCII.GetBytes(key[..KeyText.SignedLength], inner[Block..]);
        _outer.CopyTo(outer);
        SHA256.HashData(inner, outer[Block..]);
        SHA256.HashData(outer, hash);
        CryptographicOperations.ZeroMemory(inner);
    }

    /// <summary>A trait of an account as it is kept; the same for texts that differ in case and spaces alone.</summary>
    public byte[] Trait(TraitKind kind, string text) =>
        HMACSHA256.HashData(_traits, Encoding.UTF8.GetBytes($"{kind}\n{string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).ToLowerInvariant()}"));

    /// <summary>The key of the hashes that stand for where requests come from, and of those that stand for accounts in telemetry.</summary>
    internal ReadOnlySpan<byte> Origins => _origins;

    /// <summary>The seal of a row: without the pepper nobody makes one.</summary>
    internal byte[] Seal(string row) => HMACSHA256.HashData(_seals, Encoding.UTF8.GetBytes(row));

    /// <summary>What the texts of sealed twins are encrypted with.</summary>
    internal byte[] TwinKey => _twins;

    /// <summary>Nothing of the secret.</summary>
    public override string ToString() => nameof(Pepper);

    static string Hint(string variable) => $"Make one once and keep it where the guard starts: export {variable}=$(openssl rand -hex 32). Without it no key made under it works any more.";
}
