namespace Retort.Guard.Detector;

/// <summary>Looks for groups of accounts that are one operator's: 1 candidates, by each family · 2 the evidence of every family on each · 3 of groups that overlap, the one with most.</summary>
public sealed class GroupSearch(Population population, DetectorOptions options)
{
    /// <summary>Below this a pair's times are no edge, in nats.</summary>
    const double LeastPair = 3;

    /// <summary>What every pair of a timing community costs.</summary>
    const double PairCost = 4;

    /// <summary>Buckets between which the times of a pair are compared with its times in the same ones.</summary>
    const int NearShift = 2, FarShift = 5;

    readonly AccountTrail[] _trails = [.. population.Trails.OrderBy(t => t.Id)];

    /// <summary>What was found, the strongest first; groups share no account.</summary>
    public IReadOnlyList<GroupFinding> Run()
    {
        List<GroupFinding> found = [];
        foreach (int[] candidate in ByContent().Concat(ByTiming()).Concat(ByIdentity()))
        {
            if (candidate.Length >= 3)
            {
                found.Add(Evidence([.. candidate.Select(i => _trails[i])]));
            }
        }

        HashSet<long> taken = [];
        List<GroupFinding> kept = [];
        foreach (GroupFinding finding in found.OrderByDescending(f => f.LogE))
        {
            if (!finding.Members.Any(m => taken.Contains(m.Account)))
            {
                taken.UnionWith(finding.Members.Select(m => m.Account));
                kept.Add(finding);
            }
        }

        return kept;
    }

    /// <summary>The evidence on one group.</summary>
    public GroupFinding Evidence(IReadOnlyList<AccountTrail> group)
    {
        HashSet<long> members = [.. group.Select(a => a.Id)];
        DividedList list = DividedList.Of(group, population.Templates, members);
        double[] timing = new double[group.Count];
        Dictionary<EvidenceFamily, double> families = new()
        {
            [EvidenceFamily.Content] = list.LogRatio(options.Chance),
            [EvidenceFamily.Timing] = Synchrony.LogRatio(group, population.Active, timing),
            [EvidenceFamily.Identity] = Mean([Value(t => t.Address.Most), Value(t => t.Network.Most), Value(t => t.Agent.Most), Value(t => t.Facts.Payment), Value(t => t.Facts.Organisation)]),
            [EvidenceFamily.Shape] = Mean([Value(t => t.Parameters.Most), Value(t => t.System.Most), Value(Rhythm.Of)]),
        };
        double prompts = group.Sum(a => (double)a.Prompts), distinct = group.Sum(a => (double)a.Templates.Count);
        GroupMember[] each = [.. group.Select((a, i) =>
        {
            double met = a.Templates.Count(t => population.Templates[t] is { } template && DividedList.Counts(template, members));
            double exposure = ((a.Prompts * (distinct - a.Templates.Count)) + (a.Templates.Count * (prompts - a.Prompts))) / 2;
            return new GroupMember(a.Id, list.LogRatioOf(met, exposure, options.Chance) + timing[i]);
        })];
        return new(each, ScanPrior.Log(_trails.Length, group.Count), families, list);

        double Value(Func<AccountTrail, ulong> value)
        {
            ulong[] all = [.. _trails.Select(value)];
            return SharedValue.LogRatio([.. group.Select(value)], all.Where(v => v != 0).CountBy(v => v).ToDictionary(), all.Count(v => v != 0));
        }
    }

    /// <summary>The mean of several e-values is one, whatever they have to do with each other.</summary>
    static double Mean(ReadOnlySpan<double> logs)
    {
        double most = double.NegativeInfinity, sum = 0;
        foreach (double log in logs)
        {
            most = Math.Max(most, log);
        }

        foreach (double log in logs)
        {
            sum += Math.Exp(log - most);
        }

        return most + Math.Log(sum / logs.Length);
    }

    IReadOnlyList<int[]> ByContent()
    {
        Dictionary<long, int> places = _trails.Select((t, i) => (t.Id, i)).ToDictionary(p => p.Id, p => p.i);
        Dictionary<int, double>[] edges = [.. _trails.Select(_ => new Dictionary<int, double>())];
        foreach (Template template in population.Templates.Templates)
        {
            int count = template.Accounts.Count;
            if (count < 2 || template.IsCommon)
            {
                continue;
            }

            for (int i = 0; i < count; i++)
            {
                for (int j = 0; j < i; j++)
                {
                    Connect(edges, places[template.Accounts[i]], places[template.Accounts[j]], 1.0 / (count - 1));
                }
            }
        }

        Communities.Sums[] nodes = [.. _trails.Select(t => new Communities.Sums(1, 0, t.Prompts, t.Templates.Count, (double)t.Prompts * t.Templates.Count))];
        return Communities.Of(nodes, edges, s => s.Members < 2 ? 0 : new DividedList(s.Edges, Math.Max(((s.Prompts * s.Distinct) - s.Own) / 2, 1)).LogRatio(options.Chance) + ScanPrior.Log(_trails.Length, s.Members));
    }

    IReadOnlyList<int[]> ByTiming()
    {
        Dictionary<int, double>[] edges = [.. _trails.Select(_ => new Dictionary<int, double>())];
        for (int i = 0; i < _trails.Length; i++)
        {
            for (int j = 0; j < i; j++)
            {
                (AccountTrail a, AccountTrail b) = (_trails[i], _trails[j]);
                long from = Math.Max(a.FirstBucket, b.FirstBucket), to = Math.Min(a.LastBucket, b.LastBucket);
                if (to < from)
                {
                    continue;
                }

                int together = a.Together(b, from, to, 0);
                if (together < 3)
                {
                    continue;
                }

                double apart = 0.5;
                for (int shift = NearShift; shift <= FarShift; shift++)
                {
                    apart += (a.Together(b, from, to, shift) + a.Together(b, from, to, -shift)) / (2.0 * (FarShift - NearShift + 1));
                }

                double nats = together > apart ? (together * Math.Log(together / apart)) - (together - apart) : 0;
                if (nats > LeastPair)
                {
                    Connect(edges, i, j, nats);
                }
            }
        }

        return Communities.Of([.. _trails.Select(_ => new Communities.Sums(1, 0, 0, 0, 0))], edges, s => s.Edges - (PairCost * s.Members * (s.Members - 1) / 2));
    }

    /// <summary>Accounts that share a payment, an organisation or an address that few others have.</summary>
    IEnumerable<int[]> ByIdentity()
    {
        foreach (Func<AccountTrail, ulong> value in (Func<AccountTrail, ulong>[])[t => t.Facts.Payment, t => t.Facts.Organisation, t => t.Address.Most, t => t.Network.Most])
        {
            foreach (IGrouping<ulong, int> same in Enumerable.Range(0, _trails.Length).Where(i => value(_trails[i]) != 0).GroupBy(i => value(_trails[i])))
            {
                if (same.Count() >= options.LeastMembers)
                {
                    yield return [.. same];
                }
            }
        }
    }

    static void Connect(Dictionary<int, double>[] edges, int a, int b, double weight)
    {
        edges[a][b] = edges[a].GetValueOrDefault(b) + weight;
        edges[b][a] = edges[b].GetValueOrDefault(a) + weight;
    }
}
