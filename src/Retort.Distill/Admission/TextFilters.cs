using System.Text.RegularExpressions;
using Retort.Evidence.Statistics;

namespace Retort.Distill;

/// <summary>What an answer's text shows by itself, and beside the others.</summary>
static class TextFilters
{
    public static Fault? Fault(AdmissionRow row, AdmissionRules rules)
    {
        AdmitRecipe recipe = rules.Recipe;
        string reply = row.Reply;
        return string.IsNullOrWhiteSpace(reply) ? new(Exclusion.Empty)
            : row.Answer.Choice.Finish is { } finish && !recipe.Finish.Contains(finish, StringComparer.Ordinal) ? new(Exclusion.Unfinished, JsonFields.Short(finish))
            : row.Trace is null ? new(Exclusion.Unfinished, "its reasoning does not end")
            : recipe.RefusalPhrases && !recipe.KeepRefusals && RefusalOpening.Of(reply) is { } opening ? new(Exclusion.RefusedInWords, opening)
            : reply.Length < recipe.MinCharacters || reply.Length > recipe.MaxCharacters ? new(Exclusion.Length, $"{reply.Length} characters")
            : rules.Schema?.Fault(reply) is { } fault ? new(Exclusion.Schema, fault)
            : rules.Task?.Fault(reply) is { } outside ? new(Exclusion.OutsideTask, outside)
            : Pattern(reply, rules) is { } broken ? new(Exclusion.Pattern, broken)
            : null;
    }

    public static IEnumerable<Fault?> Repeated(IReadOnlyList<AdmissionRow> rows, double? threshold, TaskForm? task)
    {
        IEnumerable<NearDuplicate?> found = threshold is { } similar ? Repetitions.Of([.. rows.Select(r => (r.Question, task?.Canonical(r.Reply) ?? r.Reply))], similar, task is not null) : rows.Select(_ => (NearDuplicate?)null);
        return found.Select(f => f is { } other ? new Fault(Exclusion.NearDuplicate, FormattableString.Invariant($"{other.Similarity:0.000} like {rows[other.Text].Answer.Id}")) : null);
    }

    static string? Pattern(string reply, AdmissionRules rules)
    {
        foreach ((Regex pattern, bool must) in rules.Must.Select(p => (p, true)).Concat(rules.MustNot.Select(p => (p, false))))
        {
            bool? matches = Patterns.Match(pattern, reply);
            if (matches != must)
            {
                return matches is null ? $"took too long: {pattern}" : $"{(must ? "must" : "must not")} match {pattern}";
            }
        }

        return null;
    }
}
