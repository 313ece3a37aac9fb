using System.Text;
using System.Text.Json;
using Retort.Evidence.Ledger;

namespace Retort.Asking.Runs;

/// <summary>What recording came to.</summary>
/// <param name="Appended">Entries made now.</param>
/// <param name="Checkpoint">What the log says of itself, signed.</param>
public sealed record RunLedgerFacts(long Appended, Checkpoint Checkpoint);

/// <summary>
/// The ledger of a run folder: an append-only log (<see cref="TileLog"/>) under RUN/ledger with an entry a transcript and one a step, its public
/// key and its secret beside it. <see cref="Record"/> brings it up to what the folder holds now:
/// <list type="number">
/// <item>open the log; a new one begins with an entry that binds its secret</item>
/// <item>an entry for every answer of the store that has none, and the answers as transcripts.jsonl</item>
/// <item>an entry for every step of the manifest whose last one is of other files</item>
/// <item>one for all other files of the folder</item>
/// <item>publish: sign the new checkpoint, and keep it outside of the folder too</item>
/// </list>
/// Nothing that was logged is ever taken back: a step that is done again has several entries, and the last is in force.
/// </summary>
public static class RunLedger
{
    /// <summary>The step of the files that no step of the manifest wrote.</summary>
    public const string FolderStep = "folder";

    /// <summary>An entry may have 65,535 bytes; a step with more files has several.</summary>
    const int MostFieldBytes = 48_000, BytesBesideName = 80;

    /// <param name="folder">The run folder. No other program may be writing its store.</param>
    /// <param name="home">Who signs, and where the last checkpoint is kept.</param>
    /// <exception cref="UserError">The log is not whole, is another's, or goes not on from the last checkpoint that was signed here; an answer is not
    /// the one that was logged; or a file cannot be read or written.</exception>
    public static RunLedgerFacts Record(string folder, LedgerHome home, TimeProvider time)
    {
        // 1
        using OpenRunLedger ledger = OpenRunLedger.Open(folder, home, time);

        // 2
        if (File.Exists(ledger.Files.Store))
        {
            Answers(ledger, time);
        }

        // 3 and 4
        HashSet<string> named = [.. Manifest.Stated(folder).SelectMany(s => s.Wrote.Keys)];
        foreach (ManifestEntry step in new Manifest(folder).Entries)
        {
            Step(ledger, step.Step, ContentsOf(step, path => new FileInfo(ledger.Files[path]).Length));
        }

        Step(ledger, FolderStep, ledger.Files.Covered().Where(f => !named.Contains(f)).ToDictionary(f => Wrote + f, ledger.Files.State, StringComparer.Ordinal));

        // 5
        return ledger.Publish();
    }

