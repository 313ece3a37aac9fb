using Retort.Kernels;

namespace Retort.Tests.Kernels;

public sealed class SparseDivergenceTests
{
    const int L = MatMul.L;

    [Theory]
    [InlineData(TailHandling.Bucket, 0f, 1f)]
    [InlineData(TailHandling.Bucket, 0f, 2f)]
    [InlineData(TailHandling.Bucket, 0.4f, 1f)]
    [InlineData(TailHandling.Bucket, 0.4f, 2f)]
    [InlineData(TailHandling.Renormalize, 0f, 1f)]
    [InlineData(TailHandling.Renormalize, 0.4f, 2f)]
    [InlineData(TailHandling.Sample, 0f, 1f)]
    [InlineData(TailHandling.Sample, 0.4f, 1f)]
    [InlineData(TailHandling.Sample, 0.4f, 2f)]
    public void LossAndGradientEqualTheSlopes(TailHandling tail, float ce, float t)
    {
        LossWeights terms = new(ce, 0.6f, 0, 0, 0.5f, t);
        foreach ((int v, int kept) in new[] { (2, 1), (7, 3), (16, 16), (33, 5), (65, 1), (129, 40) })
        {
            Check(tail, terms, v, kept, every: 5);
        }
    }

    /// <summary>Every size of vocabulary up to one past 256.</summary>
    [Theory]
    [InlineData(TailHandling.Bucket, 0f, 1f)]
    [InlineData(TailHandling.Renormalize, 0.4f, 1f)]
    [InlineData(TailHandling.Sample, 0.4f, 2f)]
    public void EveryVocabularyEqualsTheSlopes(TailHandling tail, float ce, float t)
    {
        for (int v = 2; v <= 257; v++)
        {
            Check(tail, new LossWeights(ce, 0.6f, 0, 0, 0.5f, t), v, 1 + (v * 5 % Math.Min(v, 24)), every: L);
        }
    }

    [Theory]
    [InlineData(TailHandling.Bucket, 0f, 1f)]
    [InlineData(TailHandling.Bucket, 0.5f, 2f)]
    [InlineData(TailHandling.Renormalize, 0.5f, 1f)]
    [InlineData(TailHandling.Sample, 0f, 2f)]
    public void WithEveryEntryKeptItIsTheDenseLoss(TailHandling tail, float ce, float t)
    {
        LossWeights terms = new(ce, 1f, 0, 0, 0.5f, t);
        foreach (int v in new[] { 1, 2, 9, 33, 128 })
        {
            float[] z = Draw.Floats(v, v * L, 3f), u = Draw.Floats(v + 1, v * L, 3f), dense = [.. z], sparse = [.. z], denseLoss = new float[L], sparseLoss = new float[L];
            (int[] ids, float[] p) = Keep(v, v, t, tail, full: true);
            int[] targets = Draw.Whole(v, L, v);
            float[] weights = CrossEntropyTests.Weights(v);
            Divergence.LossAndGradient(denseLoss, dense, u, targets, weights, v, terms);
            SparseDivergence.LossAndGradient(sparseLoss, sparse, ids, p, v, tail, targets, weights, v, terms, new float[v * L]);
            for (int i = 0; i < z.Length; i++)
            {
                Assert.Equal(dense[i], sparse[i], 5e-6f);
            }

            for (int l = 0; l < L; l++)
            {
                Near.Equal(denseLoss[l], sparseLoss[l], 2e-5, $"loss of {v}");
            }
        }
    }

    [Fact]
    public void ExtremeLogitsStayFinite()
    {
        const int V = 20, Kept = 4;
        foreach (TailHandling tail in Enum.GetValues<TailHandling>())
        {
            float[] z = [.. Draw.Floats(V, V * L).Select(x => x < 0 ? -1e4f : 1e4f)], loss = new float[L], ones = new float[L];
            ones.AsSpan().Fill(1f);
            (int[] ids, float[] p) = Keep(V, Kept, 1f, tail, full: false);
            SparseDivergence.LossAndGradient(loss, z, ids, p, Kept, tail, new int[L], ones, V, new LossWeights(0.5f, 0.5f, 0, 0, 0.5f, 1), []);
            Assert.All(loss, x => Assert.True(float.IsFinite(x)));
            Assert.All(z, x => Assert.True(float.IsFinite(x)));
        }
    }

