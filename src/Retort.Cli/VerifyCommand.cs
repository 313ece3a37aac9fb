using System.CommandLine;
using System.Globalization;
using Retort.Asking.Runs;
using Retort.Distill;
using Retort.Evidence.Ledger;
using Checkpoint = Retort.Evidence.Ledger.Checkpoint;

namespace Retort.Cli;

static class VerifyCommand
{
    public static Verb Create(Session session)
    {
        Argument<string> run = Inputs.Argument("RUN", "The folder of a run of retort distill or retort collect");
        Option<string?> key = Inputs.Text("--key", "FILE", "The log's public key as you know it, PEM [default: RUN/ledger.pub, on trust]"), checkpoint = Inputs.Text("--checkpoint", "FILE", "A checkpoint of the log kept elsewhere, such as a copy of RUN/ledger/checkpoint");
        Option<string[]> witness = Inputs.Many("--witness", "FILE", "A public key that must have signed the checkpoint too, PEM");
        Option<bool> retrain = Inputs.Flag("--retrain", "Train the first seed's student again and compare its weights bit for bit");
        Verb verb = new(
            "verify", "Check every file of a run, and every answer, against its ledger: exit code 0 when all is as it was recorded, 1 with what is not, each named by file and row. No network is needed.\n" + RunAuditReport.Limits,
            "retort verify runs/tales",
            "retort verify runs/tales --key ledger.pub --checkpoint kept.checkpoint",
            "retort verify runs/tales --retrain",
            "retort verify signals runs/mine")
        {
            run, key, checkpoint, witness, retrain, VerifySignalsCommand.Create(session),
        };
        verb.SetAction(parsed =>
        {
            LedgerHome home = LedgerHome.Of(Environment.GetEnvironmentVariable);
            RunAuditOptions options = new(parsed.GetValue(key), parsed.GetValue(checkpoint) is { } known ? Checkpoint.Read(known) : null, log => home.Last(log), parsed.GetValue(witness));
            VerifyResult result = ProgressDisplay.Run(session, advance => VerifyJob.Run(
                parsed.GetRequiredValue(run), options, parsed.GetValue(retrain), BundledSamples.All, p => advance(p.Step, p.Whole ?? p.Share, p.Detail, p.Left), session.Time, session.Stop), whole: true);
            session.Answer(
                new { holds = result.Holds, origin = result.Audit.Origin, entries = result.Audit.Size, transcripts = result.Audit.Transcripts, files = result.Audit.Files, findings = result.Audit.Findings, notes = result.Audit.Notes, bound_by = result.Audit.Binds, retrained = result.Retrained is { } again ? Said(again) : null, limits = RunAuditReport.Limits },
                Lines(result));
            return result.Holds ? ExitCode.Done : ExitCode.Negative;
        });
        return verb;
    }

    static IEnumerable<string> Lines(VerifyResult result)
    {
        RunAuditReport audit = result.Audit;
        foreach (RunFinding finding in audit.Findings)
        {
            yield return finding.ToString();
        }

        if (audit.Holds)
        {
            yield return $"{audit.Origin}: {audit.Size:n0} entries, {audit.Files:n0} files{(audit.Transcripts > 0 ? $" and {audit.Transcripts:n0} answers" : "")} are as they were recorded";
        }

        if (result.Retrained is { } again)
        {
            yield return Said(again);
        }

        foreach (string line in audit.Binds.Concat(audit.Notes))
        {
            yield return line;
        }

        yield return RunAuditReport.Limits;
        yield return result.Holds ? "holds" : "DOES NOT HOLD";
    }

    static string Said(Retrained retrained) => retrained switch
    {
        Retrained.Same s => string.Create(CultureInfo.InvariantCulture, $"trained again with seed {s.Seed} at rate {s.Rate}: the weights in student/ are the same, all {s.Bytes:n0} bytes"),
        Retrained.Different d => string.Create(CultureInfo.InvariantCulture, $"trained again with seed {d.Seed} at rate {d.Rate}: {d.File} differs in {d.Count:n0} bytes, first at {d.First:n0}{(d.Paths is null ? "" : $"; it was made on another vector path ({d.Paths}), where equal bits are not to be expected")}"),
        _ => throw new InvalidOperationException("An unknown outcome of training again."),
    };
}