    /// <summary>Signs a statement with the log's key and puts it into the run: RUN/statements/NAME.json, a DSSE envelope, and an entry that commits to it. Of two
    /// statements of one name both have an entry, and the last is in force.</summary>
    /// <param name="name">Of the file: lower-case letters, digits and dashes.</param>
    /// <param name="payloadType">A media type or URI.</param>
    /// <returns>The index of the entry, which is published.</returns>
    /// <exception cref="UserError">As for <see cref="Record"/>.</exception>
    public static long State(string folder, LedgerHome home, string name, string payloadType, ReadOnlyMemory<byte> payload, TimeProvider time)
    {
        if (name.Length == 0 || !name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-'))
        {
            throw new ArgumentException($"A statement's name has lower-case letters, digits and dashes: \"{name}\".", nameof(name));
        }

        using OpenRunLedger ledger = OpenRunLedger.Open(folder, home, time);
        byte[] envelope = ledger.Sign(payloadType, payload).ToJson();
        Directory.CreateDirectory(ledger.Files[RunFiles.StatementFolder]);
        AtomicFile.WriteAllBytes(ledger.Files[RunFiles.StatementOf(name)], envelope);
        long index = ledger.Append(LeafKind.Statement, name, 1, new Dictionary<string, byte[]>(StringComparer.Ordinal) { [Envelope] = envelope });
        ledger.Publish();
        return index;
    }

    /// <summary>What a statement's entry commits to: the file's bytes.</summary>
    internal const string Envelope = "envelope";

    /// <summary>What names of a step's contents begin with.</summary>
    internal const string Read = "read/", Wrote = "wrote/";

    /// <summary>What the first entry commits to: its salt follows from the secret, so it binds the secret without showing it.</summary>
    internal static IReadOnlyDictionary<string, byte[]> Begin { get; } = new Dictionary<string, byte[]>(StringComparer.Ordinal) { ["secret"] = [] };

    /// <summary>What a step's entries commit to.</summary>
    internal static Dictionary<string, byte[]> ContentsOf(ManifestEntry step, Func<string, long> length)
    {
        Dictionary<string, byte[]> contents = new(StringComparer.Ordinal);
        foreach ((string name, string hash) in step.Read)
        {
            contents[Read + name] = Encoding.UTF8.GetBytes(hash);
        }

        foreach ((string path, string hash) in step.Wrote)
        {
            contents[Wrote + path] = RunFiles.State(length(path), hash);
        }

        return contents;
    }

    static void Answers(OpenRunLedger ledger, TimeProvider time)
    {
        IReadOnlyList<StoredAnswer> answers;
        using (Transcripts store = Transcripts.Open(ledger.Files.Store, time))
        {
            answers = store.Answers(all: true);
        }

        List<(StoredAnswer Answer, long Leaf)> logged = new(answers.Count);
        foreach (StoredAnswer answer in answers)
        {
            string name = SealedTranscript.NameOf(answer);
            IReadOnlyDictionary<string, byte[]> contents = SealedTranscript.ContentsOf(answer);
            if (!ledger.Leaves.Transcripts.TryGetValue(name, out long index))
            {
                index = ledger.Append(LeafKind.Transcript, name, 1, answer.Facts!.Received, contents);
            }
            else if (!ledger.Leaves.All[(int)index].IsOf(contents, ledger.Secret, index))
            {
                throw new UserError($"answer {name} is not the one that entry {index} of the ledger is of", ledger.Files.Store, "Put the store back as it was; retort verify names every row that was changed.");
            }

            logged.Add((answer, index));
        }

        AtomicFile.Write(ledger.Files.Export, stream =>
        {
            foreach ((StoredAnswer answer, long leaf) in logged.OrderBy(l => l.Leaf))
            {
                stream.Write(SealedTranscript.Line(answer, leaf));
                stream.WriteByte((byte)'\n');
            }
        });
    }

    static void Step(OpenRunLedger ledger, string name, IReadOnlyDictionary<string, byte[]> contents)
    {
        List<Dictionary<string, byte[]>> parts = Parts(contents);
        IReadOnlyList<long> before = ledger.Leaves.Steps.GetValueOrDefault(name, []);
        if (before.Count == parts.Count && before.Zip(parts).All(p => ledger.Leaves.All[(int)p.First].IsOf(p.Second, ledger.Secret, p.First)))
        {
            return;
        }

        foreach ((int part, Dictionary<string, byte[]> some) in parts.Index())
        {
            ledger.Append(LeafKind.Step, name, part + 1, some);
        }
    }

    /// <summary>Contents in ordinal order, as many together as fit one entry; at least one part.</summary>
    static List<Dictionary<string, byte[]>> Parts(IReadOnlyDictionary<string, byte[]> contents)
    {
        List<Dictionary<string, byte[]>> parts = [new(StringComparer.Ordinal)];
        int bytes = 0;
        foreach ((string name, byte[] content) in contents.OrderBy(c => c.Key, StringComparer.Ordinal))
        {
            bytes += JsonEncodedText.Encode(name).EncodedUtf8Bytes.Length + BytesBesideName;
            if (bytes > MostFieldBytes && parts[^1].Count > 0)
            {
                parts.Add(new(StringComparer.Ordinal));
                bytes = 0;
            }

            parts[^1][name] = content;
        }

        return parts;
    }
}
