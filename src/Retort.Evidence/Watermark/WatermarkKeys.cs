using System.Security.Cryptography;
using System.Text;
using Retort.Evidence.Ledger;

namespace Retort.Evidence.Watermark;

/// <summary>
/// The keys of all marks, made from one secret of 32 bytes: HKDF-SHA-256 (RFC 5869) with whom a key is for as its info. A key shows nothing of another, so one
/// can be given to whoever checks a finding. A commitment to a key that was logged before the key was used shows later that it was not chosen to fit a text.
/// </summary>
public sealed class WatermarkKeys
{
    const int Length = 32;

    readonly byte[] _secret;

    /// <param name="secret">32 random bytes.</param>
    public WatermarkKeys(ReadOnlySpan<byte> secret)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(secret.Length, Length);
        _secret = secret.ToArray();
    }

    /// <summary>A new secret, from the system's random numbers.</summary>
    public static WatermarkKeys Make() => new(RandomNumberGenerator.GetBytes(Length));

    /// <summary>Reads a file that <see cref="Write"/> wrote.</summary>
    /// <exception cref="UserError">It cannot be read or holds no secret.</exception>
    public static WatermarkKeys Read(string path)
    {
        string text = TextFile.Read(path, 1 << 10);
        return text.EndsWith('\n') && Base64Text.TryRead(text[..^1], out byte[]? secret) && secret.Length == Length
            ? new(secret)
            : throw new UserError("The file holds no secret of watermarks", path, "Put the file back: without it no text that was marked is found again.");
    }

    /// <summary>Writes the secret as one line of base64, readable by its owner alone.</summary>
    /// <exception cref="UserError">The file cannot be written.</exception>
    public void Write(string path) => SecretFile.Write(path, Encoding.ASCII.GetBytes(Convert.ToBase64String(_secret) + "\n"));

    /// <summary>The key of one scope, 32 bytes.</summary>
    /// <param name="scope">Whom it is for, for example <c>account/17/1</c>.</param>
    public byte[] Key(string scope) => Derive("key", scope);

    /// <summary>The salt of a scope's commitment, 32 bytes; shown with the key to open it.</summary>
    public byte[] Salt(string scope) => Derive("salt", scope);

    /// <summary>The commitment to a scope's key: SHA-256(salt ‖ key).</summary>
    public Commitment Commit(string scope) => Commitment.To(Salt(scope), Key(scope));

    byte[] Derive(string what, string scope) => HKDF.DeriveKey(HashAlgorithmName.SHA256, _secret, Length, info: Encoding.UTF8.GetBytes($"retort watermark {what}\n{scope}"));

    /// <summary>Nothing of the secret.</summary>
    public override string ToString() => nameof(WatermarkKeys);
}
