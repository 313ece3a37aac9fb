using System.CommandLine;
using Retort.Asking.Runs;
using Retort.Evidence.Ledger;

namespace Retort.Cli;

static class LedgerProve
{
    public static Verb Create(Session session)
    {
        Argument<string> run = Inputs.Argument("RUN", "The folder of a run");
        Option<int?> entry = Inputs.OptionalWhole("--entry", "Prove the entry at this index", 0, int.MaxValue);
        Option<string?> step = Inputs.Text("--step", "NAME", "Prove the last entry of this step"), transcript = Inputs.Text("--transcript", "ID", "Prove the entry of this answer: its id in transcripts.jsonl, or its name"), from = Inputs.Text("--from", "CHECKPOINT", "Prove that the log goes on from this earlier checkpoint"), to = Inputs.Text("--output", "FILE", "Where the proof is written [default: standard output]");
        to.Aliases.Add("-o");
        Option<bool> open = Inputs.Flag("--open", "Give salts and contents away too, so that this one entry can be read and checked by anybody");
        Verb verb = new(
            "prove", "Write a proof that an entry stands in the log (c2sp.org/tlog-proof), or that the log goes on from an earlier checkpoint. It is checked with the log's public key alone: retort ledger verify.",
            "retort ledger prove runs/tales --step report --open -o report.tlog-proof",
            "retort ledger prove runs/mine --transcript 17/0 --open -o answer.tlog-proof",
            "retort ledger prove runs/tales --from kept.checkpoint -o goes-on.proof")
        {
            run, entry, step, transcript, from, open, to,
        };
        verb.SetAction(parsed =>
        {
            string folder = parsed.GetRequiredValue(run);
            (int? index, string? ofStep, string? answer, string? earlier) = (parsed.GetValue(entry), parsed.GetValue(step), parsed.GetValue(transcript), parsed.GetValue(from));
            if ((index is null ? 0 : 1) + (ofStep is null ? 0 : 1) + (answer is null ? 0 : 1) + (earlier is null ? 0 : 1) != 1)
            {
                throw new UserError("one of --entry, --step, --transcript and --from is needed", "ledger prove", "Say what is to be proved.");
            }

            if (earlier is not null)
            {
                return Write(session, parsed.GetValue(to), GoesOn(folder, earlier).ToBytes(), $"the log goes on from {earlier}");
            }

            RunLedgerView view = RunLedgerView.Read(folder);
            long at = index ?? (ofStep is not null ? view.Step(ofStep) : view.Transcript(answer!));
            RunProof proof = RunProof.Of(view.Files, view.Log, at, parsed.GetValue(open));
            return Write(session, parsed.GetValue(to), proof.Proof.ToBytes(), $"entry {at} stands in {view.Log.Checkpoint.Origin}{(proof.Openings.Count > 0 ? $"; opened are {string.Join(", ", proof.Openings.Keys)}" : "")}");
        });
        return verb;
    }

    static ConsistencyProof GoesOn(string folder, string path)
    {
        (_, TileReader log, LedgerPublicKey key) = RunLedgerView.Open(folder);
        Checkpoint earlier = Checkpoint.Read(path);
        ConsistencyProof proof = earlier.Size <= log.Checkpoint.Size ? new(earlier.Size, log.ProveConsistency(earlier.Size), log.Checkpoint) : throw new UserError($"the log has {log.Checkpoint.Size} entries, fewer than the checkpoint's {earlier.Size}", folder, "Its tail was removed, or the checkpoint is of another log.");
        LedgerVerdict verdict = proof.Verify(earlier, key);
        return verdict == LedgerVerdict.Holds ? proof : throw new UserError($"the log does not go on from this checkpoint ({verdict})", path, "It was written anew, or the checkpoint is of another log.");
    }

    static int Write(Session session, string? to, byte[] proof, string what)
    {
        if (to is not null)
        {
            AtomicFile.WriteAllBytes(to, proof);
        }

        string text = System.Text.Encoding.UTF8.GetString(proof);
        session.Answer(new { proves = what, file = to, proof = to is null ? text : null }, to is null ? [text.TrimEnd('\n')] : [$"{to}: {what}"]);
        return ExitCode.Done;
    }
}
