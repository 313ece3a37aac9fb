using Retort.Kernels;

namespace Retort.Tests.Kernels;

public sealed class AttentionTests
{
    const int L = MatMul.L;

    public static TheoryData<int, int, int> Shapes()
    {
        TheoryData<int, int, int> shapes = [];
        foreach ((int heads, int keyHeads) in new[] { (1, 1), (4, 2), (6, 3), (3, 1) })
        {
            foreach (int size in new[] { 2, 6, 8, 10, 16, 48, 64 })
            {
                shapes.Add(heads, keyHeads, size);
            }
        }

        return shapes;
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void ForwardAndBackwardEqualTheReference(int heads, int keyHeads, int size)
    {
        for (int blocks = 1; blocks <= 4; blocks++)
        {
            Check(blocks, heads, keyHeads, size);
        }
    }

    /// <summary>Every even head size up to one past 256.</summary>
    [Fact]
    public void EveryHeadSizeEqualsTheReference()
    {
        for (int size = 2; size <= 258; size += 2)
        {
            Check(1, 1, 1, size);
        }
    }

    /// <summary>As many blocks as 257 tokens take.</summary>
    [Theory]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(9)]
    public void LongSequencesEqualTheReference(int blocks) => Check(blocks, 2, 1, 6);

    [Theory]
    [InlineData(1, 1, 1, 2)]
    [InlineData(2, 3, 1, 6)]
    [InlineData(1, 4, 2, 10)]
    [InlineData(2, 2, 2, 16)]
    public void BackwardEqualsTheSlopes(int blocks, int heads, int keyHeads, int size)
    {
        NaiveAttention naive = Make(blocks, heads, keyHeads, size, 1.5f, out float[] q, out float[] k, out float[] v);
        float[] slope = Draw.Floats(7, q.Length);
        double[] wide = Draw.Wide(slope);
        (_, _, Guarded dq, Guarded dk, Guarded dv) = Run(q, k, v, slope, blocks, heads, keyHeads, size);
        double Loss()
        {
            naive.Forward();
            return naive.O.Zip(wide, (a, b) => a * b).Sum();
        }

        Random random = new(3);
        foreach ((double[] x, Guarded gradient, string name) in new[] { (naive.Q, dq, "dq"), (naive.K, dk, "dk"), (naive.V, dv, "dv") })
        {
            float largest = gradient.Checked().ToArray().Max(MathF.Abs);
            for (int sample = 0; sample < 24; sample++)
            {
                int i = random.Next(x.Length);
                double expected = Near.Slope(x, i, Loss);
                Assert.True(Math.Abs(expected - gradient.Span[i]) <= 1e-5 * largest, $"{name}[{i}] is {gradient.Span[i]}, the slope {expected}");
            }
        }
    }

    /// <summary>Scores in the ten thousands leave one key with all the weight and nothing infinite.</summary>
    [Fact]
    public void LargeScoresStayFinite()
    {
        NaiveAttention naive = Make(2, 2, 1, 8, 90f, out float[] q, out float[] k, out float[] v);
        (Guarded o, Guarded lse, Guarded dq, Guarded dk, Guarded dv) = Run(q, k, v, Draw.Floats(5, q.Length), 2, 2, 1, 8);
        naive.Forward();
        Near.Equal(naive.O, o.Checked(), 1e-2, "o");
        Near.Equal(naive.Lse, lse.Checked(), 1e-6, "lse");
        foreach (Guarded gradient in new[] { dq, dk, dv })
        {
            Assert.All(gradient.Checked().ToArray(), x => Assert.True(float.IsFinite(x)));
        }
    }

    [Fact]
    public void EqualScoresAverageTheValues()
    {
        float[] q = new float[2 * L], k = Draw.Floats(1, 2 * L), v = Draw.Floats(2, 2 * L);
        (Guarded o, Guarded lse, _, _, _) = Run(q, k, v, q, 1, 1, 1, 2);
        for (int l = 0; l < L; l++)
        {
            Assert.Equal(v.AsSpan(0, l + 1).ToArray().Average(), o.Span[l], 1e-6f);
            Assert.Equal(MathF.Log(l + 1), lse.Span[l], 1e-6f);
        }
    }

    /// <summary>A later token changes nothing before it, to the bit.</summary>
    [Fact]
    public void NothingLooksAhead()
    {
        Make(2, 2, 1, 6, 1f, out float[] q, out float[] k, out float[] v);
        (Guarded before, _, _, _, _) = Run(q, k, v, q, 2, 2, 1, 6);
        for (int d = 0; d < 6; d++)
        {
            k[((6 + d) * L) + 5] += 3f;
            v[((6 + d) * L) + 5] -= 3f;
        }

        (Guarded after, _, _, _, _) = Run(q, k, v, q, 2, 2, 1, 6);
        for (int i = 0; i < q.Length; i++)
        {
            int token = (i / (2 * 6 * L) * L) + (i % L);
            Assert.Equal(token < L + 5, before.Span[i] == after.Span[i]);
        }
    }

