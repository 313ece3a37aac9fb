namespace Retort.Guard.Detector;

/// <summary>
/// Parts a graph of accounts into communities whose evidence, taken as a whole, is most: accounts move one by one to where they add most, then whole
/// communities join where that adds (local moving, as in Blondel et al. 2008, arXiv 0803.0476). One edge between two dense parts does not join them, since every
/// pair without an edge counts against.
/// </summary>
static class Communities
{
    const int MostRounds = 20;

    /// <summary>What a community is, as far as its worth goes.</summary>
    /// <param name="Members">Accounts.</param>
    /// <param name="Edges">Sum of the weights within.</param>
    /// <param name="Prompts">Of all members.</param>
    /// <param name="Distinct">Templates of all members.</param>
    /// <param name="Own">Prompts times templates of each member, summed.</param>
    public readonly record struct Sums(int Members, double Edges, double Prompts, double Distinct, double Own)
    {
        public static Sums operator +(Sums a, Sums b) => new(a.Members + b.Members, a.Edges + b.Edges, a.Prompts + b.Prompts, a.Distinct + b.Distinct, a.Own + b.Own);

        public static Sums operator -(Sums a, Sums b) => new(a.Members - b.Members, a.Edges - b.Edges, a.Prompts - b.Prompts, a.Distinct - b.Distinct, a.Own - b.Own);
    }

    /// <summary>Communities of at least two.</summary>
    /// <param name="nodes">Each account's own sums, without edges.</param>
    /// <param name="edges">Of every account, its neighbours and the weight between.</param>
    /// <param name="worth">Of a community; a single account is worth 0.</param>
    public static IReadOnlyList<int[]> Of(Sums[] nodes, IReadOnlyDictionary<int, double>[] edges, Func<Sums, double> worth)
    {
        int[] community = [.. Enumerable.Range(0, nodes.Length)];
        Dictionary<int, Sums> sums = community.ToDictionary(i => i, i => nodes[i]);
        bool moved = true;
        for (int round = 0; round < MostRounds && moved; round++)
        {
            moved = Move(nodes, edges, worth, community, sums) | Join(edges, worth, community, sums);
        }

        return [.. Enumerable.Range(0, nodes.Length).GroupBy(i => community[i]).Where(g => g.Count() > 1).Select(g => g.ToArray())];
    }

    static bool Move(Sums[] nodes, IReadOnlyDictionary<int, double>[] edges, Func<Sums, double> worth, int[] community, Dictionary<int, Sums> sums)
    {
        bool moved = false;
        int fresh = sums.Keys.DefaultIfEmpty(-1).Max() + 1;
        for (int i = 0; i < nodes.Length; i++)
        {
            if (edges[i].Count == 0)
            {
                continue;
            }

            Dictionary<int, double> to = [];
            foreach ((int neighbour, double weight) in edges[i])
            {
                to[community[neighbour]] = to.GetValueOrDefault(community[neighbour]) + weight;
            }

            int from = community[i];
            Sums here = sums[from], without = here - nodes[i] with { Edges = to.GetValueOrDefault(from) };
            double loss = worth(here) - worth(without), best = 0;
            int target = fresh;
            foreach ((int other, double weight) in to)
            {
                if (other != from)
                {
                    double gain = worth(sums[other] + nodes[i] with { Edges = weight }) - worth(sums[other]);
                    (best, target) = gain > best ? (gain, other) : (best, target);
                }
            }

            if (best > loss + 1e-9)
            {
                sums[from] = without;
                sums[target] = sums.GetValueOrDefault(target) + nodes[i] with { Edges = target == fresh ? 0 : to[target] };
                community[i] = target;
                fresh += target == fresh ? 1 : 0;
                moved = true;
            }
        }

        return moved;
    }

    static bool Join(IReadOnlyDictionary<int, double>[] edges, Func<Sums, double> worth, int[] community, Dictionary<int, Sums> sums)
    {
        Dictionary<(int, int), double> between = [];
        for (int i = 0; i < edges.Length; i++)
        {
            foreach ((int j, double weight) in edges[i])
            {
                if (i < j && community[i] != community[j])
                {
                    (int, int) pair = community[i] < community[j] ? (community[i], community[j]) : (community[j], community[i]);
                    between[pair] = between.GetValueOrDefault(pair) + weight;
                }
            }
        }

        Dictionary<int, int> now = [];
        bool joined = false;
        foreach (((int a, int b), double weight) in between.OrderByDescending(e => e.Value).ThenBy(e => e.Key))
        {
            // Each community joins at most once a round: what lies between the joined ones is counted anew.
            if (now.ContainsKey(a) || now.ContainsKey(b))
            {
                continue;
            }

            Sums both = sums[a] + sums[b];
            both = both with { Edges = both.Edges + weight };
            if (worth(both) > worth(sums[a]) + worth(sums[b]) + 1e-9)
            {
                (now[a], now[b]) = (a, a);
                sums[a] = both;
                sums.Remove(b);
                joined = true;
            }
        }

        for (int i = 0; i < community.Length && joined; i++)
        {
            community[i] = now.GetValueOrDefault(community[i], community[i]);
        }

        return joined;
    }
}
