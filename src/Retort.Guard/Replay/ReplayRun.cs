using Retort.Guard.Detector;
using Retort.Model;

namespace Retort.Guard.Replay;

/// <summary>What became of one campaign in one run.</summary>
/// <param name="FirstAction">When the first of its accounts was acted on, from its start; null for never.</param>
/// <param name="TakenAtFirst">The share of its list it had by then.</param>
/// <param name="Taken">The share it had in the end, accounts that were acted on getting nothing more.</param>
/// <param name="Acted">Of its accounts, those acted on in the end.</param>
/// <param name="Requests">Requests of all its accounts that were answered.</param>
public sealed record CampaignOutcome(string Name, int Accounts, int Acted, double? FirstAction, double? TakenAtFirst, double Taken, int Requests, GroupFinding? Finding);

/// <summary>What became of one run.</summary>
public sealed record RunOutcome(IReadOnlyDictionary<AccountKind, HonestOutcome> Honest, IReadOnlyList<CampaignOutcome> Campaigns, IReadOnlyList<GroupFinding> Strongest);

/// <summary>Honest accounts of one kind.</summary>
/// <param name="Origins">The independent sources of their prompts.</param>
/// <param name="OriginsActed">Those of which an account was acted on.</param>
public sealed record HonestOutcome(int Accounts, IReadOnlyList<string> Origins, int Acted, IReadOnlyList<string> OriginsActed);

/// <summary>One run of a scenario: honest accounts and campaigns side by side, the detector looking now and then, accounts that are acted on getting no more answers.</summary>
static class ReplayRun
{
    const int DeckPrompts = 30;

    public static RunOutcome Of(Scenario scenario, int repeat, PromptLibrary library, Pace pace, DetectorOptions options, Action<double> onDone, CancellationToken stop)
    {
        Strangers strangers = new(new(scenario.Seed, (ulong)repeat + 1));
        List<ReplayRequest> requests = new HonestTraffic(library, PromptHalf.Scoring, pace, scenario.Days, strangers).All();
        Queue<string[]> camouflage = Decks(library, strangers.Random);
        foreach ((int number, CampaignPlan plan) in scenario.Campaigns.Index())
        {
            string[] list = SlotFilling.List([.. library.Of(PromptKind.Campaign, PromptHalf.Scoring).SelectMany(s => s.Prompts)], plan.List, strangers.Random);
            requests.AddRange(CampaignTraffic.Of(plan, number, list, camouflage, scenario.Days, strangers));
        }

        requests.Sort((a, b) => (a.Seen.At, a.Seen.Account).CompareTo((b.Seen.At, b.Seen.Account)));
        Dictionary<long, ReplayAccount> accounts = strangers.Accounts.ToDictionary(a => a.Id);
        Population population = new();
        foreach (string prompt in Enum.GetValues<PromptKind>().SelectMany(k => library.Of(k, PromptHalf.Calibration)).SelectMany(s => s.Prompts))
        {
            population.Learn(prompt);
        }

        DrainDetector detector = new(population, options);
        HashSet<long> acted = [];
        Progress[] campaigns = [.. scenario.Campaigns.Select(_ => new Progress())];
        long every = (long)scenario.AssessEvery.TotalMilliseconds, look = every;
        IReadOnlyList<DrainVerdict> verdicts = [];
        foreach ((int done, ReplayRequest request) in requests.Index())
        {
            stop.ThrowIfCancellationRequested();
            while (request.Seen.At >= look)
            {
                look += every;
                verdicts = detector.Assess();
                Act(look - every);
                onDone((double)done / requests.Count);
            }

            ReplayAccount account = accounts[request.Seen.Account];
            if (acted.Contains(account.Id))
            {
                continue;
            }

            population.Add(request.Seen, account.Facts);
            if (account.Campaign is { } c)
            {
                campaigns[c].Requests++;
                campaigns[c].Taken += request.IsCampaign ? 1 : 0;
            }
        }

        verdicts = detector.Assess();
        Act((long)(scenario.Days * 86_400_000));
        return new(
            Enum.GetValues<AccountKind>().Where(k => k != AccountKind.Campaign).ToDictionary(k => k, Honest),
            [.. scenario.Campaigns.Select((p, i) => Outcome(p, i))], [.. verdicts.Select(v => v.Finding).Take(5)]);

        void Act(long now)
        {
            foreach (DrainVerdict verdict in verdicts)
            {
                foreach (long account in verdict.Acted.Where(acted.Add))
                {
                    if (accounts[account].Campaign is { } c && campaigns[c].First is null)
                    {
                        (campaigns[c].First, campaigns[c].TakenAtFirst, campaigns[c].Finding) = ((now / 3_600_000.0) - scenario.Campaigns[c].Starts.TotalHours, campaigns[c].Taken, verdict.Finding);
                    }
                }
            }
        }

        HonestOutcome Honest(AccountKind kind)
        {
            ReplayAccount[] all = [.. accounts.Values.Where(a => a.Kind == kind)], hurt = [.. all.Where(a => acted.Contains(a.Id))];
            return new(all.Length, [.. all.Select(a => a.Origin).Distinct()], hurt.Length, [.. hurt.Select(a => a.Origin).Distinct()]);
        }

        CampaignOutcome Outcome(CampaignPlan plan, int c)
        {
            Progress p = campaigns[c];
            return new(
                plan.Name, plan.Accounts, accounts.Values.Count(a => a.Campaign == c && acted.Contains(a.Id)), p.First, p.TakenAtFirst / (double?)plan.List, p.Taken / (double)plan.List, p.Requests,
                p.Finding ?? verdicts.Select(v => v.Finding).MaxBy(f => f.Members.Count(m => accounts[m.Account].Campaign == c)));
        }
    }

    /// <summary>Honest prompts in decks of one origin each, shuffled.</summary>
    internal static Queue<string[]> Decks(PromptLibrary library, RandomStream random)
    {
        List<string[]> decks = [];
        foreach (PromptSource source in library.Of(PromptKind.Chat, PromptHalf.Scoring).Concat(library.Of(PromptKind.Narrow, PromptHalf.Scoring)).Concat(library.Of(PromptKind.Evaluation, PromptHalf.Scoring)))
        {
            List<string> prompts = [.. source.Prompts];
            SlotFilling.Shuffle(prompts, random);
            decks.AddRange(prompts.Chunk(DeckPrompts));
        }

        SlotFilling.Shuffle(decks, random);
        return new(decks);
    }

    sealed class Progress
    {
        public int Requests { get; set; }

        public int Taken { get; set; }

        public double? First { get; set; }

        public int? TakenAtFirst { get; set; }

        public GroupFinding? Finding { get; set; }
    }
}
