using Retort.Kernels;

namespace Retort.Tests.Kernels;

public sealed class CrossEntropyTests
{
    const int L = MatMul.L;
    static readonly LossWeights Alone = new(1, 0, 0, 0, 0.5f, 1);

    [Fact]
    public void LossAndGradientEqualTheFormula()
    {
        for (int v = 1; v <= 257; v++)
        {
            float[] z = Draw.Floats(v, v * L, 5f), weights = Weights(v);
            Check(z, Draw.Whole(v, L, v), weights, v, 5e-6);
        }
    }

    [Fact]
    public void GradientEqualsTheSlopes()
    {
        foreach (int v in Draw.Spread.Where(v => v <= 65))
        {
            float[] z = Draw.Floats(v, v * L, 3f), loss = new float[L], weights = Weights(v), gradient = [.. z];
            int[] targets = Draw.Whole(v, L, v);
            CrossEntropy.LossAndGradient(loss, gradient, targets, weights, v);
            for (int l = 0; l < L; l += 5)
            {
                double[] token = Draw.Token(z, v, l);
                int target = targets[l];
                double[] slopes = Near.Slopes(token, () => -NaiveLoss.LogSoftmax(token, 1)[target]);
                for (int i = 0; i < v; i++)
                {
                    Near.Equal(slopes[i] * weights[l], gradient[(i * L) + l], 1e-6, $"dz[{i}] of {v}, token {l}");
                }
            }
        }
    }

    [Theory]
    [InlineData(1e4f)]
    [InlineData(0f)]
    public void ExtremeAndEqualLogits(float size)
    {
        foreach (int v in new[] { 1, 2, 17, 64 })
        {
            float[] z = [.. Draw.Floats(v, v * L).Select(x => x < 0 ? -size : size)];
            Check(z, Draw.Whole(v, L, v), Weights(1), v, 1e-6);
        }
    }

    /// <summary>A logit of −∞ is a token that cannot come: no probability, no gradient.</summary>
    [Fact]
    public void MinusInfinityIsImpossible()
    {
        const int V = 9;
        float[] z = Draw.Floats(4, V * L), loss = new float[L], ones = new float[L];
        ones.AsSpan().Fill(1f);
        z.AsSpan(3 * L, L).Fill(float.NegativeInfinity);
        z.AsSpan(0, L).Fill(float.NegativeInfinity);
        float[] finite = [.. z.Select(x => float.IsFinite(x) ? x : -1e30f)], same = new float[L];
        CrossEntropy.LossAndGradient(loss, z, Enumerable.Repeat(5, L).ToArray(), ones, V);
        CrossEntropy.LossAndGradient(same, finite, Enumerable.Repeat(5, L).ToArray(), ones, V);
        Assert.Equal(same, loss);
        Assert.Equal(finite, z);
        Assert.All(z.AsSpan(3 * L, L).ToArray(), x => Assert.Equal(0f, x));
    }

    [Fact]
    public void WrongShapesAreNamed()
    {
        float[] z = new float[4 * L], lane = new float[L];
        int[] targets = new int[L], above = new int[L], below = new int[L];
        (above[31], below[0]) = (4, -1);
        Near.Refuses("CrossEntropy", "z", () => CrossEntropy.LossAndGradient(lane, z.AsSpan(1), targets, lane, 4));
        Near.Refuses("CrossEntropy", "loss", () => CrossEntropy.LossAndGradient(lane.AsSpan(1), z, targets, lane, 4));
        Near.Refuses("CrossEntropy", "targets", () => CrossEntropy.LossAndGradient(lane, z, targets.AsSpan(1), lane, 4));
        Near.Refuses("CrossEntropy", "weights", () => CrossEntropy.LossAndGradient(lane, z, targets, lane.AsSpan(1), 4));
        Near.Refuses("CrossEntropy", "targets", () => CrossEntropy.LossAndGradient(lane, z, above, lane, 4));
        Near.Refuses("CrossEntropy", "targets", () => CrossEntropy.LossAndGradient(lane, z, below, lane, 4));
    }

    /// <summary>Weights with a masked token in every four.</summary>
    internal static float[] Weights(int seed)
    {
        float[] weights = Draw.Floats(seed + 77, L);
        for (int l = 0; l < L; l++)
        {
            weights[l] = l % 4 == 1 ? 0f : 1f + (0.5f * weights[l]);
        }

        return weights;
    }

    static void Check(float[] z, int[] targets, float[] weights, int v, double tolerance)
    {
        Guarded gradient = new(z), loss = new(L);
        CrossEntropy.LossAndGradient(loss.Span, gradient.Span, targets, weights, v);
        double[] losses = new double[L], expected = new double[v * L];
        for (int l = 0; l < L; l++)
        {
            double[] token = Draw.Token(z, v, l), g = NaiveLoss.Gradient(token, token, targets[l], Alone);
            losses[l] = NaiveLoss.Value(token, token, targets[l], Alone);
            for (int i = 0; i < v; i++)
            {
                expected[(i * L) + l] = weights[l] * g[i];
                Assert.True(weights[l] != 0 || gradient.Span[(i * L) + l] == 0f, "a masked token has a gradient");
            }
        }

        for (int l = 0; l < L; l++)
        {
            Near.Equal(losses[l], loss.Checked()[l], tolerance, $"loss of {v}, token {l}");
        }

        for (int i = 0; i < expected.Length; i++)
        {
            Near.Equal(expected[i], gradient.Checked()[i], tolerance, $"dz of {v}");
        }
    }
}
