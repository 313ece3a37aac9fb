namespace Retort.Distill;

/// <summary>Rows that share an n-gram of one length with an evaluation set.</summary>
/// <param name="Gram">Words.</param>
/// <param name="Questions">Rows whose question shares one.</param>
/// <param name="Answers">Rows whose answer does.</param>
/// <param name="Rows">Rows with either.</param>
/// <param name="Share">Of all rows compared.</param>
public sealed record GramOverlap(int Gram, int Questions, int Answers, int Rows, double Share);

/// <summary>What training data and one evaluation set have in common.</summary>
/// <param name="SharedWording">N-grams that its own items share, and that were passed over.</param>
/// <param name="Grams">The longest first.</param>
public sealed record ContaminationFacts(string Set, int Items, int SharedWording, IReadOnlyList<GramOverlap> Grams)
{
    /// <param name="index">Which of the sets compared it is.</param>
    /// <param name="overlaps">Of this set.</param>
    /// <param name="compared">Rows compared with it.</param>
    internal static ContaminationFacts Of(EvaluationSet set, Contamination contamination, int index, IEnumerable<RowOverlap> overlaps, int compared)
    {
        ILookup<int, RowOverlap> found = overlaps.ToLookup(o => o.Shared.Gram);
        return new(set.Name, set.Items.Count, contamination.SharedWording[index], [.. contamination.Grams.OrderDescending().Select(g => One(g, [.. found[g]]))]);

        GramOverlap One(int gram, IReadOnlyList<RowOverlap> found)
        {
            int rows = found.DistinctBy(o => o.Answer.Id).Count();
            return new(gram, found.Count(o => !o.Shared.InAnswer), found.Count(o => o.Shared.InAnswer), rows, (double)rows / Math.Max(1, compared));
        }
    }
}

/// <summary>How admission went, for a report.</summary>
/// <param name="Asked">Answers looked at.</param>
/// <param name="Admitted">Answers trained on.</param>
/// <param name="ByReason">The others, by the first reason.</param>
/// <param name="Compared">Rows compared with the evaluation sets.</param>
/// <param name="ExcludedFrom">From which n-gram on a shared one excludes; null where none does.</param>
/// <param name="Contamination">A set each; empty where there were none to compare with.</param>
public sealed record AdmissionFacts(int Asked, int Admitted, IReadOnlyDictionary<Exclusion, int> ByReason, int Compared, int? ExcludedFrom, IReadOnlyList<ContaminationFacts> Contamination)
{
    /// <param name="own">The comparison with what the run itself tests on; null where none was made.</param>
    public static AdmissionFacts Of(Admission admission, AdmissionRules rules, ContaminationFacts? own = null)
    {
        ILookup<string, RowOverlap> overlaps = admission.Overlaps.ToLookup(o => o.Shared.Set, StringComparer.Ordinal);
        IEnumerable<ContaminationFacts> sets = rules.Contamination is { } c ? c.Sets.Select((s, i) => ContaminationFacts.Of(s, c, i, overlaps[s.Name], admission.Compared)) : [];
        return new(
            admission.Admitted.Count + admission.Excluded.Count, admission.Admitted.Count, admission.Excluded.CountBy(e => e.Why).OrderBy(c => c.Key).ToDictionary(), admission.Compared, rules.Recipe.Contamination.Exclude,
            [.. sets, .. own is null ? [] : (ContaminationFacts[])[own]]);
    }
}
