using Retort.Evidence.Ledger;

namespace Retort.Asking.Runs;

/// <summary>Compares answers with the entries that commit to them, row by row.</summary>
static class TranscriptAudit
{
    /// <summary>Every line of the sealed export; nothing where the file is gone.</summary>
    public static IEnumerable<RunFinding> Export(RunFiles files, RunLeaves leaves, CommitmentSecret secret)
    {
        if (!File.Exists(files.Export))
        {
            yield break;
        }

        long[] order = [.. leaves.Transcripts.Values.Order()];
        HashSet<long> seen = [];
        long last = -1;
        int line = 0;
        foreach (ReadOnlyMemory<byte> bytes in JsonLines.Read(files.Export))
        {
            line++;
            RunFinding Found(string what) => new(RunFiles.ExportName, $"line {line}", what);
            SealedTranscript? row = null;
            string? fault = null;
            try
            {
                row = SealedTranscript.Parse(bytes.Span, RunFiles.ExportName);
            }
            catch (UserError e)
            {
                fault = e.What;
            }

            if (row is null || !leaves.Transcripts.TryGetValue(row.Name, out long index) || index != row.Leaf)
            {
                // What cannot be told is taken for the line that belongs here.
                seen.Add(line <= order.Length ? order[line - 1] : -1);
                yield return Found(fault ?? $"No entry {row!.Leaf} commits to an answer {row.Name}");
                continue;
            }

            string[] changed = [.. row.Contents.Where(c => !leaves.All[(int)index].Commits(c.Key, c.Value, secret, index)).Select(c => c.Key)];
            if (changed.Length > 0)
            {
                yield return Found($"Its {string.Join(" and ", changed)} {(changed.Length == 1 && changed[0] is "question" or "answer" ? "is" : "are")} not what entry {index} commits to");
            }

            if (!seen.Add(index) || index < last)
            {
                yield return Found($"Answer {row.Name} of entry {index} stands in another's place");
            }

            last = Math.Max(last, index);
        }

        foreach (long index in order.Where(i => !seen.Contains(i)))
        {
            yield return new(RunFiles.ExportName, null, $"The line of answer {leaves.All[(int)index].Name}, entry {index}, is missing");
        }
    }

    /// <summary>Every answer of the store, which is read from a copy: opening it may change it.</summary>
    public static IReadOnlyList<RunFinding> Store(RunFiles files, RunLeaves leaves, CommitmentSecret secret, TimeProvider time)
    {
        if (!File.Exists(files.Store))
        {
            return [];
        }

        string folder = Directory.CreateTempSubdirectory("retort-verify-").FullName;
        try
        {
            RunFiles copy = new(folder);
            foreach (string beside in (string[])["", "-wal"])
            {
                if (File.Exists(files.Store + beside))
                {
                    File.Copy(files.Store + beside, copy.Store + beside);
                }
            }

            using Transcripts store = Transcripts.Open(copy.Store, time);
            return Compare(store.Answers(all: true), leaves, secret);
        }
        catch (UserError e)
        {
            return [new(RunFiles.StoreName, null, e.What)];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    static List<RunFinding> Compare(IReadOnlyList<StoredAnswer> answers, RunLeaves leaves, CommitmentSecret secret)
    {
        List<RunFinding> findings = [];
        HashSet<string> met = [];
        foreach (StoredAnswer answer in answers)
        {
            string name = SealedTranscript.NameOf(answer);
            met.Add(name);
            if (!leaves.Transcripts.TryGetValue(name, out long index))
            {
                findings.Add(new(RunFiles.StoreName, $"answer {name}", "No entry commits to it; it came after the ledger was last written"));
            }
            else if (!leaves.All[(int)index].IsOf(SealedTranscript.ContentsOf(answer), secret, index))
            {
                findings.Add(new(RunFiles.StoreName, $"answer {name}", $"It is not what entry {index} commits to"));
            }
        }

        findings.AddRange(leaves.Transcripts.Where(t => !met.Contains(t.Key)).Select(t => new RunFinding(RunFiles.StoreName, $"answer {t.Key}", $"It is gone; entry {t.Value} commits to it")));
        return findings;
    }
}
