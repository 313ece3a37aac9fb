namespace Retort.Guard.Detector;

/// <summary>
/// Whether accounts ask within the same minutes. Time is cut into blocks of two hours and buckets of ten minutes; of each account one of its active buckets of a
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
    /// <param name="group">In an order that does not depend on times.</param>
    /// <param name="activeAccounts">How many accounts, of the group and not, were active in a bucket.</param>
    public static double LogRatio(IReadOnlyList<AccountTrail> group, Func<long, int> activeAccounts, Span<double> parts)
    {
        parts.Clear();
        long first = group.Min(a => a.FirstBucket) / BlockBuckets, last = group.Max(a => a.LastBucket) / BlockBuckets;
        double log = 0;
        Span<double> everybody = stackalloc double[BlockBuckets], own = stackalloc double[BlockBuckets];
        for (long block = Math.Max(first, last - (AccountTrail.Buckets / BlockBuckets) + 1); block <= last; block++)
        {
            double all = 0;
            for (int b = 0; b < BlockBuckets; b++)
            {
                long bucket = (block * BlockBuckets) + b;
                everybody[b] = Even / BlockBuckets + Math.Max(activeAccounts(bucket) - group.Count(a => a.IsActive(bucket)), 0);
                all += everybody[b];
            }

            own.Clear();
            int drawn = 0;
            for (int i = 0; i < group.Count; i++)
            {
                if (Draw(group[i], block) is not { } b)
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
    static int? Draw(AccountTrail account, long block)
    {
        int count = 0;
        for (int b = 0; b < BlockBuckets; b++)
        {
            count += account.IsActive((block * BlockBuckets) + b) ? 1 : 0;
        }

        if (count == 0)
        {
            return null;
        }

        int drawn = (int)(Evidence.Statistics.PlainWords.Mix((ulong)account.Id ^ ((ulong)block << 32)) % (ulong)count);
        for (int b = 0; ; b++)
        {
            if (account.IsActive((block * BlockBuckets) + b) && drawn-- == 0)
            {
                return b;
            }
        }
    }
}