    [Fact]
    public void WrongShapesAreNamed()
    {
        float[] z = new float[4 * L], lane = new float[L], p = new float[2 * L];
        int[] targets = new int[L], ids = new int[2 * L], wrong = new int[2 * L];
        wrong[5] = 4;
        LossWeights terms = new(1, 1, 0, 0, 0.5f, 2);
        void Refuses(string operand, float[] loss, float[] logits, int[] kept, float[] probabilities, int[] labels, float[] weights, float[] scratch) =>
            Near.Refuses("SparseDivergence", operand, () => SparseDivergence.LossAndGradient(loss, logits, kept, probabilities, 2, TailHandling.Bucket, labels, weights, 4, terms, scratch));
        Refuses("loss", [], z, ids, p, targets, lane, z);
        Refuses("z", lane, p, ids, p, targets, lane, z);
        Refuses("ids", lane, z, targets, p, targets, lane, z);
        Refuses("p", lane, z, ids, lane, targets, lane, z);
        Refuses("targets", lane, z, ids, p, [], lane, z);
        Refuses("weights", lane, z, ids, p, targets, [], z);
        Refuses("scratch", lane, z, ids, p, targets, lane, p);
        Refuses("targets", lane, z, ids, p, wrong, lane, z);
        Refuses("ids", lane, z, wrong, p, targets, lane, z);
    }

    /// <param name="every">Of how many tokens one has its slopes compared: all of a small vocabulary, every seventh of a larger one.</param>
    static void Check(TailHandling tail, LossWeights terms, int v, int kept, int every)
    {
        float[] z = Draw.Floats(v, v * L, 3f), weights = CrossEntropyTests.Weights(v);
        (int[] ids, float[] p) = Keep(v, kept, terms.Temperature, tail, full: false);
        int[] targets = Draw.Whole(v, L, v);
        Guarded gradient = new(z), loss = new(L), scratch = new(v * L);
        SparseDivergence.LossAndGradient(loss.Span, gradient.Span, ids, p, kept, tail, targets, weights, v, terms, scratch.Span);
        scratch.Checked();
        for (int l = 0; l < L; l++)
        {
            double[] token = Draw.Token(z, v, l);
            int lane = l;
            double Loss() => Reference(token, ids.AsSpan(lane * kept, kept), p.AsSpan(lane * kept, kept), tail, targets[lane], terms);
            Near.Equal(Loss(), loss.Checked()[l], 5e-6, $"loss of {v}, token {l}");
            for (int i = 0; i < v && l % every == 2; i += v <= 64 ? 1 : 7)
            {
                Near.Equal(weights[l] * Near.Slope(token, i, Loss), gradient.Checked()[(i * L) + l], 5e-6, $"dz[{i}] of {v}, token {l}");
            }

            for (int i = 0; i < v && weights[l] == 0; i++)
            {
                Assert.Equal(0f, gradient.Checked()[(i * L) + l]);
            }
        }
    }

    /// <summary>The teacher's likeliest tokens; every third token leaves its last slot unused.</summary>
    static (int[] Ids, float[] P) Keep(int v, int kept, float t, TailHandling tail, bool full)
    {
        float[] u = Draw.Floats(v + 1, v * L, 3f), p = new float[kept * L];
        int[] ids = new int[kept * L];
        for (int l = 0; l < L; l++)
        {
            double[] log = NaiveLoss.LogSoftmax(Draw.Token(u, v, l), t);
            int[] order = [.. Enumerable.Range(0, v).OrderByDescending(i => log[i])];
            int used = !full && kept > 1 && l % 3 == 0 ? kept - 1 : kept;
            double mass = tail == TailHandling.Bucket ? 1 : order.Take(used).Sum(i => Math.Exp(log[i]));
            for (int i = 0; i < kept; i++)
            {
                ids[(l * kept) + i] = i < used ? order[i] : -1;
                p[(l * kept) + i] = i < used ? (float)(Math.Exp(log[order[i]]) / mass) : float.NaN;
            }
        }

        return (ids, p);
    }

    static double Reference(double[] z, ReadOnlySpan<int> ids, ReadOnlySpan<float> p, TailHandling tail, int target, in LossWeights terms)
    {
        double t = terms.Temperature, value = 0, mass = 0, studentMass = 0;
        double[] lq = NaiveLoss.LogSoftmax(z, t);
        for (int i = 0; i < ids.Length && ids[i] >= 0; i++)
        {
            value += p[i] * (Math.Log(p[i]) - lq[ids[i]]);
            mass += p[i];
            studentMass += Math.Exp(lq[ids[i]]);
        }

        if (tail == TailHandling.Bucket && mass < 1 - 1e-6)
        {
            value += (1 - mass) * Math.Log((1 - mass) / (1 - studentMass));
        }

        return (terms.ForwardKl * t * t * value) - (terms.CrossEntropy * NaiveLoss.LogSoftmax(z, 1)[target]);
    }
}
