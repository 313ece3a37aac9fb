using System.Security.Cryptography;
using System.Text;

namespace Retort.Evidence.Ledger;

/// <summary>
/// One secret of 32 bytes for a whole log, from which every salt follows: HMAC-SHA256(secret, id of the row in UTF-8). A single row is opened
/// by giving its salt away; the others stay closed. Whoever has the secret can open all of them.
/// </summary>
public sealed class CommitmentSecret
{
    const int Length = 32;

    readonly byte[] _secret;

    /// <param name="secret">32 random bytes.</param>
    public CommitmentSecret(ReadOnlySpan<byte> secret)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(secret.Length, Length);
        _secret = secret.ToArray();
    }

    /// <summary>A new secret, from the system's random numbers.</summary>
    public static CommitmentSecret Make() => new(RandomNumberGenerator.GetBytes(Length));

    /// <summary>Reads a file that <see cref="Write"/> wrote.</summary>
    /// <exception cref="UserError">It cannot be read or holds no secret.</exception>
    public static CommitmentSecret Read(string path)
    {
        string text = TextFile.Read(path, 1 << 10);
        return text.EndsWith('\n') && Base64Text.TryRead(text[..^1], out byte[]? secret) && secret.Length == Length
            ? new(secret)
            : throw new UserError("The file holds no secret", path, "It must be one line with 32 bytes in base64, as it was written when the log began.");
    }

    /// <summary>Writes the secret as one line of base64, readable by its owner alone.</summary>
    /// <exception cref="UserError">The file cannot be written.</exception>
    public void Write(string path) => SecretFile.Write(path, Encoding.ASCII.GetBytes(Convert.ToBase64String(_secret) + "\n"));

    /// <summary>The salt of a row, 32 bytes; giving it away opens that row.</summary>
    /// <param name="id">Of the row, once in a log. Two contents of one row need two ids, for example <c>17/prompt</c> and <c>17/answer</c>.</param>
    public byte[] Salt(string id) => HMACSHA256.HashData(_secret, Encoding.UTF8.GetBytes(id));

    /// <summary>The commitment of a row to its content.</summary>
    public Commitment Commit(string id, ReadOnlySpan<byte> content) => Commitment.To(Salt(id), content);

    /// <summary>Nothing of the secret.</summary>
    public override string ToString() => nameof(CommitmentSecret);
}
