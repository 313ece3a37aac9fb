using System.Security.Cryptography;

namespace Retort.Evidence.Ledger;

/// <summary>
/// SHA-256(salt ‖ content) with a salt of 32 bytes: it binds to a content without disclosing it, and is opened by showing both. Without its
/// own secret salt a short content could be guessed.
/// </summary>
/// <param name="Value">The hash, which a log entry carries.</param>
public readonly record struct Commitment(Digest Value)
{
    /// <summary>Bytes of a salt.</summary>
    public const int SaltLength = 32;

    /// <param name="salt">32 bytes, used for this content alone.</param>
    public static Commitment To(ReadOnlySpan<byte> salt, ReadOnlySpan<byte> content)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(salt.Length, SaltLength);
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(salt);
        hash.AppendData(content);
        return new(new Digest(hash.GetHashAndReset()));
    }

    /// <summary>Whether salt and content open this commitment.</summary>
    public bool IsTo(ReadOnlySpan<byte> salt, ReadOnlySpan<byte> content) => salt.Length == SaltLength && To(salt, content) == this;

    /// <summary>The hash in hexadecimal.</summary>
    public override string ToString() => Value.ToString();
}
