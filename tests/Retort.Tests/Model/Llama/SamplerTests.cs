using Retort.Model;
using Retort.Model.Llama;

namespace Retort.Tests.Model.Llama;

public class SamplerTests
{
    const int Draws = 40_000;

    [Fact]
    public void GreedyTakesTheLowestOfEqualIds()
    {
        Assert.Equal(2, Draw([0, -1, 5, 3, 5, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5], new SamplingOptions { Temperature = 0 }));
    }

    [Theory]
    [InlineData(1.0)]
    [InlineData(0.5)]
    [InlineData(2.0)]
    public void DrawsFollowTheDistribution(double temperature)
    {
        float[] logits = Logits(37);
        AssertDistribution(Probabilities(logits, temperature), logits, new SamplingOptions { Temperature = temperature });
    }

    [Fact]
    public void LogitsOfAnySizeAreSafe()
    {
        AssertDistribution([0.5, 0.5, 0], [1e30f, 1e30f, -1e30f], new SamplingOptions());
        Assert.Equal(1, Draw([1f, 2f], new SamplingOptions { Temperature = 1e-300 }));
        Assert.Throws<UserError>(() => Draw([float.NaN, float.NaN], new SamplingOptions()));
        Assert.Throws<UserError>(() => Draw([1f, float.PositiveInfinity], new SamplingOptions { Temperature = 0 }));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(36)]
    [InlineData(1000)]
    public void TopKKeepsTheMostProbable(int k)
    {
        float[] logits = Logits(37);
        AssertDistribution(Kept(Probabilities(logits, 1), (rank, _, _) => rank < k), logits, new SamplingOptions { TopK = k });
    }

    [Theory]
    [InlineData(1e-9)]
    [InlineData(0.3)]
    [InlineData(0.9)]
    [InlineData(0.999)]
    public void TopPKeepsTheFewestThatReachP(double p)
    {
        float[] logits = Logits(37);
        AssertDistribution(Kept(Probabilities(logits, 1), (_, before, _) => before < p), logits, new SamplingOptions { TopP = p });
    }

    [Theory]
    [InlineData(0.05)]
    [InlineData(1.0)]
    public void MinPKeepsThoseNearTheMostProbable(double p)
    {
        float[] logits = Logits(37);
        AssertDistribution(Kept(Probabilities(logits, 1), (_, _, ratio) => ratio >= p), logits, new SamplingOptions { MinP = p });
    }

    [Fact]
    public void FiltersActInTheOrderOfHuggingFace()
    {
        // Temperature, then 12 best, then 80% of these, then those at least 0.3 times the best.
        float[] logits = Logits(60);
        double[] p = Kept(Probabilities(logits, 1.7), (rank, _, _) => rank < 12);
        p = Kept(p, (_, before, _) => before < 0.8);
        p = Kept(p, (_, _, ratio) => ratio >= 0.3);
        AssertDistribution(p, logits, new SamplingOptions { Temperature = 1.7, TopK = 12, TopP = 0.8, MinP = 0.3 });
    }

    [Fact]
    public void EqualTokensRankById()
    {
        float[] logits = [1, 3, 3, 3, 3, 0];
        AssertDistribution([0, 0.5, 0.5, 0, 0, 0], logits, new SamplingOptions { TopK = 2 });
        AssertDistribution([0, 1, 0, 0, 0, 0], logits, new SamplingOptions { TopP = 0.1 });
    }

    [Fact]
    public void RepetitionIsPenalizedOnceForEachTokenSeen()
    {
        float[] logits = [2f, -1f, 0.5f, -3f, 1f];
        SamplingOptions options = new() { RepetitionPenalty = 1.5 };
        Sampler sampler = new(options, logits.Length);
        double[] expected = Probabilities([2f / 1.5f, -1.5f, 0.5f, -3f, 1f / 1.5f], 1);
        AssertDistribution(expected, random => sampler.Next([.. logits], random, [0, 1, 0, 999], [4, 0, 4]));
    }

    [Fact]
    public void OptionsOutOfRangeAreNamed()
    {
        static string Fault(SamplingOptions options) => Assert.Throws<UserError>(() => options.Validate("here")).Message;
        Assert.Contains("temperature is -1", Fault(new() { Temperature = -1 }), StringComparison.Ordinal);
        Assert.Contains("temperature is NaN", Fault(new() { Temperature = double.NaN }), StringComparison.Ordinal);
        Assert.Contains("top_k", Fault(new() { TopK = -1 }), StringComparison.Ordinal);
        Assert.Contains("top_p", Fault(new() { TopP = 0 }), StringComparison.Ordinal);
        Assert.Contains("min_p", Fault(new() { MinP = 1.5 }), StringComparison.Ordinal);
        Assert.Contains("repetition_penalty", Fault(new() { RepetitionPenalty = 0 }), StringComparison.Ordinal);
        Assert.Contains("max_tokens", Fault(new() { MaxTokens = -1 }), StringComparison.Ordinal);
        Assert.Contains("stop", Fault(new() { Stop = ["a", ""] }), StringComparison.Ordinal);
        new SamplingOptions().Validate("here");
    }

    static float[] Logits(int count)
    {
        RandomStream random = new(11);
        return [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextNormal() * 2))];
    }

    static int Draw(float[] logits, SamplingOptions options) => new Sampler(options, logits.Length).Next(logits, new RandomStream(1), [], []);

    static double[] Probabilities(float[] logits, double temperature)
    {
        double max = logits.Max();
        double[] e = [.. logits.Select(z => Math.Exp((z - max) / temperature))];
        double sum = e.Sum();
        return [.. e.Select(x => x / sum)];
    }

    /// <param name="keep">Of a token's rank, the probability of those before it, and its own by the largest.</param>
    static double[] Kept(double[] p, Func<int, double, double, bool> keep)
    {
        int[] ranked = [.. Enumerable.Range(0, p.Length).OrderByDescending(i => p[i])];
        double[] result = new double[p.Length];
        double before = 0;
        for (int rank = 0; rank < ranked.Length; rank++)
        {
            double own = p[ranked[rank]];
            result[ranked[rank]] = keep(rank, before, own / p[ranked[0]]) ? own : 0;
            before += own;
        }

        double sum = result.Sum();
        return [.. result.Select(x => x / sum)];
    }

    static void AssertDistribution(double[] expected, float[] logits, SamplingOptions options)
    {
        Sampler sampler = new(options, logits.Length);
        AssertDistribution(expected, random => sampler.Next([.. logits], random, [], []));
    }

    /// <summary>Pearson's chi-square at most five deviations above its mean; nothing outside the support.</summary>
    static void AssertDistribution(double[] expected, Func<RandomStream, int> draw)
    {
        RandomStream random = new(5);
        int[] counts = new int[expected.Length];
        for (int i = 0; i < Draws; i++)
        {
            counts[draw(random)]++;
        }

        double statistic = 0;
        int cells = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            if (expected[i] == 0)
            {
                Assert.Equal(0, counts[i]);
                continue;
            }

            double mean = expected[i] * Draws;
            statistic += (counts[i] - mean) * (counts[i] - mean) / mean;
            cells++;
        }

        double freedom = cells - 1;
        Assert.True(statistic <= freedom + (5 * Math.Sqrt(2 * freedom)) + 1e-9, $"chi-square {statistic:g4} at {freedom} degrees of freedom");
    }
}
