using Retort.Kernels;

namespace Retort.Tests.Kernels;

public sealed class SoftmaxTests
{
    [Theory]
    [InlineData(1f)]
    [InlineData(0.5f)]
    public void BothPassesEqualTheFormula(float scale)
    {
        for (int n = 0; n <= 257; n++)
        {
            float[] x = Draw.Floats(n, n, 6f);
            float max = Softmax.Max(x);
            Assert.Equal(n == 0 ? float.NegativeInfinity : x.Max(), max);
            double[] expected = [.. x.Select(v => Math.Exp(((double)v - max) * scale))];
            Guarded e = new(x);
            float sum = Softmax.Exponentials(e.Span, max, scale);
            Near.Equal(expected, e.Checked(), 1e-6, $"e of {n}");
            Near.Equal(expected.Sum(), sum, 2e-6, $"sum of {n}");
        }
    }

    /// <summary>The largest value counts wherever it stands, alone in the last vector or among those after it.</summary>
    [Fact]
    public void TheMaximumIsFoundAnywhere()
    {
        for (int n = 1; n <= 257; n++)
        {
            float[] x = Draw.Floats(n, n);
            int at = n * 7 % n;
            x[at] = 3f;
            x[^1] = Math.Max(x[^1], 2f);
            Assert.Equal(3f, Softmax.Max(x));
            x[at] = 0f;
            Assert.Equal(x.Max(), Softmax.Max(x));
        }
    }

    [Fact]
    public void LogitsOfAnySizeAreSafe()
    {
        foreach (int n in Draw.Spread)
        {
            float[] x = [.. Draw.Floats(n, n).Select((v, i) => i == n / 2 ? 1e30f : v < 0 ? float.NegativeInfinity : -1e30f)];
            float max = Softmax.Max(x);
            Assert.Equal(1e30f, max);
            Assert.Equal(1f, Softmax.Exponentials(x, max, 1f));
            Assert.Equal(1f, x[n / 2]);
            Assert.Equal(n - 1, x.Count(0f));
        }
    }

    [Fact]
    public void WhatIsNoNumberIsPassedOver()
    {
        foreach (int n in Draw.Spread.Where(n => n > 2))
        {
            float[] x = Draw.Floats(n, n);
            x[0] = x[n - 1] = x[n / 2] = float.NaN;
            float[] numbers = [.. x.Where(v => !float.IsNaN(v))];
            float max = Softmax.Max(x);
            Assert.Equal(numbers.Length == 0 ? float.NegativeInfinity : numbers.Max(), max);
            if (numbers.Length > 0)
            {
                Near.Equal(numbers.Sum(v => Math.Exp((double)v - max)), Softmax.Exponentials(x, max, 1f), 2e-6, $"sum of {n}");
                Assert.Equal((0f, 0f, 0f), (x[0], x[n / 2], x[n - 1]));
            }
        }
    }
}
