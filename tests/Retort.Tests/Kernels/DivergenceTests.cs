using Retort.Kernels;

namespace Retort.Tests.Kernels;

public sealed class DivergenceTests
{
    const int L = MatMul.L;

    public static TheoryData<LossWeights> Mixtures()
    {
        TheoryData<LossWeights> mixtures = [];
        foreach (float t in new[] { 1f, 2f })
        {
            mixtures.Add(new LossWeights(1, 0, 0, 0, 0.5f, t));
            mixtures.Add(new LossWeights(0, 1, 0, 0, 0.5f, t));
            mixtures.Add(new LossWeights(0, 0, 1, 0, 0.5f, t));
            foreach (float beta in new[] { 0.1f, 0.5f, 0.9f })
            {
                mixtures.Add(new LossWeights(0, 0, 0, 1, beta, t));
            }

            mixtures.Add(new LossWeights(0.3f, 0.7f, 0, 0, 0.5f, t));
            mixtures.Add(new LossWeights(0.1f, 0.2f, 0.3f, 0.4f, 0.3f, t));
        }

        return mixtures;
    }

    [Theory]
    [MemberData(nameof(Mixtures))]
    public void LossAndGradientEqualTheFormula(LossWeights terms)
    {
        foreach (int v in Draw.Spread)
        {
            Check(Draw.Floats(v, v * L, 4f), Draw.Floats(v + 1, v * L, 4f), v, terms, 1e-5, 4e-6);
        }
    }

    /// <summary>Every size of vocabulary up to one past 256, through the sweeps that take any mixture and through the fast one.</summary>
    [Theory]
    [InlineData(0.1f, 0.2f, 0.3f, 0.4f, 2f)]
    [InlineData(0f, 1f, 0f, 0f, 1f)]
    public void EveryVocabularyEqualsTheFormula(float crossEntropy, float forward, float reverse, float jensenShannon, float t)
    {
        for (int v = 1; v <= 257; v++)
        {
            Check(Draw.Floats(v, v * L, 4f), Draw.Floats(v + 1, v * L, 4f), v, new LossWeights(crossEntropy, forward, reverse, jensenShannon, 0.3f, t), 1e-5, 4e-6);
        }
    }

    [Theory]
    [MemberData(nameof(Mixtures))]
    public void GradientEqualsTheSlopes(LossWeights terms)
    {
        foreach (int v in new[] { 1, 2, 7, 33 })
        {
            float[] z = Draw.Floats(v, v * L, 2f), u = Draw.Floats(v + 1, v * L, 2f), gradient = [.. z], loss = new float[L], weights = CrossEntropyTests.Weights(v);
            int[] targets = Draw.Whole(v, L, v);
            Divergence.LossAndGradient(loss, gradient, [.. u], targets, weights, v, terms);
            for (int l = 0; l < L; l += 3)
            {
                double[] student = Draw.Token(z, v, l), teacher = Draw.Token(u, v, l);
                int target = targets[l];
                double[] slopes = Near.Slopes(student, () => NaiveLoss.Value(student, teacher, target, terms));
                for (int i = 0; i < v; i++)
                {
                    Near.Equal(slopes[i] * weights[l], gradient[(i * L) + l], 4e-6, $"dz[{i}] of {v}, token {l}");
                }
            }
        }
    }

