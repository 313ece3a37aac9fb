using Retort.Kernels;

namespace Retort.Tests.Kernels;

public sealed class CachedAttentionTests
{
    const int L = MatMul.L;
    const double Tolerance = 3e-6;

    /// <summary>Every span up to 257, a ring that is longer or just as long, its newest slot anywhere, and every lane with a length of its own.</summary>
    [Theory]
    [InlineData(1, 2, 0)]
    [InlineData(2, 5, 3)]
    [InlineData(3, 8, 40)]
    public void LanesEqualTheFormulaAtEveryLength(int heads, int size, int more)
    {
        for (int span = 1; span <= 257; span += span < 70 ? 1 : 11)
        {
            int slots = span + more, newest = span * 13 % slots, held = slots * size * L;
            float[] q = Draw.Floats(span, heads * size * L, 2f), k = Draw.Floats(span + 1, held, 2f), v = Draw.Floats(span + 2, held);
            float[] lengths = [.. Enumerable.Range(0, L).Select(l => l == 5 ? span : 1f + (l * 37 % span))];
            Guarded o = new(q.Length), scratch = new(CachedAttention.Scratch(span));
            CachedAttention.Forward(o.Span, q, k, v, lengths, slots, newest, span, heads, size, scratch.Span);
            scratch.Checked();
            double[] expected = new double[q.Length], one = new double[size];
            for (int lane = 0; lane < L; lane++)
            {
                int l = lane;
                int At(int age, int d) => ((((newest - age + slots) % slots * size) + d) * L) + l;
                for (int head = 0; head < heads; head++)
                {
                    int first = head * size;
                    Attend(one, (int)lengths[l], (age, d) => q[((first + d) * L) + l] * (double)k[At(age, d)], (age, d) => v[At(age, d)]);
                    for (int d = 0; d < size; d++)
                    {
                        expected[((first + d) * L) + l] = one[d];
                    }
                }
            }

            Near.Equal(expected, o.Checked(), Tolerance, $"a span of {span}");
        }
    }

    /// <summary>A lane's result is the same bits whatever the others hold and however far they look back.</summary>
    [Fact]
    public void LanesDoNotSeeEachOther()
    {
        const int Slots = 70, Size = 6, Lane = 9;
        float[] q = Draw.Floats(1, Size * L), k = Draw.Floats(2, Slots * Size * L), v = Draw.Floats(3, Slots * Size * L), alone = new float[q.Length], among = new float[q.Length];
        float[] lengths = [.. Enumerable.Repeat(20f, L)], others = [.. Enumerable.Range(0, L).Select(l => l == Lane ? 20f : 60f)];
        CachedAttention.Forward(alone, q, k, v, lengths, Slots, 50, 20, 1, Size, new float[CachedAttention.Scratch(20)]);
        foreach (float[] x in new[] { q, k, v })
        {
            for (int i = 0; i < x.Length; i++)
            {
                x[i] = i % L == Lane ? x[i] : 5f - x[i];
            }
        }

        CachedAttention.Forward(among, q, k, v, others, Slots, 50, 60, 1, Size, new float[CachedAttention.Scratch(60)]);
        for (int d = 0; d < Size; d++)
        {
            Assert.Equal(alone[(d * L) + Lane], among[(d * L) + Lane]);
        }
    }

    [Fact]
    public void WrongShapesAreNamed()
    {
        float[] q = new float[2 * 4], k = new float[4 * L], scratch = new float[3 * L], lanes = new float[2 * 4 * L], lane = new float[L];
        void Lanes(string operand, float[] o, float[] a, float[] b, float[] c, float[] lengths, float[] s) =>
            Near.Refuses("CachedAttention.Forward", operand, () => CachedAttention.Forward(o, a, b, c, lengths, 1, 0, 1, 2, 4, s));
        Lanes("o", k, lanes, k, k, lane, scratch);
        Lanes("q", lanes, k, k, k, lane, scratch);
        Lanes("k", lanes, lanes, lane, k, lane, scratch);
        Lanes("v", lanes, lanes, k, lane, lane, scratch);
        Lanes("lengths", lanes, lanes, k, k, q, scratch);
        Lanes("scratch", lanes, lanes, k, k, lane, lane);
    }

    /// <summary>o[d] = Σ over t of softmax(Σ over d of product(t, d) / √D)[t] · value(t, d), as it reads.</summary>
    static void Attend(Span<double> o, int count, Func<int, int, double> product, Func<int, int, double> value)
    {
        int size = o.Length;
        double[] p = [.. Enumerable.Range(0, count).Select(t => Enumerable.Range(0, size).Sum(d => product(t, d)) / Math.Sqrt(size))];
        double max = p.Max(), sum = p.Sum(x => Math.Exp(x - max));
        for (int d = 0; d < size; d++)
        {
            o[d] = 0;
            for (int t = 0; t < count; t++)
            {
                o[d] += Math.Exp(p[t] - max) / sum * value(t, d);
            }
        }
    }
}
