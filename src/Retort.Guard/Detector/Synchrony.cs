using Retort.Evidence.Statistics;

namespace Retort.Guard.Detector;

/// <summary>
/// Whether accounts ask within the same minutes. Time is cut into buckets of ten minutes and blocks of two hours, counted back from now; of each account one of its active buckets of a
/// block counts, drawn by a hash, so that long sessions count no more than short ones. Under the null it falls as those of everybody else do; under the
/// alternative where those of the group fell that were counted before it: a Pólya urn, whose predictions multiply to a likelihood ratio.
/// </summary>
public static class Synchrony
{
    /// <summary>Buckets of a block.</summary>
    public const int BlockBuckets = 12;

    /// <summary>Pretended accounts spread evenly over a block, in what everybody does.</summary>
    const double Even = 6;

    /// <summary>How many of the group's own are as good as knowing its rounds.</summary>
    const double Weight = 2;

    /// <summary>The natural logarithm of the ratio, and each account's part in it.</summary>
    /// <param name="now">The bucket that is going on.</param>
    /// <param name="group">In an order that does not depend on times.</param>
    /// <param name="activeAccounts">How many established accounts, of the group and not, were active in a bucket.</param>
    public static double LogRatio(long now, IReadOnlyList<AccountTrail> group, Func<long, int> activeAccounts, Span<double> parts)
    {
        parts.Clear();
        long oldest = Math.Max(group.Min(a => a.FirstBucket), now - AccountTrail.Buckets + BlockBuckets);

        // Where blocks begin depends on when one looks: each of the ways to cut time has its share of the prior.
        double log = -Math.Log(BlockBuckets);
        Span<double> everybody = stackalloc double[BlockBuckets], own = stackalloc double[BlockBuckets];
        for (long start = now - BlockBuckets + 1; start + BlockBuckets > oldest; start -= BlockBuckets)
        {
            double all = 0;
            for (int b = 0; b < BlockBuckets; b++)
            {
                long bucket = start + b;
                everybody[b] = Even / BlockBuckets + Math.Max(activeAccounts(bucket) - group.Count(a => a.IsActive(bucket) && a.IsEstablished(bucket)), 0);
                all += everybody[b];
            }

            own.Clear();
            int drawn = 0;
            for (int i = 0; i < group.Count; i++)
            {
                if (Draw(group[i], start) is not { } b)
                {
                    continue;
                }

                double known = everybody[b] / all, ratio = (own[b] + (Weight * known)) / (drawn + Weight) / known;
                parts[i] += Math.Log(ratio);
                log += Math.Log(ratio);
                own[b]++;
                drawn++;
            }
        }

        // Half of the prior is on there being nothing in it.
        return log > 30 ? log - Math.Log(2) : Math.Log((1 + Math.Exp(log)) / 2);
    }

    /// <summary>One of an account's active buckets of a block; null where it has none.</summary>
    static int? Draw(AccountTrail account, long start)
    {
        int count = 0;
        for (int b = 0; b < BlockBuckets; b++)
        {
            count += account.IsActive(start + b) ? 1 : 0;
        }

        if (count == 0)
        {
            return null;
        }

        int drawn = (int)(PlainWords.Mix((ulong)account.Id ^ ((ulong)start << 32)) % (ulong)count);
        for (int b = 0; ; b++)
        {
            if (account.IsActive(start + b) && drawn-- == 0)
            {
                return b;
            }
        }
    }
}
