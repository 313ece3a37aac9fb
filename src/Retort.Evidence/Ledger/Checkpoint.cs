using System.Text;

namespace Retort.Evidence.Ledger;

/// <summary>
/// What a log says about itself at one size, c2sp.org/tlog-checkpoint: a signed note whose text is origin, size, root and opaque extension
/// lines. A witness is another party's key under the same text.
/// </summary>
public sealed class Checkpoint
{
    Checkpoint(SignedNote note, string origin, long size, Digest root, IReadOnlyList<string> extensions) =>
        (Note, Origin, Size, Root, Extensions) = (note, origin, size, root, extensions);

    /// <summary>Which log this is: the name of its key.</summary>
    public string Origin { get; }

    /// <summary>Entries.</summary>
    public long Size { get; }

    /// <summary>The Merkle root over them.</summary>
    public Digest Root { get; }

    /// <summary>Lines after the root, without their newlines.</summary>
    public IReadOnlyList<string> Extensions { get; }

    /// <summary>Text and signatures as they stand.</summary>
    public SignedNote Note { get; }

    /// <summary>Signs a tree head; the origin is the key's name.</summary>
    public static Checkpoint Sign(LedgerKey key, long size, Digest root, params IReadOnlyList<string> extensions)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(size);
        if (extensions.FirstOrDefault(e => e.Length == 0 || e.Any(c => c < ' ')) is { } bad)
        {
            throw new ArgumentException($"An extension line is not empty and has no control characters: \"{bad}\".", nameof(extensions));
        }

        string text = string.Concat(new[] { key.Name, $"{size}", root.ToBase64() }.Concat(extensions).Select(line => line + "\n"));
        return new(new SignedNote(text, []).Sign(key), key.Name, size, root, [.. extensions]);
    }

    /// <summary>Reads a checkpoint file. Nothing is verified.</summary>
    /// <exception cref="UserError">It cannot be read, or a fault with its line.</exception>
    public static Checkpoint Read(string path) => Parse(InputFile.ReadAll(path, SignedNote.MostBytes), path);

    /// <summary>Reads a checkpoint, strictly. Nothing is verified.</summary>
    /// <exception cref="UserError">A fault, with its line.</exception>
    public static Checkpoint Parse(ReadOnlySpan<byte> utf8, string where)
    {
        SignedNote note = SignedNote.Parse(utf8, where);
        string[] lines = note.Text[..^1].Split('\n');
        UserError Fault(string what, int line) => new(what, $"{where}, line {line}", "A checkpoint has the lines origin, size and root, then extensions, none empty.");
        int empty = Array.IndexOf(lines, "");
        if (empty >= 0)
        {
            throw Fault("The line is empty", 1 + empty);
        }

        if (lines.Length < 3)
        {
            throw Fault($"There are {lines.Length} lines before the signatures, not 3", lines.Length);
        }

        if (!WholeNumber.TryRead(lines[1], out long size))
        {
            throw Fault($"The size is \"{JsonFields.Short(lines[1])}\"", 2);
        }

        return Base64Text.TryReadDigest(lines[2], out Digest root)
            ? new(note, lines[0], size, root, lines[3..])
            : throw Fault($"The root is \"{JsonFields.Short(lines[2])}\", not 32 bytes in base64", 3);
    }

    /// <summary>The same checkpoint with one more signature. A witness who is honest signs only what is consistent with all it signed before.</summary>
    public Checkpoint Cosign(LedgerKey witness) => new(Note.Sign(witness), Origin, Size, Root, Extensions);

    /// <summary>Whether the log signed this, and each of the witnesses too. Signatures by other keys are not looked at.</summary>
    public LedgerVerdict Verify(LedgerPublicKey log, params ReadOnlySpan<LedgerPublicKey> witnesses)
    {
        if (Origin != log.Name)
        {
            return LedgerVerdict.OtherLog;
        }

        LedgerVerdict verdict = Judge(log, LedgerVerdict.Unsigned, LedgerVerdict.BadSignature);
        foreach (LedgerPublicKey witness in witnesses)
        {
            verdict = verdict == LedgerVerdict.Holds ? Judge(witness, LedgerVerdict.WitnessAbsent, LedgerVerdict.BadWitness) : verdict;
        }

        return verdict;
    }

    LedgerVerdict Judge(LedgerPublicKey key, LedgerVerdict none, LedgerVerdict bad) => Note.IsSignedBy(key) switch
    {
        true => LedgerVerdict.Holds,
        false => bad,
        null => none,
    };

    /// <summary>A log's public key from a PEM file, under the name this checkpoint gives the log: whether it has signed is for <see cref="Verify"/> to say.</summary>
    /// <exception cref="UserError">It cannot be read or holds no P-256 public key.</exception>
    public LedgerPublicKey LogKey(string path) => LedgerPublicKey.Read(path, LedgerPublicKey.IsName(Origin) ? Origin : NoName);

    /// <summary>A witness' public key from a PEM file, under the name by which it has signed here, if it has.</summary>
    /// <exception cref="UserError">It cannot be read or holds no P-256 public key.</exception>
    public LedgerPublicKey WitnessKey(string path)
    {
        uint hash = LedgerPublicKey.Read(path, NoName).Hash;
        return LedgerPublicKey.Read(path, Note.Signatures.FirstOrDefault(s => s.KeyHash == hash)?.Name ?? NoName);
    }

    const string NoName = "unknown";

    /// <summary>The text that is signed, UTF-8.</summary>
    public byte[] SignedBytes() => Encoding.UTF8.GetBytes(Note.Text);

    public byte[] ToBytes() => Note.ToBytes();

    public override string ToString() => Note.ToString();
}