    /// <summary>A weight too small to count leads past the fast path.</summary>
    [Fact]
    public void TheFastPathEqualsTheGeneralOne()
    {
        foreach (int v in Draw.Spread)
        {
            float[] z = Draw.Floats(v, v * L, 6f), u = Draw.Floats(v + 1, v * L, 6f), fast = [.. z], general = [.. z], fastLoss = new float[L], generalLoss = new float[L];
            int[] targets = new int[L];
            float[] weights = CrossEntropyTests.Weights(v);
            Divergence.LossAndGradient(fastLoss, fast, [.. u], targets, weights, v, new LossWeights(0, 0.8f, 0, 0, 0.5f, 1));
            Divergence.LossAndGradient(generalLoss, general, [.. u], targets, weights, v, new LossWeights(0, 0.8f, 1e-30f, 0, 0.5f, 1));
            for (int i = 0; i < z.Length; i++)
            {
                Assert.Equal(general[i], fast[i], 2e-6f);
            }

            for (int l = 0; l < L; l++)
            {
                Near.Equal(generalLoss[l], fastLoss[l], 5e-6, $"loss of {v}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Mixtures))]
    public void ExtremeLogitsStayFinite(LossWeights terms)
    {
        foreach (int v in new[] { 2, 17, 64 })
        {
            float[] z = [.. Draw.Floats(v, v * L).Select(x => x < 0 ? -1e4f : 1e4f)], u = [.. Draw.Floats(v + 1, v * L).Select(x => x < 0 ? -1e4f : 1e4f)];
            Check(z, u, v, terms, 1e-5, 4e-5);
        }
    }

    [Theory]
    [MemberData(nameof(Mixtures))]
    public void AgreementCostsNothing(LossWeights terms)
    {
        LossWeights divergence = terms with { CrossEntropy = 0 };
        const int V = 37;
        float[] z = Draw.Floats(1, V * L, 5f), loss = new float[L], ones = new float[L], gradient = [.. z];
        ones.AsSpan().Fill(1f);
        Divergence.LossAndGradient(loss, gradient, [.. z], new int[L], ones, V, divergence);
        Assert.All(loss, x => Assert.Equal(0f, x, 2e-6f));
        Assert.All(gradient, x => Assert.Equal(0f, x, 2e-6f));
        float[] flat = new float[V * L];
        Check(flat, [.. flat], V, terms, 1e-6, 1e-6);
    }

    [Fact]
    public void WrongShapesAreNamed()
    {
        float[] z = new float[4 * L], u = new float[4 * L], lane = new float[L];
        int[] targets = new int[L], wrong = new int[L];
        wrong[3] = 4;
        LossWeights terms = new(1, 1, 0, 0, 0.5f, 1);
        Near.Refuses("Divergence", "z", () => Divergence.LossAndGradient(lane, z.AsSpan(1), u, targets, lane, 4, terms));
        Near.Refuses("Divergence", "u", () => Divergence.LossAndGradient(lane, z, u.AsSpan(1), targets, lane, 4, terms));
        Near.Refuses("Divergence", "loss", () => Divergence.LossAndGradient(lane.AsSpan(1), z, u, targets, lane, 4, terms));
        Near.Refuses("Divergence", "targets", () => Divergence.LossAndGradient(lane, z, u, targets.AsSpan(1), lane, 4, terms));
        Near.Refuses("Divergence", "weights", () => Divergence.LossAndGradient(lane, z, u, targets, lane.AsSpan(1), 4, terms));
        Near.Refuses("Divergence", "targets", () => Divergence.LossAndGradient(lane, z, u, wrong, lane, 4, terms));
    }

    static void Check(float[] z, float[] u, int v, LossWeights terms, double lossTolerance, double gradientTolerance)
    {
        Guarded gradient = new(z), teacher = new(u), loss = new(L);
        int[] targets = Draw.Whole(v, L, v);
        float[] weights = CrossEntropyTests.Weights(v);
        Divergence.LossAndGradient(loss.Span, gradient.Span, teacher.Span, targets, weights, v, terms);
        teacher.Checked();
        double[] expected = new double[v * L];
        for (int l = 0; l < L; l++)
        {
            double[] student = Draw.Token(z, v, l), other = Draw.Token(u, v, l), g = NaiveLoss.Gradient(student, other, targets[l], terms);
            Near.Equal(NaiveLoss.Value(student, other, targets[l], terms), loss.Checked()[l], lossTolerance, $"loss of {v}, token {l}");
            for (int i = 0; i < v; i++)
            {
                expected[(i * L) + l] = weights[l] * g[i];
                Assert.True(weights[l] != 0 || gradient.Span[(i * L) + l] == 0f, "a masked token has a gradient");
            }
        }

        ReadOnlySpan<float> actual = gradient.Checked();
        for (int i = 0; i < expected.Length; i++)
        {
            Near.Equal(expected[i], actual[i], gradientTolerance, $"dz of {v}");
        }
    }
}
