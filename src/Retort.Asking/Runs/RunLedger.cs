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
        RunFiles files = new(folder);
        home.MakeKey();
        CommitmentSecret secret = Secret(files);
        string checkpoint = files[$"{RunFiles.LedgerFolder}/{TileReader.CheckpointName}"];
        using LedgerKey key = home.Key(File.Exists(checkpoint) ? Checkpoint.Read(checkpoint).Origin : $"{home.Prefix}/{Convert.ToHexStringLower(secret.Salt("origin"))[..16]}");
        using TileLog log = TileLog.Open(files.Ledger, key, home.Last(key.Public));
        if (!File.Exists(files.PublicKey))
        {
            key.Public.Write(files.PublicKey);
        }

        RunLeaves leaves = RunLeaves.Read(TileReader.At(files.Ledger, log.Published, key.Public), files.Ledger);
        if (log.Size == 0)
        {
            log.Append(RunLeaf.Of(LeafKind.Begin, "", 1, time.GetUtcNow(), Begin, secret, 0).ToBytes());
        }

        // 2
        if (File.Exists(files.Store))
        {
            Answers(files, time, leaves, secret, log);
        }

        // 3 and 4
        IReadOnlyList<ManifestEntry> stated = Manifest.Stated(folder);
        HashSet<string> named = [.. stated.SelectMany(s => s.Wrote.Keys)];
        foreach (ManifestEntry step in new Manifest(folder).Entries)
        {
            Step(step.Step, ContentsOf(step, path => new FileInfo(files[path]).Length), time, leaves, secret, log);
        }

        Step(FolderStep, files.Covered().Where(f => !named.Contains(f)).ToDictionary(f => Wrote + f, files.State, StringComparer.Ordinal), time, leaves, secret, log);

        // 5
        long before = log.Published.Size;
        Checkpoint published = log.Publish(key);
        home.Keep(published, key.Public);
        return new(published.Size - before, published);
    }

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

    static CommitmentSecret Secret(RunFiles files)
    {
        if (File.Exists(files.Secret))
        {
            return CommitmentSecret.Read(files.Secret);
        }

        if (Directory.Exists(files.Ledger))
        {
            throw new UserError("the ledger's secret is gone", files.Secret, "Put it back: no entry can be opened or checked without it. In a copy of a run take the folder ledger away too, to begin a new one.");
        }

        CommitmentSecret secret = CommitmentSecret.Make();
        secret.Write(files.Secret);
        return secret;
    }

    static void Answers(RunFiles files, TimeProvider time, RunLeaves leaves, CommitmentSecret secret, TileLog log)
    {
        IReadOnlyList<StoredAnswer> answers;
        using (Transcripts store = Transcripts.Open(files.Store, time))
        {
            answers = store.Answers();
        }

        List<(StoredAnswer Answer, long Leaf)> logged = new(answers.Count);
        foreach (StoredAnswer answer in answers)
        {
            string name = SealedTranscript.NameOf(answer);
            IReadOnlyDictionary<string, byte[]> contents = SealedTranscript.ContentsOf(answer);
            if (!leaves.Transcripts.TryGetValue(name, out long index))
            {
                index = log.Append(RunLeaf.Of(LeafKind.Transcript, name, 1, answer.Facts!.Received, contents, secret, log.Size).ToBytes());
            }
            else if (!leaves.All[(int)index].IsOf(contents, secret, index))
            {
                throw new UserError($"answer {name} is not the one that entry {index} of the ledger is of", files.Store, "Put the store back as it was; retort verify names every row that was changed.");
            }

            logged.Add((answer, index));
        }

        AtomicFile.Write(files.Export, stream =>
        {
            foreach ((StoredAnswer answer, long leaf) in logged.OrderBy(l => l.Leaf))
            {
                stream.Write(SealedTranscript.Line(answer, leaf));
                stream.WriteByte((byte)'\n');
            }
        });
    }

    static void Step(string name, IReadOnlyDictionary<string, byte[]> contents, TimeProvider time, RunLeaves leaves, CommitmentSecret secret, TileLog log)
    {
        List<Dictionary<string, byte[]>> parts = Parts(contents);
        IReadOnlyList<long> before = leaves.Steps.GetValueOrDefault(name, []);
        if (before.Count == parts.Count && before.Zip(parts).All(p => leaves.All[(int)p.First].IsOf(p.Second, secret, p.First)))
        {
            return;
        }

        foreach ((int part, Dictionary<string, byte[]> some) in parts.Index())
        {
            log.Append(RunLeaf.Of(LeafKind.Step, name, part + 1, time.GetUtcNow(), some, secret, log.Size).ToBytes());
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
