using System.Security.Cryptography;
using System.Text;

namespace Retort.Evidence.Ledger;

/// <summary>
/// One secret of 32 bytes for a whole log, from which every salt follows: HMAC-SHA256(secret, id of the row in UTF-8). A single row is opened
/// by giving its salt away; the others stay closed. Whoever has the secret can open all of them.
/// </summary>
public sealed class CommitmentSecret
{
    const int Length = 32, Block = 64;

    readonly byte[] _secret, _inner, _outer;

    /// <param name="secret">32 random bytes.</param>
    public CommitmentSecret(ReadOnlySpan<byte> secret)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(secret.Length, Length);
        _secret = secret.ToArray();
        (_inner, _outer) = (new byte[Block], new byte[Block]);
        for (int i = 0; i < Block; i++)
        {
            byte key = i < Length ? secret[i] : (byte)0;
            (_inner[i], _outer[i]) = ((byte)(key ^ 0x36), (byte)(key ^ 0x5c));
        }
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

    /// <summary>The secret of a log: its file read, or made where the log has not begun.</summary>
    /// <param name="log">The log's folder.</param>
    /// <exception cref="UserError">The file cannot be read or written, or it is gone and the log is not.</exception>
    public static CommitmentSecret Of(string path, string log, string? hint = null)
    {
        if (File.Exists(path))
        {
            return Read(path);
        }

        if (Directory.Exists(log))
        {
            throw new UserError("the ledger's secret is gone", path, $"Put it back: no entry can be opened or checked without it.{hint}");
        }

        CommitmentSecret secret = Make();
        secret.Write(path);
        return secret;
    }

    /// <summary>Writes the secret as one line of base64, readable by its owner alone.</summary>
    /// <exception cref="UserError">The file cannot be written.</exception>
    public void Write(string path) => SecretFile.Write(path, Encoding.ASCII.GetBytes(Convert.ToBase64String(_secret) + "\n"));

    /// <summary>The salt of a row, 32 bytes; giving it away opens that row.</summary>
    /// <param name="id">Of the row, once in a log. Two contents of one row need two ids, for example <c>17/prompt</c> and <c>17/answer</c>.</param>
    public byte[] Salt(string id)
    {
        // HMAC written out, RFC 2104: two calls of SHA-256 take half the time of one of the system's HMAC.
        int length = Encoding.UTF8.GetByteCount(id);
        Span<byte> inner = length <= 256 ? stackalloc byte[Block + length] : new byte[Block + length], outer = stackalloc byte[Block + SHA256.HashSizeInBytes];
        _inner.CopyTo(inner);
        Encoding.UTF8.GetBytes(id, inner[Block..]);
        _outer.CopyTo(outer);
        SHA256.HashData(inner, outer[Block..]);
        return SHA256.HashData(outer);
    }

    /// <summary>The commitment of a row to its content.</summary>
    public Commitment Commit(string id, ReadOnlySpan<byte> content) => Commitment.To(Salt(id), content);

    /// <summary>Nothing of the secret.</summary>
    public override string ToString() => nameof(CommitmentSecret);
}
