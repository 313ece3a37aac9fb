using MathNet.Numerics;
using Retort.Evidence.Watermark;

namespace Retort.Tests.Evidence.Watermark;

public class WatermarkTestTests
{
    [Theory]
    [InlineData(1, 0.25)]
    [InlineData(7, 0.5)]
    [InlineData(60, 0.25)]
    [InlineData(400, 0.05)]
    public void ABinomialTailIsTheIncompleteBetaFunction(int trials, double chance)
    {
        for (int k = 1; k <= trials; k++)
        {
            double exact = SpecialFunctions.BetaRegularized(k, trials - k + 1, chance);
            if (exact > 1e-250)
            {
                Assert.Equal(1, BinomialTail.AtLeast(k, trials, chance).Value / exact, 1e-9);
            }
        }

        Assert.Equal(1, BinomialTail.AtLeast(0, trials, chance).Value);
        Assert.Equal(trials * Math.Log10(chance), BinomialTail.AtLeast(trials, trials, chance).Log10, 1e-9 * trials);
    }

    [Fact]
    public void NoPValueIs0()
    {
        TailProbability p = WatermarkTest.GreenList(100_000, 100_000, 0.25);
        Assert.Equal(-60_206, p.Log10, 0.01);
        Assert.True(p.Value > 0);
        Assert.Equal(0, WatermarkTest.GreenList(0, 0, 0.25).Log10);
        Assert.Equal(0, WatermarkTest.TournamentWeighted([0, 0], 0).Log10);
        Assert.Equal(-30 * 1000 * Math.Log10(2), WatermarkTest.TournamentWeighted([.. Enumerable.Repeat(1000L, 30)], 1000).Log10, 1e-6 * 9000);
    }

    /// <summary>Against the distribution summed term by term, in every place and far out in the tail.</summary>
    [Theory]
    [InlineData(1, 1)]
    [InlineData(5, 3)]
    [InlineData(12, 10)]
    [InlineData(3, 30)]
    [InlineData(17, 30)]
    [InlineData(9, 64)]
    public void AWeightedTailIsExact(int scored, int layers)
    {
        int[] weights = [.. Enumerable.Range(0, layers).Select(l => WatermarkTest.Weight(l, layers))];
        double[] mass = [1];
        foreach (int weight in weights)
        {
            for (int i = 0; i < scored; i++)
            {
                double[] next = new double[mass.Length + weight];
                for (int s = 0; s < mass.Length; s++)
                {
                    next[s] += mass[s] / 2;
                    next[s + weight] += mass[s] / 2;
                }

                mass = next;
            }
        }

        (int, long)[] parts = [.. weights.GroupBy(w => w, (w, same) => (w, (long)same.Count() * scored))];
        double tail = 0;
        for (int s = mass.Length - 1; s >= 0; s--)
        {
            tail += mass[s];
            Assert.Equal(1, WeightedBits.AtLeast(s, parts).Value / tail, 1e-9);
        }
    }

    [Fact]
    public void WeightsFallFromTenToOneOverTheLayers()
    {
        Assert.Equal([10, 10, 10, 9, 9, 9], Enumerable.Range(0, 6).Select(l => WatermarkTest.Weight(l, 30)));
        Assert.Equal([2, 1, 1, 1], Enumerable.Range(26, 4).Select(l => WatermarkTest.Weight(l, 30)));
        Assert.All(Enumerable.Range(1, 64), m => Assert.InRange(WatermarkTest.Weight(m - 1, m), 1, 10));
    }

    /// <summary>Many tokens take no longer than few: the points grow with the standard deviation.</summary>
    [Fact]
    public void LongTextsAgreeWithTheNormalLaw()
    {
        const int Scored = 20_000;
        long[] set = [.. Enumerable.Range(0, 30).Select(l => (Scored / 2) + (l < 15 ? 120L : 0))];
        double variance = Enumerable.Range(0, 30).Sum(l => Scored * 0.25 * Math.Pow(WatermarkTest.Weight(l, 30), 2));
        double excess = Enumerable.Range(0, 15).Sum(l => 120.0 * WatermarkTest.Weight(l, 30));
        double normal = 0.5 * SpecialFunctions.Erfc((excess - 0.5) / Math.Sqrt(2 * variance));
        Assert.Equal(1, WatermarkTest.TournamentWeighted(set, Scored).Value / normal, 0.01);
    }

    [Fact]
    public void ARankAmongDecoysIsNever0()
    {
        Assert.Equal(0.01, WatermarkTest.AmongDecoys(5, [.. Enumerable.Repeat(1.0, 99)]), 1e-12);
        Assert.Equal(1, WatermarkTest.AmongDecoys(1, [1, 2, 3]), 1e-12);
        Assert.Equal(0.5, WatermarkTest.AmongDecoys(2, [1, 2, 1]), 1e-12);
    }
}
