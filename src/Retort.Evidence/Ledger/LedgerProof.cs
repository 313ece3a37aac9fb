using System.Globalization;
using System.Text;
using System.Text.Unicode;

namespace Retort.Evidence.Ledger;

/// <summary>
/// One entry's place in a log, to be verified offline against the log's key alone: index, inclusion proof and signed checkpoint, as the text
/// file of c2sp.org/tlog-proof (a "spicy signature").
/// </summary>
/// <param name="Index">Of the entry, from 0.</param>
/// <param name="Hashes">The inclusion proof, from the leaf's sibling up.</param>
/// <param name="Checkpoint">With the signatures of the log and its witnesses.</param>
/// <param name="Extra">Opaque bytes for the application, which nothing signs; null for none.</param>
public sealed record LedgerProof(long Index, IReadOnlyList<Digest> Hashes, Checkpoint Checkpoint, ReadOnlyMemory<byte>? Extra = null)
{
    /// <summary>The customary ending of the file's name.</summary>
    public const string FileExtension = ".tlog-proof";

    /// <summary>Room for what an application puts beside a proof, a whole answer say.</summary>
    const int MostBytes = 64 << 20;

    const string Header = "c2sp.org/tlog-proof@v1", ExtraField = "extra ", IndexField = "index ";

    /// <summary>Whether this entry stands in the log, and log and witnesses have signed so.</summary>
    public LedgerVerdict Verify(ReadOnlySpan<byte> entry, LedgerPublicKey log, params ReadOnlySpan<LedgerPublicKey> witnesses)
    {
        LedgerVerdict verdict = Checkpoint.Verify(log, witnesses);
        return verdict == LedgerVerdict.Holds && !Includes(entry) ? LedgerVerdict.NotIncluded : verdict;
    }

    /// <summary>Whether the entry is at its index under the checkpoint's root, whoever signed that.</summary>
    internal bool Includes(ReadOnlySpan<byte> entry) => MerkleProof.Includes(MerkleTree.Leaf(entry), Index, Checkpoint.Size, Checkpoint.Root, Hashes);

    /// <exception cref="UserError">It cannot be read, or a fault with its line.</exception>
    public static LedgerProof Read(string path) => Parse(InputFile.ReadAll(path, MostBytes), path);

    /// <summary>Reads the text, strictly. Nothing is verified.</summary>
    /// <exception cref="UserError">A fault, with its line.</exception>
    public static LedgerProof Parse(ReadOnlySpan<byte> utf8, string where)
    {
        const string Hint = "A proof has a first line \"" + Header + "\", an index, hashes in base64, an empty line and a checkpoint.";
        int at = 0;
        UserError Fault(string what, int line) => new(what, $"{where}, line {line}", Hint);
        List<string> lines = [];
        do
        {
            int length = utf8[at..].IndexOf((byte)'\n');
            if (length < 0 || !Utf8.IsValid(utf8.Slice(at, length)) || lines.Count > 3 + 64)
            {
                throw Fault("No empty line ends the inclusion proof", lines.Count + 1);
            }

            lines.Add(Encoding.UTF8.GetString(utf8.Slice(at, length)));
            at += length + 1;
        }
        while (lines[^1].Length > 0);

        if (lines[0] != Header)
        {
            throw Fault($"The first line is not \"{Header}\"", 1);
        }

        int next = 1;
        ReadOnlyMemory<byte>? extra = null;
        if (lines[next].StartsWith(ExtraField, StringComparison.Ordinal))
        {
            extra = Base64Text.TryRead(lines[next][ExtraField.Length..], out byte[]? bytes) ? bytes : throw Fault("The extra data is not base64", next + 1);
            next++;
        }

        if (next >= lines.Count || !lines[next].StartsWith(IndexField, StringComparison.Ordinal) || !WholeNumber.TryRead(lines[next].AsSpan(IndexField.Length), out long index))
        {
            throw Fault("The line is not \"index\" and a whole number", next + 1);
        }

        List<Digest> hashes = [];
        foreach (string line in lines[(next + 1)..^1])
        {
            hashes.Add(Base64Text.TryReadDigest(line, out Digest hash) ? hash : throw Fault("The line is not a hash of 32 bytes in base64", next + 2 + hashes.Count));
        }

        return new(index, hashes, Checkpoint.Parse(utf8[at..], $"{where}, checkpoint after line {lines.Count}"), extra);
    }

    /// <exception cref="UserError">The file cannot be written.</exception>
    public void Write(string path) => AtomicFile.WriteAllBytes(path, ToBytes());

    public byte[] ToBytes() => Encoding.UTF8.GetBytes(ToString());

    /// <summary>The proof as it is written.</summary>
    public override string ToString()
    {
        StringBuilder all = new(Header + "\n");
        if (Extra is { } extra)
        {
            all.Append(CultureInfo.InvariantCulture, $"{ExtraField}{Convert.ToBase64String(extra.Span)}\n");
        }

        all.Append(CultureInfo.InvariantCulture, $"{IndexField}{Index}\n");
        foreach (Digest hash in Hashes)
        {
            all.Append(CultureInfo.InvariantCulture, $"{hash.ToBase64()}\n");
        }

        return all.Append('\n').Append(Checkpoint).ToString();
    }
}
