using System.CommandLine;
using Retort.Distill;
using Retort.Evidence.Terms;

namespace Retort.Cli;

/// <summary>Which runs, students and descendants a changed document or a ruling touches.</summary>
static class TermsImpact
{
    public static Verb Create(Session session)
    {
        Argument<string> runs = Inputs.Argument("RUNS", "The folder that holds the runs");
        Option<string[]> entry = Inputs.Many("--entry", "ID", "An entry whose document changed, or of whose teacher was ruled");
        Option<string?> old = Inputs.Text("--since", "DIR", "An older register: every entry that changed since, or is gone"), register = TermsCommand.Register();
        Verb verb = new(
            "impact", "The runs that were made under an entry of the register, and what was made from their students: exit code 1 where there are any.",
            "retort terms impact runs --entry llama-3.1-weights", "retort terms impact runs --since terms-2026-08")
        {
            runs, entry, old, register,
        };
        verb.SetAction(parsed =>
        {
            TermsRegister now = ShippedTerms.Or(parsed.GetValue(register));
            HashSet<string> ids = new((parsed.GetValue(entry) ?? []).Select(id => now.Get(id, "--entry").Id), StringComparer.Ordinal);
            if (parsed.GetValue(old) is { } folder)
            {
                TermsDiff diff = TermsDiff.Between(TermsRegister.Read(folder), now);
                ids.UnionWith(diff.Changed.Select(c => c.Old.Id).Concat(diff.Removed.Select(e => e.Id)));
            }
            else if (ids.Count == 0)
            {
                throw new UserError("no entry is named", "--entry", "Name entries of retort terms list, or an older register with --since.");
            }

            (int all, IReadOnlyList<TouchedRun> touched) = TermsImpactJob.Find(parsed.GetRequiredValue(runs), ids);
            session.Answer(new { entries = ids.Order(StringComparer.Ordinal), runs = all, touched }, Lines(ids, all, touched));
            return touched.Count == 0 ? ExitCode.Done : ExitCode.Negative;
        });
        return verb;
    }

    static IEnumerable<string> Lines(HashSet<string> ids, int all, IReadOnlyList<TouchedRun> touched)
    {
        yield return $"{(ids.Count == 0 ? "no entry changed" : string.Join(", ", ids.Order(StringComparer.Ordinal)))}: {touched.DistinctBy(t => t.Folder).Count():n0} of {all:n0} runs are touched";
        foreach (TouchedRun run in touched)
        {
            yield return $"{(run.Entry is null ? "    " : "  ")}{run.Folder}: {run.Role.Replace('-', ' ')} {run.Through}{(run.Entry is null ? "" : $", under {run.Entry}")}; {(run.Rows == 0 && run.HasAnswers ? "its answers are kept, and nothing is trained on them here" : $"{run.Rows:n0} documents, {(run.HasStudent ? "its student is handed out" : "no student is handed out")}")}";
            if (run.Others)
            {
                yield return $"    retort distill {Path.Combine(run.Folder, "recipe.yaml")} --without {run.Through}";
            }
        }
    }
}
