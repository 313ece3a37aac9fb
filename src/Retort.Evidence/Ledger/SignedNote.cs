using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.Unicode;

namespace Retort.Evidence.Ledger;

/// <summary>One signature line of a note.</summary>
/// <param name="Name">Of the key.</param>
/// <param name="KeyHash">The key's four bytes, big-endian.</param>
/// <param name="Value">The signature; of the ECDSA type, DER.</param>
public sealed record NoteSignature(string Name, uint KeyHash, ReadOnlyMemory<byte> Value);

/// <summary>
/// A text with signatures, c2sp.org/signed-note: the text, which ends with a newline, an empty line, then lines
/// <c>— name base64(key hash ‖ signature)</c>. Signatures by unknown keys are kept and not judged.
/// </summary>
/// <param name="Text">What all signatures sign, UTF-8, the final newline included.</param>
/// <param name="Signatures">In the order of the lines.</param>
public sealed record SignedNote(string Text, IReadOnlyList<NoteSignature> Signatures)
{
    /// <summary>Most bytes of a note that is read.</summary>
    public const int MostBytes = 1 << 20;

    const string Dash = "— ";

    /// <summary>Reads a whole note, strictly.</summary>
    /// <exception cref="UserError">A fault, with its line.</exception>
    public static SignedNote Parse(ReadOnlySpan<byte> utf8, string where)
    {
        const string Hint = "A signed note is UTF-8 text, an empty line and lines \"— name base64\".";
        if (utf8.Length > MostBytes || !Utf8.IsValid(utf8))
        {
            throw new UserError(utf8.Length > MostBytes ? $"The note has more than {MostBytes} bytes" : "The note is not UTF-8", where, Hint);
        }

        string all = Encoding.UTF8.GetString(utf8);
        UserError Fault(string what, int at) => new(what, $"{where}, line {1 + all.AsSpan(0, at).Count('\n')}", Hint);
        int control = all.AsSpan().IndexOfAnyInRange('\0', '\u0009') is >= 0 and int low ? low : all.AsSpan().IndexOfAnyInRange('\u000B', '\u001F');
        if (control >= 0)
        {
            throw Fault("There is a control character", control);
        }

        if (!all.EndsWith('\n'))
        {
            throw Fault("The last line does not end", all.Length);
        }

        int split = all.LastIndexOf("\n\n", StringComparison.Ordinal);
        if (split < 0)
        {
            throw Fault("No empty line stands before the signatures", all.Length - 1);
        }

        if (split + 2 == all.Length)
        {
            throw Fault("There are no signatures", all.Length - 1);
        }

        List<NoteSignature> signatures = [];
        for (int at = split + 2; at < all.Length;)
        {
            int end = all.IndexOf('\n', at);
            signatures.Add(ParseLine(all[at..end]) ?? throw Fault("This is not a signature line", at));
            at = end + 1;
        }

        return new(all[..(split + 1)], signatures);
    }

    static NoteSignature? ParseLine(string line)
    {
        string[] parts = line.Split(' ');
        return parts is ["—", var name, var base64] && LedgerPublicKey.IsName(name) && Base64Text.TryRead(base64, out byte[]? bytes) && bytes.Length > 4
            ? new(name, BinaryPrimitives.ReadUInt32BigEndian(bytes), bytes.AsMemory(4))
            : null;
    }

    /// <summary>The same note with one more signature, by a log's or a witness' key.</summary>
    public SignedNote Sign(LedgerKey key) =>
        this with { Signatures = [.. Signatures, new(key.Name, key.Public.Hash, key.Sign(Encoding.UTF8.GetBytes(Text)))] };

    /// <summary>What the note holds of one key: true for a signature that verifies, false for one that does not, null for none.</summary>
    public bool? IsSignedBy(LedgerPublicKey key)
    {
        byte[] message = Encoding.UTF8.GetBytes(Text);
        NoteSignature[] own = [.. Signatures.Where(s => s.Name == key.Name && s.KeyHash == key.Hash)];
        return own.Length == 0 ? null : own.All(s => key.Verifies(message, s.Value.Span));
    }

    public byte[] ToBytes() => Encoding.UTF8.GetBytes(ToString());

    /// <summary>The note as it is written.</summary>
    public override string ToString()
    {
        StringBuilder all = new(Text);
        all.Append('\n');
        foreach (NoteSignature signature in Signatures)
        {
            byte[] value = new byte[4 + signature.Value.Length];
            BinaryPrimitives.WriteUInt32BigEndian(value, signature.KeyHash);
            signature.Value.CopyTo(value.AsMemory(4));
            all.Append(CultureInfo.InvariantCulture, $"{Dash}{signature.Name} {Convert.ToBase64String(value)}\n");
        }

        return all.ToString();
    }
}
