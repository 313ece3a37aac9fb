namespace Retort.Guard.Detector;

/// <summary>Looks for groups of accounts that are one operator's: 1 candidates, by each family · 2 the evidence of every family on each.</summary>
public sealed class GroupSearch(Population population, DetectorOptions options)
{
    /// <summary>Below this a pair's times are no edge, in nats.</summary>
    const double LeastPair = 3;

    /// <summary>What every pair of a timing community costs.</summary>
    const double PairCost = 4;

    /// <summary>Rates of meeting within a group that are looked for: a list of few templates or of many.</summary>
    static readonly double[] s_rates = [1e-2, 1e-3, 1e-4, 1e-5];

    /// <summary>What an account costs a community of content while one is looked for, in nats; what is found is judged by <see cref="ScanPrior"/>.</summary>
    const double AccountCost = 2;

    const int LeastGroup = 3;

    /// <summary>How much of a group is kept when it is narrowed down; 0 for those against whom there is more than for them.</summary>
    static readonly double[] s_kept = [0, 0.98, 0.9, 0.75, 0.5];

    /// <summary>Buckets between which the times of a pair are compared with its times in the same ones.</summary>
    const int NearShift = 2, FarShift = 5;

    readonly AccountTrail[] _trails = [.. population.Trails.OrderBy(t => t.Id)];
    readonly CommonSources _sources = CommonSources.Of(population);

    /// <summary>All candidates with their evidence; some overlap.</summary>
    public IReadOnlyList<GroupFinding> Run()
    {
        population.Review();
        return [.. ByContent().Concat(ByTiming().Concat(ByIdentity()).SelectMany(ByRhythm)).Where(c => c.Length >= LeastGroup).SelectMany(c => Refined([.. c.Select(i => _trails[i])]))];
    }

    /// <summary>A group, and what is left of it when those go against whom there is least, as long as that says more.</summary>
    IEnumerable<GroupFinding> Refined(AccountTrail[] group)
    {
        GroupFinding best = Evidence(group);
        yield return best;
        for (bool better = true; better;)
        {
            better = false;
            GroupMember[] ranked = [.. best.Members.OrderByDescending(m => m.Log)];
            foreach (double share in s_kept)
            {
                int kept = share == 0 ? ranked.Count(m => m.Log > 0) : (int)(share * ranked.Length);
                if (kept < LeastGroup || kept == ranked.Length)
                {
                    continue;
                }

                HashSet<long> members = [.. ranked.Take(kept).Select(m => m.Account)];
                GroupFinding finding = Evidence([.. group.Where(a => members.Contains(a.Id))]);
                if (finding.LogE > best.LogE)
                {
                    (best, better) = (finding, true);
                }
            }

            if (better)
            {
                yield return best;
            }
        }
    }

    /// <summary>The evidence on one group.</summary>
    public GroupFinding Evidence(IReadOnlyList<AccountTrail> group)
    {
        HashSet<long> members = [.. group.Select(a => a.Id)];
        (DividedList list, double content) = Content(group);
        double[] timing = new double[group.Count];
        Dictionary<EvidenceFamily, double> families = new()
        {
            [EvidenceFamily.Content] = content,
            [EvidenceFamily.Timing] = Synchrony.LogRatio(population.Now / AccountTrail.BucketMs, group, population.Active, timing),
            [EvidenceFamily.Identity] = Mean([Value(t => t.Address.Most), Value(t => t.Network.Most), Value(t => t.Agent.Most), Value(t => t.Facts.Payment), Value(t => t.Facts.Organisation)]),
            [EvidenceFamily.Shape] = Mean([Value(t => t.Parameters.Most), Value(t => t.System.Most), Value(Rhythm.Of)]),
        };
        double prompts = group.Sum(a => (double)a.Different), distinct = group.Sum(a => (double)a.Templates.Count);
        GroupMember[] each = [.. group.Select((a, i) =>
        {
            int met = a.Templates.Count(t => population.Templates[t] is { } template && DividedList.Counts(template, members, _sources));
            double exposure = ((a.Different * (distinct - a.Templates.Count)) + (a.Templates.Count * (prompts - a.Different))) / 2;
            double own = list.LogRatioOf(met, exposure, options.Chance);
            return new GroupMember(a.Id, met, own, own + timing[i]);
        })];
        return new(each, ScanPrior.Log(_trails.Length, group.Count), families, list);

        double Value(Func<AccountTrail, ulong> value)
        {
            ulong[] all = [.. _trails.Select(value)];
            return SharedValue.LogRatio([.. group.Select(value)], all.Where(v => v != 0).CountBy(v => v).ToDictionary(), all.Count(v => v != 0));
        }
    }

    /// <summary>
    /// The list and its evidence. Which of the members divide it is not known: half of the prior is on all of them, half on each number of them and each choice of so
    /// many alike, and the members who met others are the choice that is looked at.
    /// </summary>
    (DividedList List, double Log) Content(IReadOnlyList<AccountTrail> group)
    {
        DividedList all = DividedList.Of(group, population.Templates, _sources);
        AccountTrail[] met = [.. group.Where(a => all.Sharers.Contains(a.Id))];
        if (met.Length < 2 || met.Length == group.Count)
        {
            return (all, all.LogRatio(options.Chance) - Math.Log(2));
        }

        DividedList core = DividedList.Of(met, population.Templates, _sources);
        (double ofAll, double ofCore) = (all.LogRatio(options.Chance) - Math.Log(2), core.LogRatio(options.Chance) - Math.Log(2) + ScanPrior.Log(group.Count, met.Length));
        return ofAll >= ofCore ? (all, ofAll) : (core, ofCore);
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

    IEnumerable<int[]> ByContent()
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
                    if (!_sources.Have(template.Accounts[i], template.Accounts[j]))
                    {
                        Connect(edges, places[template.Accounts[i]], places[template.Accounts[j]], 1.0 / (count - 1));
                    }
                }
            }
        }

        Communities.Sums[] nodes = [.. _trails.Select(t => new Communities.Sums(1, 0, t.Different, t.Templates.Count, (double)t.Different * t.Templates.Count))];
        // In the beginning of a campaign each account has met hardly anybody, and what is connected is small: then all who met somebody are one candidate.
        int[] met = [.. Enumerable.Range(0, edges.Length).Where(i => edges[i].Count > 0)];
        return s_rates.SelectMany(rate => Communities.Of(
            nodes, edges, s => s.Members < 2 ? 0 : (s.Edges * Math.Log(rate / options.Chance)) - ((rate - options.Chance) * ((s.Prompts * s.Distinct) - s.Own) / 2) - (AccountCost * s.Members))).Append(met);
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

    /// <summary>A group, and those of it that have one rhythm: a campaign may keep the hours that many honest jobs keep.</summary>
    IEnumerable<int[]> ByRhythm(int[] group) => group.GroupBy(i => Rhythm.Of(_trails[i])).Where(g => g.Count() < group.Length).Select(g => g.ToArray()).Prepend(group);

    static void Connect(Dictionary<int, double>[] edges, int a, int b, double weight)
    {
        edges[a][b] = edges[a].GetValueOrDefault(b) + weight;
        edges[b][a] = edges[b].GetValueOrDefault(a) + weight;
    }
}
