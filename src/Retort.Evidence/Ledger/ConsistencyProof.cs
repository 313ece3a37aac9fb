using System.Globalization;
using System.Text;
using System.Text.Unicode;

namespace Retort.Evidence.Ledger;

/// <summary>
/// That an earlier checkpoint of a log is the beginning of a later one, to be verified offline: the request that c2sp.org/tlog-witness has a log
/// send to a witness, which holds the earlier one itself.
/// </summary>
/// <param name="Earlier">Entries of the earlier checkpoint.</param>
/// <param name="Hashes">The consistency proof of RFC 6962.</param>
/// <param name="Later">The later checkpoint with its signatures.</param>
public sealed record ConsistencyProof(long Earlier, IReadOnlyList<Digest> Hashes, Checkpoint Later)
{
    /// <summary>How its first line begins.</summary>
    public const string Header = "old ";

    /// <summary>A tree of 63 bits has no longer proof.</summary>
    const int MostHashes = 63;

    /// <summary>Whether both checkpoints are signed by the log, the later one by the witnesses too, and the later tree begins with the earlier.</summary>
    public LedgerVerdict Verify(Checkpoint earlier, LedgerPublicKey log, params ReadOnlySpan<LedgerPublicKey> witnesses)
    {
        LedgerVerdict verdict = earlier.Verify(log);
        verdict = verdict == LedgerVerdict.Holds ? Later.Verify(log, witnesses) : verdict;
        return verdict != LedgerVerdict.Holds ? verdict
            : earlier.Size == Earlier && (Earlier == 0 ? Hashes.Count == 0 && earlier.Root == MerkleTree.Empty : MerkleProof.IsConsistent(Earlier, earlier.Root, Later.Size, Later.Root, Hashes)) ? LedgerVerdict.Holds
            : LedgerVerdict.Inconsistent;
    }

    /// <summary>Reads the text, strictly. Nothing is verified.</summary>
    /// <exception cref="UserError">A fault, with its line.</exception>
    public static ConsistencyProof Parse(ReadOnlySpan<byte> utf8, string where)
    {
        int end = utf8.IndexOf("\n\n"u8);
        UserError Fault(string what, int line) => new(what, $"{where}, line {line}", "A consistency proof has a first line \"old N\", hashes in base64, an empty line and a checkpoint.");
        if (end < 0 || end > (MostHashes + 2) * 64 || !Utf8.IsValid(utf8[..end]))
        {
            throw Fault("No empty line ends the consistency proof", 1);
        }

        string[] lines = Encoding.UTF8.GetString(utf8[..end]).Split('\n');
        if (!lines[0].StartsWith(Header, StringComparison.Ordinal) || !WholeNumber.TryRead(lines[0].AsSpan(Header.Length), out long earlier))
        {
            throw Fault("The first line is not \"old\" and a whole number", 1);
        }

        Digest[] hashes = [.. lines.Skip(1).Select((line, i) => Base64Text.TryReadDigest(line, out Digest hash) ? hash : throw Fault("The line is not a hash of 32 bytes in base64", i + 2))];
        return hashes.Length <= MostHashes
            ? new(earlier, hashes, Checkpoint.Parse(utf8[(end + 2)..], $"{where}, checkpoint after line {lines.Length + 1}"))
            : throw Fault($"There are {hashes.Length} hashes", 2);
    }

    public byte[] ToBytes() => Encoding.UTF8.GetBytes(ToString());

    /// <summary>The proof as it is written.</summary>
    public override string ToString() =>
        string.Concat(Hashes.Select(h => h.ToBase64()).Prepend(Header + Earlier.ToString(CultureInfo.InvariantCulture)).Append("").Select(line => line + "\n")) + Later;
}
