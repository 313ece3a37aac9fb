using MathNet.Numerics.Distributions;

namespace Retort.Guard.Replay;

/// <summary>How often something happened.</summary>
/// <param name="Of">How many there were.</param>
/// <param name="Low">The lower end of the exact 95 % interval of the rate (Clopper and Pearson 1934).</param>
/// <param name="High">Its upper end.</param>
public sealed record CountedRate(int Count, int Of, double Low, double High)
{
    const double Tail = 0.025;

    public static CountedRate From(int count, int of) => new(
        count, of, count == 0 ? 0 : Beta.InvCDF(count, of - count + 1, Tail), count == of ? 1 : Beta.InvCDF(count + 1, of - count, 1 - Tail));
}

/// <summary>What became of honest accounts of one kind, over all runs.</summary>
/// <param name="Accounts">Of all runs together; runs use the same material, so they are not independent.</param>
/// <param name="Sources">Independent sources of their prompts, of which any account was acted on in any run: what the bound rests on.</param>
public sealed record HonestRate(AccountKind Kind, CountedRate Accounts, CountedRate Sources);

/// <summary>The middle and the ends of several runs.</summary>
public sealed record Spread(double Least, double Median, double Most)
{
    /// <summary>Null of none.</summary>
    public static Spread? Of(IEnumerable<double> values) => values.Order().ToArray() is { Length: > 0 } sorted ? new(sorted[0], sorted[sorted.Length / 2], sorted[^1]) : null;
}

/// <summary>What became of one campaign, over all runs.</summary>
/// <param name="Found">Runs in which any of its accounts was acted on.</param>
/// <param name="Accounts">Its accounts that were acted on, of all runs.</param>
/// <param name="HoursToAction">From its start to the first action, of the runs in which it was found.</param>
/// <param name="TakenAtAction">The share of its list that it had then.</param>
/// <param name="Taken">The share that it had in the end, of all runs.</param>
public sealed record CampaignRate(string Name, CountedRate Found, CountedRate Accounts, Spread? HoursToAction, Spread? TakenAtAction, Spread? Taken);

/// <summary>A replay's figures.</summary>
public sealed record ReplayReport(string Scenario, int Runs, IReadOnlyList<HonestRate> Honest, IReadOnlyList<CampaignRate> Campaigns)
{
    public static ReplayReport Of(Scenario scenario, IReadOnlyList<RunOutcome> runs) => new(
        scenario.Name, runs.Count,
        [.. Enum.GetValues<AccountKind>().Where(k => k != AccountKind.Campaign).Select(k => OfKind(k, [.. runs.Select(r => r.Honest[k])]))],
        [.. scenario.Campaigns.Select((c, i) => OfPlan(c, [.. runs.Select(r => r.Campaigns[i])]))]);

    static HonestRate OfKind(AccountKind kind, HonestOutcome[] runs) => new(
        kind, CountedRate.From(runs.Sum(r => r.Acted), runs.Sum(r => r.Accounts)),
        CountedRate.From(runs.SelectMany(r => r.OriginsActed).Distinct().Count(), runs.SelectMany(r => r.Origins).Distinct().Count()));

    static CampaignRate OfPlan(CampaignPlan plan, CampaignOutcome[] runs) => new(
        plan.Name, CountedRate.From(runs.Count(r => r.FirstAction is not null), runs.Length), CountedRate.From(runs.Sum(r => r.Acted), runs.Sum(r => r.Accounts)),
        Spread.Of(runs.Select(r => r.FirstAction).OfType<double>()), Spread.Of(runs.Select(r => r.TakenAtFirst).OfType<double>()), Spread.Of(runs.Select(r => r.Taken)));
}
