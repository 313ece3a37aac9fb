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
            double[] expected = new double[x.Length];
            for (int h = 0; h < heads; h++)
            {
                for (int p = 0; p < size / 2; p++)
                {
                    for (int l = 0; l < L; l++)
                    {
                        double angle = (first + l) * frequency[p];
                        int a = (((h * size) + p) * L) + l, b = a + (size / 2 * L);
                        expected[a] = (x[a] * Math.Cos(angle)) - (x[b] * Math.Sin(angle));
                        expected[b] = (x[b] * Math.Cos(angle)) + (x[a] * Math.Sin(angle));
                    }
                }
            }

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
        Near.Refuses("Rope.Tables", "cos", () => Rope.Tables(table.AsSpan(1), table, [1.0, 0.5], 64));
    }
}
