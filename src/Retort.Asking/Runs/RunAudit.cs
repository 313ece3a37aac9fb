using System.Text;
using Retort.Evidence.Ledger;

namespace Retort.Asking.Runs;

/// <summary>
/// Checks a run folder against its ledger. Nothing in the folder is written, and no network is needed:
/// <list type="number">
/// <item>the log itself: its signature, tiles and entries, and its consistency with checkpoints from elsewhere</item>
/// <item>the secret, against the first entry</item>
/// <item>every file, against the entry in force of the step that wrote it; and every statement against its own, and for the log's signature</item>
/// <item>every line of transcripts.jsonl against its entry; and where the store's file was changed, every answer in it</item>
/// <item>what witnesses and time stamp authorities signed</item>
/// </list>
/// </summary>
public sealed class RunAudit
{
    const int MostStatementBytes = 64 << 20;

    readonly RunFiles _files;
    readonly RunAuditOptions _options;
    readonly TimeProvider _time;
    readonly List<RunFinding> _findings = [];
    readonly List<string> _notes = [], _binds = [];

    RunAudit(string folder, RunAuditOptions options, TimeProvider time) => (_files, _options, _time) = (new(folder), options, time);

    /// <exception cref="UserError">The folder holds no ledger, or a file that was given cannot be read.</exception>
    public static RunAuditReport Run(string folder, RunAuditOptions options, TimeProvider time) => new RunAudit(folder, options, time).Run();

    RunAuditReport Run()
    {
        if (!Directory.Exists(_files.Ledger))
        {
            throw new UserError("there is no ledger here", _files.Folder, "Name the folder of a run of retort distill or retort collect.");
        }

        // 1
        Checkpoint? head = Tried(CheckpointFile, () => Checkpoint.Read(_files[CheckpointFile]));
        LedgerPublicKey? key = Key(head);
        if (key is null || !Log(key, head) || head is null)
        {
            _notes.Add("The files of the run were not compared, for the log itself is damaged");
            return Report(head, 0, 0);
        }

        // 2
        TileReader log = TileReader.At(_files.Ledger, head, key);
        RunLeaves? leaves = Tried(RunFiles.LedgerFolder, () => RunLeaves.Read(log, RunFiles.LedgerFolder));
        CommitmentSecret? secret = leaves is null ? null : Secret(leaves);
        int files = 0;
        if (leaves is not null && secret is not null)
        {
            // 3
            files = Files(leaves, secret);
            Reads(leaves, secret);
            Statements(leaves, secret, key);

            // 4
            if (leaves.Transcripts.Count > 0)
            {
                _findings.AddRange(TranscriptAudit.Export(_files, leaves, secret));
                if (_findings.Exists(f => f.File == RunFiles.StoreName))
                {
                    _findings.AddRange(TranscriptAudit.Store(_files, leaves, secret, _time));
                }
            }
        }

        // 5
        Witnesses.Audit(_files, log, key, [.. (_options.Witnesses ?? []).Select(head.WitnessKey)], _findings, _binds);
        return Report(head, leaves?.Transcripts.Count ?? 0, files);
    }

    static string CheckpointFile => $"{RunFiles.LedgerFolder}/{TileReader.CheckpointName}";

    RunAuditReport Report(Checkpoint? head, int transcripts, int files) => new(head?.Origin, head?.Size ?? 0, transcripts, files, _findings, _notes, _binds);

    void Found(string file, string? row, string what) => _findings.Add(new(file, row, what));

    /// <summary>What reading a file of the run gives; a fault of it is a finding, and null.</summary>
    T? Tried<T>(string file, Func<T> read)
        where T : class
    {
        try
        {
            return read();
        }
        catch (UserError e)
        {
            Found(file, null, e.Where == _files[file] ? e.What : $"{e.What} ({e.Where.Replace(_files[file] + ", ", "", StringComparison.Ordinal)})");
            return null;
        }
    }

    LedgerPublicKey? Key(Checkpoint? head)
    {
        LedgerPublicKey Named(string path) => head is null ? LedgerPublicKey.Read(path, "unknown") : head.LogKey(path);
        LedgerPublicKey? beside = Tried(RunFiles.PublicKeyName, () => Named(_files.PublicKey));
        if (_options.Key is not { } given)
        {
            _notes.Add("The log's own key was taken from the folder on trust; give --key to check it against one you know");
        }

        LedgerPublicKey? key = _options.Key is null ? beside : Named(_options.Key);
        if (beside is not null && (beside.Fingerprint != key!.Fingerprint || File.ReadAllText(_files.PublicKey) != key.ToPem()))
        {
            Found(RunFiles.PublicKeyName, null, beside.Fingerprint != key.Fingerprint ? "It is not the key that was given" : "It is not as it was written");
        }

        return key;
    }

    /// <summary>Checks the log; true if its entries can be relied on.</summary>
    bool Log(LedgerPublicKey key, Checkpoint? head)
    {
        LedgerPublicKey[] witnesses = head is null ? [] : [.. (_options.Witnesses ?? []).Select(head.WitnessKey)];
        LedgerAuditReport report = LedgerAudit.Run(_files.Ledger, key, known: null, witnesses);
        foreach (LedgerFinding finding in report.Findings)
        {
            Found($"{RunFiles.LedgerFolder}/{finding.File}", finding.Entry is { } entry ? $"entry {entry}" : null, finding.What);
        }

        if (report.Unpublished.Count > 0)
        {
            _notes.Add($"{RunFiles.LedgerFolder} has files beyond its checkpoint ({string.Join(", ", report.Unpublished.Take(3))}): a process was killed while it appended, or an older checkpoint was put back");
        }

        if (head?.Verify(key) != LedgerVerdict.Holds || report.Findings.Any(f => f.File.StartsWith("tile", StringComparison.Ordinal)))
        {
            return false;
        }

        _binds.AddRange(witnesses.Where(w => head.Verify(key, w) == LedgerVerdict.Holds).Select(w => $"Witness {w.Name}, whose key was given, has signed all {head.Size} entries"));
        TileReader log = TileReader.At(_files.Ledger, head, key);
        if (_options.Known is { } known)
        {
            Compare(log, known, key, "the checkpoint that was given", _binds);
        }

        if (_options.Last?.Invoke(key) is { } last)
        {
            Compare(log, last, key, "the last checkpoint signed on this machine", _notes);
        }

        return true;
    }

