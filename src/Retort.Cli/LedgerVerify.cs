using System.CommandLine;
using Retort.Asking.Runs;
using Retort.Evidence.Ledger;

namespace Retort.Cli;

static class LedgerVerify
{
    public static Verb Create(Session session)
    {
        Argument<string> what = Inputs.Argument("FOLDER|PROOF", "A run's folder, its folder ledger alone, or a proof that retort ledger prove wrote");
        Option<string> key = Inputs.Required("--key", "FILE", "The log's public key, PEM (ledger.pub of the run)");
        Option<string?> checkpoint = Inputs.Text("--checkpoint", "FILE", "A checkpoint of the log kept elsewhere; the earlier one where a proof is that the log goes on");
        Option<string[]> witness = Inputs.Many("--witness", "FILE", "A public key that must have signed too, PEM");
        Verb verb = new(
            "verify", "Check a log or a proof with nothing but the log's public key: exit code 0 when it holds, 1 with what is wrong. No network, no secret, no other file is needed. Files of the run are not looked at: retort verify does that.\n" + RunAuditReport.Limits,
            "retort ledger verify runs/tales --key ledger.pub --checkpoint kept.checkpoint",
            "retort ledger verify report.tlog-proof --key ledger.pub --witness second-party.pub")
        {
            what, key, checkpoint, witness,
        };
        verb.SetAction(parsed =>
        {
            string path = parsed.GetRequiredValue(what), pem = parsed.GetRequiredValue(key);
            Checkpoint? known = parsed.GetValue(checkpoint) is { } file ? Checkpoint.Read(file) : null;
            string[] witnesses = parsed.GetValue(witness) ?? [];
            (string[] faults, string[] holds) = Directory.Exists(path) ? Log(path, pem, known, witnesses)
                : GoesOn(path) is { } goesOn ? Consistency(goesOn, path, pem, known, witnesses)
                : Entry(RunProof.Read(path), pem, witnesses);
            session.Answer(new { holds = faults.Length == 0, faults, says = faults.Length == 0 ? holds : [], limits = RunAuditReport.Limits }, faults.Length == 0 ? [.. holds, "holds"] : [.. faults, "DOES NOT HOLD"]);
            return faults.Length == 0 ? ExitCode.Done : ExitCode.Negative;
        });
        return verb;
    }

    static (string[], string[]) Log(string path, string pem, Checkpoint? known, string[] witnesses)
    {
        RunFiles files = new(path);
        string log = Directory.Exists(files.Ledger) ? files.Ledger : path;
        Checkpoint? head = null;
        try
        {
            head = Checkpoint.Read(Path.Combine(log, TileReader.CheckpointName));
        }
        catch (UserError) when (Directory.Exists(Path.Combine(log, "tile")))
        {
            // The audit names it.
        }

        LedgerAuditReport report = LedgerAudit.Run(log, head?.LogKey(pem) ?? LedgerPublicKey.Read(pem, "unknown"), known, [.. witnesses.Select(w => head?.WitnessKey(w) ?? LedgerPublicKey.Read(w, "unknown"))]);
        return ([.. report.Findings.Select(f => $"{f.File}{(f.Entry is { } entry ? $", entry {entry}" : "")}: {f.What}")], [$"{head?.Origin}: {report.Size:n0} entries are as they were signed", RunAuditReport.Limits]);
    }

    static ConsistencyProof? GoesOn(string path)
    {
        byte[] bytes = InputFile.ReadAll(path, 64 << 20);
        return bytes.AsSpan().StartsWith("old "u8) ? ConsistencyProof.Parse(bytes, path) : null;
    }

    static (string[], string[]) Consistency(ConsistencyProof proof, string path, string pem, Checkpoint? known, string[] witnesses)
    {
        Checkpoint earlier = known ?? throw new UserError("the earlier checkpoint is needed", path, "Give it with --checkpoint FILE.");
        LedgerVerdict verdict = proof.Verify(earlier, proof.Later.LogKey(pem), [.. witnesses.Select(proof.Later.WitnessKey)]);
        return (verdict == LedgerVerdict.Holds ? [] : [verdict == LedgerVerdict.Inconsistent ? $"The log with {proof.Later.Size} entries does not go on from the {earlier.Size} of the checkpoint" : $"A checkpoint is not signed as it must be ({verdict})"], [$"{proof.Later.Origin}: its {proof.Later.Size:n0} entries begin with the {earlier.Size:n0} of the checkpoint"]);
    }

    static (string[], string[]) Entry(RunProof proof, string pem, string[] witnesses)
    {
        Checkpoint head = proof.Proof.Checkpoint;
        string[] faults = [.. proof.Faults(head.LogKey(pem), [.. witnesses.Select(head.WitnessKey)])];
        return (faults, [$"{head.Origin}: entry {proof.Proof.Index} of {head.Size:n0} is {proof.Entry}", .. proof.Openings.Select(o => $"{o.Key}: {o.Value.Content}")]);
    }
}
