using Retort.Kernels;

namespace Retort.Tests.Kernels;

public sealed class RopeTests
{
    const int L = MatMul.L;

    [Theory]
    [InlineData(1, 2)]
    [InlineData(3, 6)]
    [InlineData(2, 10)]
    [InlineData(4, 48)]
    [InlineData(1, 64)]
    public void TurnsByTheAngleAndBack(int heads, int size)
    {
        const int Positions = 4 * L;
        double[] frequency = [.. Enumerable.Range(0, size / 2).Select(p => Math.Pow(10000, -2.0 * p / size))];
        float[] cos = new float[frequency.Length * Positions], sin = new float[cos.Length];
        Rope.Tables(cos, sin, frequency, Positions);
        foreach (int first in new[] { 0, 1, 32, 70, Positions - L })
        {
            float[] x = Draw.Floats(first, heads * size * L);
            double[] expected = Turned(Draw.Wide(x), frequency, heads, size, first);
            Guarded turned = new(x);
            Rope.Turn(turned.Span, cos, sin, heads, size, Positions, first);
            Near.Equal(expected, turned.Checked(), 5e-7, $"turned from {first}");
            Rope.Turn(turned.Span, cos, sin, heads, size, Positions, first, back: true);
            Near.Equal(Draw.Wide(x), turned.Checked(), 1e-6, $"turned back from {first}");
        }
    }

    /// <summary>A turn keeps lengths, so its gradient is the turn back: ⟨turn x, dy⟩ = ⟨x, back dy⟩.</summary>
    [Fact]
    public void BackIsTheGradient()
    {
        const int Heads = 2, Size = 6;
        float[] cos = new float[3 * L], sin = new float[3 * L];
        Rope.Tables(cos, sin, [1.0, 0.3, 0.01], L);
        float[] x = Draw.Floats(1, Heads * Size * L), dy = Draw.Floats(2, x.Length), y = [.. x], dx = [.. dy];
        Rope.Turn(y, cos, sin, Heads, Size, L, 0);
        Rope.Turn(dx, cos, sin, Heads, Size, L, 0, back: true);
        double left = y.Zip(dy, (a, b) => (double)a * b).Sum(), right = x.Zip(dx, (a, b) => (double)a * b).Sum();
        Near.Equal(left, right, 1e-5, "inner product");
    }

    /// <summary>Every even head size up to one past 256, a block of tokens and one token alone, there and back.</summary>
    [Fact]
    public void EveryHeadSizeTurns()
    {
        const int Heads = 2, First = 3;
        for (int size = 0; size <= 258; size += 2)
        {
            double[] frequency = [.. Enumerable.Range(0, size / 2).Select(p => Math.Pow(10000, -2.0 * p / size))];
            float[] cos = new float[size / 2 * 2 * L], sin = new float[cos.Length], x = Draw.Floats(size, Heads * size * L);
            Rope.Tables(cos, sin, frequency, 2 * L);
            double[] expected = Turned(Draw.Wide(x), frequency, Heads, size, First);
            Guarded block = new(x);
            Rope.Turn(block.Span, cos, sin, Heads, size, 2 * L, First);
            Near.Equal(expected, block.Checked(), 5e-7, $"a block of heads of {size}");
            Rope.Turn(block.Span, cos, sin, Heads, size, 2 * L, First, back: true);
            Near.Equal(Draw.Wide(x), block.Checked(), 1e-6, $"a block of heads of {size}, turned back");
            for (int l = 0; l < L; l += 13)
            {
                int position = First + l;
                Guarded token = new([.. Draw.Token(x, Heads * size, l).Select(v => (float)v)]);
                float[] c = [.. Enumerable.Range(0, size / 2).Select(p => cos[(p * 2 * L) + position])], s = [.. Enumerable.Range(0, size / 2).Select(p => sin[(p * 2 * L) + position])];
                Rope.TurnVector(token.Span, c, s, Heads, size);
                Near.Equal([.. Enumerable.Range(0, Heads * size).Select(i => expected[(i * L) + l])], token.Checked(), 5e-7, $"one token of heads of {size}");
            }
        }
    }

    [Fact]
    public void BackEqualsTheSlopes()
    {
        const int Heads = 2, Size = 6, First = 5;
        double[] frequency = [1.0, 0.3, 0.01];
        float[] cos = new float[3 * 2 * L], sin = new float[cos.Length], x = Draw.Floats(1, Heads * Size * L), dy = Draw.Floats(2, x.Length);
        Rope.Tables(cos, sin, frequency, 2 * L);
        double[] wide = Draw.Wide(x), slope = Draw.Wide(dy);
        double[] slopes = Near.Slopes(wide, () => Turned(wide, frequency, Heads, Size, First).Zip(slope, (a, b) => a * b).Sum());
        Rope.Turn(dy, cos, sin, Heads, Size, 2 * L, First, back: true);
        Near.Equal(slopes, dy, 1e-6, "dx");
    }

    [Fact]
    public void TablesHoldFarPositions()
    {
        float[] cos = new float[20000], sin = new float[20000];
        Rope.Tables(cos, sin, [1.0], 20000);
        Assert.Equal((float)Math.Cos(19999), cos[19999]);
        Assert.Equal((float)Math.Sin(19999), sin[19999]);
    }

    [Fact]
    public void WrongShapesAreNamed()
    {
        float[] x = new float[2 * 4 * L], table = new float[2 * 64];
        Near.Refuses("Rope.Turn", "x", () => Rope.Turn(x.AsSpan(1), table, table, 2, 4, 64, 0));
        Near.Refuses("Rope.Turn", "cos", () => Rope.Turn(x, table.AsSpan(1), table, 2, 4, 64, 32));
        Near.Refuses("Rope.Turn", "sin", () => Rope.Turn(x, table, table.AsSpan(1), 2, 4, 64, 32));
        Near.Refuses("Rope.Turn", "cos", () => Rope.Turn(x, table, table, 2, 4, 64, 33));
        Near.Refuses("Rope.TurnVector", "x", () => Rope.TurnVector(x.AsSpan(0, 7), table, table, 2, 4));
        Near.Refuses("Rope.TurnVector", "cos", () => Rope.TurnVector(x, table.AsSpan(0, 1), table, 2, 4));
        Near.Refuses("Rope.TurnVector", "sin", () => Rope.TurnVector(x, table, table.AsSpan(0, 1), 2, 4));
        Near.Refuses("Rope.Tables", "cos", () => Rope.Tables(table.AsSpan(1), table, [1.0, 0.5], 64));
    }

    /// <summary>One token block turned as the definition reads, in double.</summary>
    static double[] Turned(double[] x, double[] frequency, int heads, int size, int first)
    {
        double[] y = new double[x.Length];
        for (int h = 0; h < heads; h++)
        {
            for (int p = 0; p < size / 2; p++)
            {
                for (int l = 0; l < L; l++)
                {
                    double angle = (first + l) * frequency[p];
                    int a = (((h * size) + p) * L) + l, b = a + (size / 2 * L);
                    y[a] = (x[a] * Math.Cos(angle)) - (x[b] * Math.Sin(angle));
                    y[b] = (x[b] * Math.Cos(angle)) + (x[a] * Math.Sin(angle));
                }
            }
        }

        return y;
    }
}
