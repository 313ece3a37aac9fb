using Retort.Guard.Detector;
using Retort.Model;

namespace Retort.Guard.Replay;

/// <summary>The accounts of one campaign and their requests.</summary>
static class CampaignTraffic
{
    /// <param name="number">The campaign's place in its scenario.</param>
    /// <param name="camouflage">Honest prompts to blend in, a deck for each account as long as there are some: none is used twice.</param>
    public static List<ReplayRequest> Of(CampaignPlan plan, int number, IReadOnlyList<string> list, Queue<string[]> camouflage, double days, Strangers strangers)
    {
        RandomStream random = strangers.Random;
        Member[] members = [.. Enumerable.Range(0, plan.Accounts).Select(i => Member.Of(plan, number, i, strangers))];
        List<(long At, Member Who)> turns = [];
        foreach (Member member in members)
        {
            turns.AddRange(Times(plan, days, random).Take(plan.MostRequests ?? int.MaxValue).Select(at => (at, member)));
        }

        List<ReplayRequest> requests = [];
        int next = 0;
        foreach ((long at, Member who) in turns.OrderBy(t => t.At))
        {
            if (random.NextDouble() >= plan.Blend)
            {
                if (next == list.Count)
                {
                    break;
                }

                requests.Add(new(who.Asks(at, plan.Paraphrased ? Paraphrase.Of(list[next], random) : list[next]), IsCampaign: true));
                next++;
            }
            else if (who.Camouflage(camouflage) is { } prompt)
            {
                requests.Add(new(who.Asks(at, prompt), IsCampaign: false));
            }
        }

        return requests;
    }

    /// <summary>When one account asks.</summary>
    static IEnumerable<long> Times(CampaignPlan plan, double days, RandomStream random)
    {
        double end = days * 24, hour = plan.Starts.TotalHours;
        if (plan.Timing.Round == TimeSpan.Zero)
        {
            List<double> at = [];
            for (int i = 0; i < plan.PerDay * (end - hour) / 24; i++)
            {
                at.Add(hour + (random.NextDouble() * (end - hour)));
            }

            return at.Order().Select(h => (long)(h * 3_600_000));
        }

        return Rounds();

        IEnumerable<long> Rounds()
        {
            double perRound = plan.PerDay * plan.Timing.Round.TotalDays;
            for (; hour < end; hour += plan.Timing.Round.TotalHours)
            {
                int asks = (int)perRound + (random.NextDouble() < perRound % 1 ? 1 : 0);
                foreach (double at in Enumerable.Range(0, asks).Select(_ => hour + (random.NextDouble() * plan.Timing.Spread.TotalHours)).Order())
                {
                    yield return (long)(at * 3_600_000);
                }
            }
        }
    }

    sealed class Member(ReplayAccount account, RequestOrigin origin, RequestShape shape)
    {
        string[] _deck = [];
        int _dealt;

        public static Member Of(CampaignPlan plan, int campaign, int index, Strangers strangers)
        {
            CampaignTraits t = plan.Traits;
            RequestOrigin own = strangers.Origin();
            ReplayAccount account = strangers.Add(AccountKind.Campaign, plan.Name, campaign: campaign, payment: Shared(t.Payment, 3), organisation: Shared(t.Organisation, 4));
            return new(
                account,
                new(t.Address > 0 ? Shared(t.Address, 1) : own.Address, t.Network > 0 ? Shared(t.Network, 2) : own.Network, t.OneClient ? 99 : own.Agent),
                t.OneShape ? new(999, 0, 1, AsksProbabilities: false) : strangers.Shape());

            // The same for so many accounts, and nobody else's.
            ulong Shared(int accounts, ulong what) => accounts == 0 ? 0 : (ulong)(((campaign + 1) * 1_000_003L) + (index / accounts)) << 8 | what;
        }

        public SeenRequest Asks(long at, string prompt) => new(account.Id, at, prompt, shape, origin);

        /// <summary>The next of this account's honest prompts; null when all are used up.</summary>
        public string? Camouflage(Queue<string[]> decks)
        {
            if (_dealt == _deck.Length && decks.TryDequeue(out string[]? deck))
            {
                (_deck, _dealt) = (deck, 0);
            }

            return _dealt < _deck.Length ? _deck[_dealt++] : null;
        }
    }
}
