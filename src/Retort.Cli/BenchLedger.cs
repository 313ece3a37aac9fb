using System.CommandLine;
using Retort.Asking.Bench;

namespace Retort.Cli;

static class BenchLedger
{
    public static Verb Create(Session session)
    {
        Option<int> entries = Inputs.Whole("--entries", "Entries of the log", 100_000, 1, 100_000_000), batch = Inputs.Whole("--batch", "Entries published together", 1000, 1, 100_000_000);
        Verb verb = new("ledger", "Measure a log of entries as answers make them: commitments, appends, proofs and audits a second, in a folder of the system's for temporary files.", "retort bench ledger", "retort bench ledger --entries 1000000 --json") { entries, batch };
        verb.SetAction(parsed =>
        {
            string folder = Directory.CreateTempSubdirectory("retort-bench-").FullName;
            try
            {
                LedgerBenchResult r = ProgressDisplay.Run(session, advance => LedgerBench.Run(folder, parsed.GetValue(entries), parsed.GetValue(batch), (step, share) => advance(step, share, ""), session.Stop));
                session.Answer(r, Lines(r));
                return ExitCode.Done;
            }
            finally
            {
                Directory.Delete(folder, recursive: true);
            }
        });
        return verb;
    }

    static IEnumerable<string> Lines(LedgerBenchResult r)
    {
        yield return $"{r.Entries:n0} entries of {r.Bytes:n0} bytes, {r.Disk / 1048576.0:n1} MiB on disk";
        yield return $"{r.Committed,12:n0} entries a second committed to";
        yield return $"{r.Appended,12:n0} appended, {r.Batch:n0} together";
        yield return $"{r.Published,12:n0} published one by one";
        yield return $"{r.Proved,12:n0} proofs made";
        yield return $"{r.Verified,12:n0} proofs verified";
        yield return $"{r.Audited,12:n0} entries audited";
    }
}
