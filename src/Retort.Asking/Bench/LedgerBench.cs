using System.Diagnostics;
using System.Security.Cryptography;
using Retort.Asking.Runs;
using Retort.Evidence.Ledger;

namespace Retort.Asking.Bench;

/// <summary>What a ledger does in a second.</summary>
/// <param name="Bytes">Of one entry, on average.</param>
/// <param name="Committed">Entries made: four commitments each, and the JSON.</param>
/// <param name="Appended">Entries appended, those of a batch published together.</param>
/// <param name="Published">Batches of one entry published: signed, and on the disk.</param>
/// <param name="Proved">Inclusion proofs made, from the files and checked against the root.</param>
/// <param name="Verified">Inclusion proofs verified, signature included.</param>
/// <param name="Audited">Entries audited.</param>
/// <param name="Disk">Bytes of the log's folder.</param>
public sealed record LedgerBenchResult(int Entries, int Batch, double Bytes, double Committed, double Appended, double Published, double Proved, double Verified, double Audited, long Disk);

/// <summary>Measures a log of entries as a run's answers make them.</summary>
public static class LedgerBench
{
    const int Proofs = 2000, Single = 200;

    /// <param name="folder">An empty folder.</param>
    /// <param name="batch">Entries published together.</param>
    /// <exception cref="OperationCanceledException">Stopped.</exception>
    public static LedgerBenchResult Run(string folder, int entries, int batch, Action<string, double> progress, CancellationToken stop)
    {
        using LedgerKey key = LedgerKey.Make("bench/ledger");
        CommitmentSecret secret = CommitmentSecret.Make();
        byte[][] contents = [.. new[] { 400, 900, 60, 500 }.Select(RandomNumberGenerator.GetBytes)];
        Dictionary<string, byte[]> row = new(StringComparer.Ordinal) { ["question"] = contents[0], ["answer"] = contents[1], ["terms"] = contents[2], ["facts"] = contents[3] };

        long start = Stopwatch.GetTimestamp();
        byte[][] leaves = new byte[entries][];
        for (int i = 0; i < entries; i++)
        {
            leaves[i] = RunLeaf.Of(LeafKind.Transcript, $"{i + 1}/0", 1, DateTimeOffset.UnixEpoch, row, secret, i).ToBytes();
        }

        double committed = entries / Stopwatch.GetElapsedTime(start).TotalSeconds;
        start = Stopwatch.GetTimestamp();
        using (TileLog log = TileLog.Open(folder, key))
        {
            foreach ((int i, byte[] leaf) in leaves.Index())
            {
                log.Append(leaf);
                if ((i + 1) % batch == 0 || i == entries - 1)
                {
                    stop.ThrowIfCancellationRequested();
                    log.Publish(key);
                    progress("append", (i + 1.0) / entries);
                }
            }
        }

        double appended = entries / Stopwatch.GetElapsedTime(start).TotalSeconds;
        TileReader reader = TileReader.Open(folder, key.Public);
        start = Stopwatch.GetTimestamp();
        LedgerProof[] proofs = [.. Enumerable.Range(0, Proofs).Select(i => reader.Prove((long)i * entries / Proofs))];
        double proved = Proofs / Stopwatch.GetElapsedTime(start).TotalSeconds;
        progress("prove", 1);
        start = Stopwatch.GetTimestamp();
        foreach (LedgerProof proof in proofs)
        {
            if (proof.Verify(leaves[proof.Index], key.Public) != LedgerVerdict.Holds)
            {
                throw new InvalidOperationException($"The proof of entry {proof.Index} does not hold.");
            }
        }

        double verified = Proofs / Stopwatch.GetElapsedTime(start).TotalSeconds;
        progress("verify", 1);
        start = Stopwatch.GetTimestamp();
        LedgerAuditReport audit = LedgerAudit.Run(folder, key.Public);
        double audited = entries / Stopwatch.GetElapsedTime(start).TotalSeconds;
        if (!audit.Holds)
        {
            throw new InvalidOperationException($"The log does not hold: {audit.Findings[0]}");
        }

        long disk = Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Sum(f => new FileInfo(f).Length);
        progress("audit", 1);
        using TileLog more = TileLog.Open(folder, key);
        start = Stopwatch.GetTimestamp();
        for (int i = 0; i < Single; i++)
        {
            more.Append(leaves[i]);
            more.Publish(key);
        }

        return new(entries, batch, leaves.Average(l => (double)l.Length), committed, appended, Single / Stopwatch.GetElapsedTime(start).TotalSeconds, proved, verified, audited, disk);
    }
}
