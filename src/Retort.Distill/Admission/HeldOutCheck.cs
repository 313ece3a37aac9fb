namespace Retort.Distill;

/// <summary>
/// The run's own held-out questions as an evaluation set: of the admitted answers those that would be trained on are compared with those that are tested on, and left out where they share
/// words. Made once both are chosen, so that what is left out changes neither what is tested on nor how many.
/// </summary>
/// <param name="Admission">With what is left out moved to the excluded.</param>
/// <param name="Facts">For a report.</param>
public sealed record HeldOutCheck(Admission Admission, ContaminationFacts Facts)
{
    /// <summary>The set's name.</summary>
    public const string SetName = "held-out questions";

    /// <param name="failed">Answers that are left out and may be tested on.</param>
    /// <param name="heldOut">Ids of the answers that are tested on.</param>
    /// <param name="trained">Ids of the answers that are trained on.</param>
    /// <param name="gold">Right answers by the question's hash.</param>
    /// <param name="order">All answers in the store's order.</param>
    public static HeldOutCheck Of(Admission admission, IReadOnlyList<AdmittedAnswer> failed, IReadOnlySet<string> heldOut, IReadOnlySet<string> trained, IReadOnlyDictionary<string, string> gold, ContaminationRecipe recipe, IReadOnlyList<string> order)
    {
        AdmittedAnswer[] rows = [.. admission.Admitted.Where(a => trained.Contains(a.Answer.Id))];
        EvaluationItem[] tested = [.. Prompts(admission.Admitted.Concat(failed).Where(a => heldOut.Contains(a.Answer.Id)), gold)];
        EvaluationSet set = new(SetName, tested);
        Contamination contamination = new(set, recipe.Grams, new(tested, [.. Prompts(rows, gold)], recipe.Grams));
        RowOverlap[] overlaps = [.. rows.SelectMany(r => contamination.Of(Question(r), r.Text).Select(o => new RowOverlap(r.Answer, o)))];
        Dictionary<string, Excluded> excluded = overlaps.Where(o => o.Shared.Gram >= recipe.Exclude).GroupBy(o => o.Answer.Id, StringComparer.Ordinal)
            .ToDictionary(g => g.Key, g => new Excluded(g.First().Answer, Exclusion.SharedWithHeldOut, g.MaxBy(o => o.Shared.Gram)!.Shared.Sentence), StringComparer.Ordinal);
        Dictionary<string, int> places = order.Index().ToDictionary(o => o.Item, o => o.Index, StringComparer.Ordinal);
        Admission left = admission with
        {
            Admitted = [.. admission.Admitted.Where(a => !excluded.ContainsKey(a.Answer.Id))],
            Excluded = [.. admission.Excluded.Concat(excluded.Values).OrderBy(e => places[e.Answer.Id])],
            Overlaps = [.. admission.Overlaps, .. overlaps],
        };
        return new(left, ContaminationFacts.Of(set, contamination, 0, overlaps, rows.Length));
    }

    /// <summary>A question each, with all the teacher's answers to it and the right one.</summary>
    static IEnumerable<EvaluationItem> Prompts(IEnumerable<AdmittedAnswer> answers, IReadOnlyDictionary<string, string> gold) => answers.GroupBy(a => a.Answer.QuestionId, StringComparer.Ordinal)
        .Select(g => new EvaluationItem(g.First().Answer.Id, Question(g.First()), string.Join('\n', g.Select(a => a.Text).Concat(gold.TryGetValue(g.Key, out string? right) ? [right] : []).Distinct(StringComparer.Ordinal))));

    static string Question(AdmittedAnswer answer) => string.Join("\n\n", answer.Asked.Turns.Select(t => t.Text));
}