    void Compare(TileReader log, Checkpoint known, LedgerPublicKey key, string whence, List<string> said)
    {
        long size = log.Checkpoint.Size;
        LedgerVerdict verdict = known.Verify(key);
        string? fault = verdict != LedgerVerdict.Holds ? $"It cannot be compared with {whence}, which is not signed by {key} ({verdict})"
            : known.Size > size ? $"Entries from {size} on were removed: {whence} has {known.Size}"
            : log.Root(known.Size) != known.Root ? $"The first {known.Size} entries are not those of {whence}: the log was written anew"
            : null;
        if (fault is null)
        {
            said.Add($"The first {known.Size} entries are those of {whence}");
        }
        else
        {
            Found(CheckpointFile, null, fault);
        }
    }

    CommitmentSecret? Secret(RunLeaves leaves)
    {
        CommitmentSecret? secret = Tried(RunFiles.SecretName, () => CommitmentSecret.Read(_files.Secret));
        if (secret is not null && leaves.All is [{ Kind: LeafKind.Begin } begin, ..] && begin.IsOf(RunLedger.Begin, secret, 0))
        {
            return secret;
        }

        if (secret is not null)
        {
            Found(RunFiles.SecretName, null, "It is not the secret that the log began with");
        }

        _notes.Add("Without the secret no file can be compared with what the log commits to");
        return null;
    }

    /// <summary>Compares every file with the entry in force; how many there are.</summary>
    int Files(RunLeaves leaves, CommitmentSecret secret)
    {
        SortedDictionary<string, long> files = new(StringComparer.Ordinal);
        foreach (long index in leaves.Steps.Values.SelectMany(i => i).Order())
        {
            foreach (string name in leaves.All[(int)index].Commitments.Keys.Where(n => n.StartsWith(RunLedger.Wrote, StringComparison.Ordinal)))
            {
                files[name[RunLedger.Wrote.Length..]] = index;
            }
        }

        foreach ((string file, long index) in files)
        {
            string step = leaves.All[(int)index].Name, by = step == RunLedger.FolderStep ? "was recorded" : $"the step '{step}' wrote";
            if (!RunFiles.IsWithin(file))
            {
                Found(RunFiles.LedgerFolder, $"entry {index}", "It names a file outside of the run folder");
            }
            else if (!File.Exists(_files[file]))
            {
                Found(file, null, $"It is gone; entry {index} has what {by}");
            }
            else if (Tried(file, () => _files.State(file)) is { } state && !leaves.All[(int)index].Commits(RunLedger.Wrote + file, state, secret, index))
            {
                Found(file, null, $"It is not what {by} by entry {index}");
            }
        }

        HashSet<string> statements = [.. leaves.Statements.Keys.Select(RunFiles.StatementOf)];
        string[] others = [.. _files.Covered().Where(f => !files.ContainsKey(f) && !statements.Contains(f))];
        if (others.Length > 0)
        {
            _notes.Add($"{others.Length} {(others.Length == 1 ? "file is" : "files are")} not in the ledger: {string.Join(", ", others.Take(5))}{(others.Length > 5 ? ", …" : "")}");
        }

        return files.Count;
    }

    /// <summary>What steps read, as the manifest states it.</summary>
    void Reads(RunLeaves leaves, CommitmentSecret secret)
    {
        foreach (ManifestEntry step in Tried(Manifest.FileName, () => Manifest.Stated(_files.Folder)) ?? [])
        {
            foreach ((string name, string hash) in step.Read)
            {
                IReadOnlyList<long> parts = leaves.Steps.GetValueOrDefault(step.Step, []);
                if (parts.Count > 0 && !parts.Any(i => leaves.All[(int)i].Commits(RunLedger.Read + name, Encoding.UTF8.GetBytes(hash), secret, i)))
                {
                    Found(Manifest.FileName, $"step '{step.Step}'", $"The hash of {name}, which it read, is not the one in entry {parts[0]}");
                }
            }
        }
    }

    void Statements(RunLeaves leaves, CommitmentSecret secret, LedgerPublicKey key)
    {
        foreach ((string name, long index) in leaves.Statements)
        {
            string file = RunFiles.StatementOf(name);
            if (!RunFiles.IsWithin(file))
            {
                Found(RunFiles.LedgerFolder, $"entry {index}", "It names a file outside of the run folder");
                continue;
            }

            byte[]? envelope = Tried(file, () => InputFile.ReadAll(_files[file], MostStatementBytes));
            if (envelope is not null && !leaves.All[(int)index].Commits(RunLedger.Envelope, envelope, secret, index))
            {
                Found(file, null, $"It is not the statement of entry {index}");
            }
            else if (envelope is not null && Tried(file, () => DsseEnvelope.Parse(envelope, file)) is { } statement && !statement.IsSignedBy(key))
            {
                Found(file, null, "It is not signed by the log's key");
            }
        }
    }
}
