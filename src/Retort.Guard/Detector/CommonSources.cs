namespace Retort.Guard.Detector;

/// <summary>
/// Accounts that work on the same material: two jobs on one set of reviews, two harnesses of one family. They meet in a good part of their templates, where
/// those who divide a list meet in few. What they share says nothing but that the material is known to both, and does not count.
/// </summary>
public sealed class CommonSources
{
    /// <summary>Templates in which two accounts must meet before it can be no accident.</summary>
    const int LeastMeetings = 3;

    /// <summary>Of the smaller account's templates, the share in which they meet.</summary>
    const double LeastShare = 0.05;

    /// <summary>Templates of more accounts are left out here: they would join everybody.</summary>
    const int MostAccounts = 24;

    readonly HashSet<(long, long)> _pairs = [];

    public static CommonSources Of(Population population)
    {
        Dictionary<(long, long), int> meetings = [];
        foreach (Template template in population.Templates.Templates)
        {
            IReadOnlyList<long> accounts = template.Accounts;
            for (int i = 1; i < accounts.Count && accounts.Count <= MostAccounts; i++)
            {
                for (int j = 0; j < i; j++)
                {
                    (long, long) pair = Pair(accounts[i], accounts[j]);
                    meetings[pair] = meetings.GetValueOrDefault(pair) + 1;
                }
            }
        }

        CommonSources sources = new();
        foreach (((long a, long b), int met) in meetings)
        {
            if (met >= LeastMeetings && met >= LeastShare * Math.Min(population[a]!.Templates.Count, population[b]!.Templates.Count))
            {
                sources._pairs.Add((a, b));
            }
        }

        return sources;
    }

    /// <summary>Whether two accounts work on the same material.</summary>
    public bool Have(long a, long b) => _pairs.Contains(Pair(a, b));

    static (long, long) Pair(long a, long b) => a < b ? (a, b) : (b, a);
}
