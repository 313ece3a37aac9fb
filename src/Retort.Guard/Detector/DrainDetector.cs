namespace Retort.Guard.Detector;

/// <summary>A group that evidence is enough against, and whom it is to be acted on.</summary>
/// <param name="Acted">Those of its members against whom there is enough in particular.</param>
public sealed record DrainVerdict(GroupFinding Finding, IReadOnlyList<long> Acted);

/// <summary>Decides on groups: what is acted on has passed all of the rule at once, on evidence that holds at any time it is looked at.</summary>
public sealed class DrainDetector(Population population, DetectorOptions options)
{
    /// <summary>All groups that were found worth naming, and of those that pass the rule, whom to act on.</summary>
    public IReadOnlyList<DrainVerdict> Assess() => [.. new GroupSearch(population, options).Run().Select(f => new DrainVerdict(f, Passes(f) ? Acted(f) : []))];

    /// <summary>
    /// 1 enough accounts · 2 the whole evidence, paid for having looked everywhere, at the error rate asked · 3 content says so by itself · 4 and another family does.
    /// </summary>
    public bool Passes(GroupFinding finding) =>
        finding.Members.Count >= options.LeastMembers
        && finding.LogE >= Math.Log(1 / options.Alpha)
        && finding.Families[EvidenceFamily.Content] >= Math.Log(options.FamilyRatio)
        && finding.Families.Any(f => f.Key != EvidenceFamily.Content && f.Value >= Math.Log(options.FamilyRatio));

    long[] Acted(GroupFinding finding)
    {
        double odds = Math.Max(Math.Log((population.Trails.Count - finding.Members.Count + 1.0) / finding.Members.Count), 0);
        return [.. finding.Members.Where(m => m.Log >= Math.Log(options.MemberRatio) + odds).Select(m => m.Account)];
    }
}
