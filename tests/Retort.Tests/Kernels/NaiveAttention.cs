namespace Retort.Tests.Kernels;

/// <summary>Causal grouped-query attention as its definition reads, in double, one query at a time, from the start of its document on.</summary>
sealed class NaiveAttention(double[] q, double[] k, double[] v, int blocks, int heads, int keyHeads, int size, int[]? starts = null)
{
    const int L = 32;
    readonly int _tokens = blocks * L;

    public double[] Q => q;

    public double[] K => k;

    public double[] V => v;

    public double[] O { get; } = new double[q.Length];

    public double[] Lse { get; } = new double[blocks * heads * L];

    public double[] Dq { get; } = new double[q.Length];

    public double[] Dk { get; } = new double[k.Length];

    public double[] Dv { get; } = new double[v.Length];

    public void Forward()
    {
        for (int head = 0; head < heads; head++)
        {
            for (int t = 0; t < _tokens; t++)
            {
                double[] p = Weights(head, t);
                for (int d = 0; d < size; d++)
                {
                    double sum = 0;
                    for (int s = 0; s <= t; s++)
                    {
                        sum += p[s] * v[Key(head, d, s)];
                    }

                    O[Query(head, d, t)] = sum;
                }
            }
        }
    }

    /// <summary>After <see cref="Forward"/>.</summary>
    public void Backward(double[] slope)
    {
        double scale = 1 / Math.Sqrt(size);
        for (int head = 0; head < heads; head++)
        {
            for (int t = 0; t < _tokens; t++)
            {
                double[] p = Weights(head, t), dp = new double[t + 1];
                double mean = 0;
                for (int s = 0; s <= t; s++)
                {
                    for (int d = 0; d < size; d++)
                    {
                        dp[s] += slope[Query(head, d, t)] * v[Key(head, d, s)];
                        Dv[Key(head, d, s)] += slope[Query(head, d, t)] * p[s];
                    }

                    mean += p[s] * dp[s];
                }

                for (int s = 0; s <= t; s++)
                {
                    double ds = p[s] * (dp[s] - mean) * scale;
                    for (int d = 0; d < size; d++)
                    {
                        Dq[Query(head, d, t)] += ds * k[Key(head, d, s)];
                        Dk[Key(head, d, s)] += ds * q[Query(head, d, t)];
                    }
                }
            }
        }
    }

    int Query(int head, int d, int t) => (((((t / L) * heads) + head) * size) + d) * L + (t % L);

    int Key(int head, int d, int t) => (((((t / L) * keyHeads) + (head * keyHeads / heads)) * size) + d) * L + (t % L);

    double[] Weights(int head, int t)
    {
        double[] p = new double[t + 1];
        double max = double.NegativeInfinity, sum = 0;
        for (int s = starts?[t] ?? 0; s <= t; s++)
        {
            for (int d = 0; d < size; d++)
            {
                p[s] += q[Query(head, d, t)] * k[Key(head, d, s)];
            }

            p[s] /= Math.Sqrt(size);
            max = Math.Max(max, p[s]);
        }

        for (int s = starts?[t] ?? 0; s <= t; s++)
        {
            sum += p[s] = Math.Exp(p[s] - max);
        }

        for (int s = starts?[t] ?? 0; s <= t; s++)
        {
            p[s] /= sum;
        }

        Lse[(((t / L) * heads) + head) * L + (t % L)] = max + Math.Log(sum);
        return p;
    }
}
