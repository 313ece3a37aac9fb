namespace Retort.Distill;

/// <summary>What was found by checking answers: against the right one, and by a judge.</summary>
static class CheckFilters
{
    public static Fault? Gold(AdmissionRow row, GoldRecipe? recipe, AdmissionEvidence evidence) =>
        recipe is null ? null
        : !evidence.Gold.TryGetValue(row.Answer.QuestionId, out string? gold) ? new(Exclusion.NoGold)
        : recipe.Kind != "code" ? GoldCheck.Fault(recipe, row.Reply, gold) is { } fault ? new(Exclusion.Wrong, fault) : null
        : !evidence.Code.TryGetValue(row.Answer.Id, out CodeVerdict? ran) ? new(Exclusion.Wrong, "its code was not run")
        : ran.Passed ? null : new(Exclusion.Wrong, ran.Said);

    /// <summary>The first right one to a question, whoever of its teachers gave it.</summary>
    public static IEnumerable<Fault?> First(IReadOnlyList<AdmissionRow> rows, GoldRecipe? recipe)
    {
        Dictionary<string, string> first = new(StringComparer.Ordinal);
        return rows.Select(r => recipe is not { Keep: "first" } || first.TryAdd(r.Asking, r.Answer.Id) ? null : new Fault(Exclusion.NotFirst, first[r.Asking]));
    }

    public static Fault? Judged(AdmissionRow row, JudgeRecipe? recipe, AdmissionEvidence evidence) =>
        recipe is null ? null
        : evidence.Judged.GetValueOrDefault(row.Answer.Id) is not { Score: { } score } verdict ? new(Exclusion.Unjudged, evidence.Judged.GetValueOrDefault(row.Answer.Id)?.Said)
        : score < recipe.Threshold ? new(Exclusion.BelowThreshold, FormattableString.Invariant($"{score:0.##} of {recipe.Scale}, below {recipe.Threshold}")) : null;

    /// <summary>The best to a question, of equals the first, whoever of its teachers gave it.</summary>
    public static IEnumerable<Fault?> Best(IReadOnlyList<AdmissionRow> rows, JudgeRecipe? recipe, AdmissionEvidence evidence)
    {
        if (recipe is not { BestOf: true })
        {
            return rows.Select(_ => (Fault?)null);
        }

        double Score(AdmissionRow row) => evidence.Judged[row.Answer.Id].Score!.Value;
        Dictionary<string, AdmissionRow> best = rows.GroupBy(r => r.Asking, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.MaxBy(Score)!, StringComparer.Ordinal);
        return rows.Select(r => best[r.Asking] is { } other && ReferenceEquals(other, r) ? null : new Fault(Exclusion.NotBest, FormattableString.Invariant($"{Score(r):0.##}, and {Score(best[r.Asking]):0.##} has {best[r.Asking].Answer.Id}")));
    }
}
