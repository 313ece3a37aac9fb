using YamlDotNet.RepresentationModel;

namespace Retort.Guard.Replay;

/// <summary>How a campaign's requests lie in time.</summary>
/// <param name="Round">How often the operator sends a round through all accounts; zero for requests at any time, each account for itself.</param>
/// <param name="Spread">Within how much of a round's beginning its requests fall.</param>
public sealed record CampaignTiming(TimeSpan Round, TimeSpan Spread);

/// <summary>What accounts of a campaign have in common, by how many accounts share one; 0 for each its own.</summary>
public sealed record CampaignTraits(int Address, int Network, int Payment, int Organisation, bool OneClient, bool OneShape);

/// <summary>A campaign: accounts that divide one list.</summary>
/// <param name="List">Prompts of the list: those of the files and variants of them.</param>
/// <param name="PerDay">Requests of an account a day.</param>
/// <param name="MostRequests">After which an account stops; null for none.</param>
/// <param name="Blend">The share of requests that are honest prompts.</param>
/// <param name="Paraphrased">Whether each prompt is said in other words.</param>
/// <param name="Starts">When it begins.</param>
public sealed record CampaignPlan(string Name, int Accounts, int List, double PerDay, int? MostRequests, double Blend, bool Paraphrased, TimeSpan Starts, CampaignTiming Timing, CampaignTraits Traits);

/// <summary>What is replayed; <see cref="Example"/> is one.</summary>
/// <param name="Repeats">How often, each time with other prompts, accounts and times.</param>
/// <param name="Days">How long each lasts.</param>
/// <param name="AssessEvery">How often the detector looks.</param>
public sealed record Scenario(string Name, ulong Seed, int Repeats, double Days, TimeSpan AssessEvery, IReadOnlyList<CampaignPlan> Campaigns)
{
    /// <summary>A whole scenario, as help shows it.</summary>
    public const string Example =
        """
        name: five hundred accounts
        seed: 1
        repeats: 3                # each with other accounts, times and prompts
        days: 3
        assess_minutes: 10        # how often the detector looks
        campaigns:                # none: honest traffic alone
          - name: divided list
            accounts: 500
            list: 50_000          # campaign prompts and variants of them
            per_day: 26           # requests of an account
            blend: 0.75           # share of honest prompts
            starts_hours: 24
            timing: {round_minutes: 120, spread_minutes: 20}   # without it: at any time
            paraphrased: false
            share: {address: 0, network: 0, payment: 0, organisation: 0, client: false, shape: false}   # how many accounts share one
        """;

    /// <summary>Reads a scenario.</summary>
    /// <exception cref="UserError">It cannot be read or is none; every fault with its line.</exception>
    public static Scenario Read(string path)
    {
        const int Longest = 1 << 20;
        if (!File.Exists(path))
        {
            throw new UserError("there is no such scenario", path, "Write one as retort guard replay --help shows, or take one of samples/scenarios.");
        }

        List<string> found = [];
        YamlFields root = new(YamlText.Parse(TextFile.Read(path, Longest), path, lines: true), "", new(found, new HashSet<YamlNode>()));
        root.Require("name");
        Scenario scenario = new(
            root.Text("name") ?? "", (ulong)root.Whole("seed", 1L, 0, long.MaxValue), root.Whole("repeats", 1, 1, 10_000), root.Number("days", 4, 0.1, 14), TimeSpan.FromMinutes(root.Number("assess_minutes", 60, 1, 1440)),
            [.. root.Maps("campaigns").Select(Plan)]);
        root.Close();
        return found.Count == 0 ? scenario : throw new UserError(string.Join("; ", found), path, "retort guard replay --help shows a whole scenario.");
    }

    static CampaignPlan Plan(YamlFields c)
    {
        c.Require("name");
        c.Require("accounts");
        YamlFields timing = c.Map("timing"), share = c.Map("share");
        CampaignPlan plan = new(
            c.Text("name") ?? "", c.Whole("accounts", 1, 1, 100_000), c.Whole("list", 50_000, 1, 1_000_000), c.Number("per_day", 26, 0.1, 100_000), c.Has("most_requests") ? c.Whole("most_requests", 1, 1, int.MaxValue) : null,
            c.Number("blend", 0, 0, 0.99), c.Flag("paraphrased", otherwise: false), TimeSpan.FromHours(c.Number("starts_hours", 24, 0, 336)),
            new(timing.Present ? TimeSpan.FromMinutes(timing.Number("round_minutes", 120, 1, 1440)) : TimeSpan.Zero, TimeSpan.FromMinutes(timing.Number("spread_minutes", 20, 1, 1440))),
            new(share.Whole("address", 0, 0, 100_000), share.Whole("network", 0, 0, 100_000), share.Whole("payment", 0, 0, 100_000), share.Whole("organisation", 0, 0, 100_000), share.Flag("client", otherwise: false), share.Flag("shape", otherwise: false)));
        timing.Close();
        share.Close();
        c.Close();
        return plan;
    }
}