    [Fact]
    public void WrongShapesAreNamed()
    {
        float[] q = new float[2 * 4 * L], k = new float[4 * L], lse = new float[2 * L], scratch = new float[Math.Max(Attention.ForwardScratch(1), Attention.BackwardScratch(1, 4))];
        void Forward(string operand, float[] o, float[] sums, float[] a, float[] b, float[] c, float[] s, int head = 0) =>
            Near.Refuses("Attention.Forward", operand, () => Attention.Forward(o, sums, a, b, c, 1, 2, 1, 4, head, s));
        Forward("o", k, lse, q, k, k, scratch);
        Forward("lse", q, [], q, k, k, scratch);
        Forward("q", q, lse, k, k, k, scratch);
        Forward("k", q, lse, q, lse, k, scratch);
        Forward("v", q, lse, q, k, lse, scratch);
        Forward("scratch", q, lse, q, k, k, lse);
        Forward("head", q, lse, q, k, k, scratch, 2);
        void Backward(string operand, float[] dq, float[] dk, float[] dv, float[] dout, float[] o, float[] sums, float[] a, float[] b, float[] c, float[] s, int keyHead = 0) =>
            Near.Refuses("Attention.Backward", operand, () => Attention.Backward(dq, dk, dv, dout, o, sums, a, b, c, 1, 2, 1, 4, keyHead, s));
        Backward("dq", k, k, k, q, q, lse, q, k, k, scratch);
        Backward("dk", q, lse, k, q, q, lse, q, k, k, scratch);
        Backward("dv", q, k, lse, q, q, lse, q, k, k, scratch);
        Backward("do", q, k, k, k, q, lse, q, k, k, scratch);
        Backward("o", q, k, k, q, k, lse, q, k, k, scratch);
        Backward("lse", q, k, k, q, q, [], q, k, k, scratch);
        Backward("q", q, k, k, q, q, lse, k, k, k, scratch);
        Backward("k", q, k, k, q, q, lse, q, lse, k, scratch);
        Backward("v", q, k, k, q, q, lse, q, k, lse, scratch);
        Backward("scratch", q, k, k, q, q, lse, q, k, k, lse);
        Backward("keyHead", q, k, k, q, q, lse, q, k, k, scratch, 1);
    }

    static void Check(int blocks, int heads, int keyHeads, int size)
    {
        string what = $"{heads}/{keyHeads} heads of {size}, {blocks} blocks";
        NaiveAttention naive = Make(blocks, heads, keyHeads, size, 2f, out float[] q, out float[] k, out float[] v);
        float[] slope = Draw.Floats(9, q.Length);
        (Guarded o, Guarded lse, Guarded dq, Guarded dk, Guarded dv) = Run(q, k, v, slope, blocks, heads, keyHeads, size);
        naive.Forward();
        naive.Backward(Draw.Wide(slope));
        Near.Equal(naive.O, o.Checked(), 3e-6, "o, " + what);
        Near.Equal(naive.Lse, lse.Checked(), 2e-6, "lse, " + what);
        Near.Equal(naive.Dq, dq.Checked(), 1e-5, "dq, " + what);
        Near.Equal(naive.Dk, dk.Checked(), 1e-5, "dk, " + what);
        Near.Equal(naive.Dv, dv.Checked(), 1e-5, "dv, " + what);
    }

    static NaiveAttention Make(int blocks, int heads, int keyHeads, int size, float scale, out float[] q, out float[] k, out float[] v)
    {
        q = Draw.Floats(blocks + size, blocks * heads * size * L, scale);
        k = Draw.Floats(blocks + size + 1, blocks * keyHeads * size * L, scale);
        v = Draw.Floats(blocks + size + 2, blocks * keyHeads * size * L);
        return new NaiveAttention(Draw.Wide(q), Draw.Wide(k), Draw.Wide(v), blocks, heads, keyHeads, size);
    }

    static (Guarded O, Guarded Lse, Guarded Dq, Guarded Dk, Guarded Dv) Run(float[] q, float[] k, float[] v, float[] slope, int blocks, int heads, int keyHeads, int size)
    {
        Guarded o = new(q.Length), lse = new(blocks * heads * L), dq = new(q.Length), dk = new(k.Length), dv = new(k.Length);
        Guarded forward = new(Attention.ForwardScratch(blocks)), backward = new(Attention.BackwardScratch(blocks, size));
        for (int head = 0; head < heads; head++)
        {
            Attention.Forward(o.Span, lse.Span, q, k, v, blocks, heads, keyHeads, size, head, forward.Span);
        }

        for (int keyHead = 0; keyHead < keyHeads; keyHead++)
        {
            Attention.Backward(dq.Span, dk.Span, dv.Span, slope, o.Span, lse.Span, q, k, v, blocks, heads, keyHeads, size, keyHead, backward.Span);
        }

        forward.Checked();
        backward.Checked();
        return (o, lse, dq, dk, dv);
    }
}
