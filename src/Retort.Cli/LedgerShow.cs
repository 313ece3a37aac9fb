using System.CommandLine;
using System.Globalization;
using Retort.Asking.Runs;

namespace Retort.Cli;

static class LedgerShow
{
    public static Verb Create(Session session)
    {
        Argument<string> run = Inputs.Argument("RUN", "The folder of a run");
        Option<bool> entries = Inputs.Flag("--entries", "List every entry");
        Verb verb = new("show", "What a run's ledger says of itself: name, entries, root, key, steps and answers, who witnessed it. Nothing is checked: retort verify does that.", "retort ledger show runs/tales", "retort ledger show runs/tales --entries --json") { run, entries };
        verb.SetAction(parsed =>
        {
            RunLedgerView view = RunLedgerView.Read(parsed.GetRequiredValue(run));
            bool all = parsed.GetValue(entries);
            session.Answer(
                new
                {
                    origin = view.Log.Checkpoint.Origin,
                    size = view.Log.Checkpoint.Size,
                    root = view.Log.Checkpoint.Root.ToString(),
                    key = view.Key.Fingerprint.ToString(),
                    steps = view.Leaves.Steps.Keys,
                    transcripts = view.Leaves.Transcripts.Count,
                    statements = view.Leaves.Statements.Keys,
                    witnessed = view.Binds,
                    entries = all ? view.Leaves.All.Select((leaf, i) => new { index = i, kind = leaf.Kind, leaf.Name, leaf.Part, time = RunLeaf.Text(leaf.Time), commitments = leaf.Commitments.ToDictionary(c => c.Key, c => c.Value.ToString()) }) : null,
                },
                Lines(view, all));
            return ExitCode.Done;
        });
        return verb;
    }

    static IEnumerable<string> Lines(RunLedgerView view, bool all)
    {
        yield return $"log   {view.Log.Checkpoint.Origin}";
        yield return $"size  {view.Log.Checkpoint.Size:n0} entries: {view.Leaves.Transcripts.Count:n0} answers, {view.Leaves.Steps.Count:n0} steps ({string.Join(", ", view.Leaves.Steps.Keys)}){(view.Leaves.Statements.Count > 0 ? $", statements {string.Join(", ", view.Leaves.Statements.Keys)}" : "")}";
        yield return $"root  {view.Log.Checkpoint.Root}";
        yield return $"key   {view.Key.Fingerprint} (SHA-256 of the public key, {view.Files.PublicKey})";
        foreach (string bind in view.Binds)
        {
            yield return bind;
        }

        if (view.Binds.Count == 0)
        {
            yield return "Nobody has witnessed it: retort ledger witness --help says how.";
        }

        foreach ((int i, RunLeaf leaf) in (all ? view.Leaves.All : []).Index())
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"{i,6}  {RunLeaf.Text(leaf.Time)}  {leaf.Kind.ToString().ToLowerInvariant(),-10}  {leaf.Name}{(leaf.Part > 1 ? $", part {leaf.Part}" : "")}");
        }
    }
}
