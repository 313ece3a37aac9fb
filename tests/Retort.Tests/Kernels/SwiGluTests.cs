using Retort.Kernels;

namespace Retort.Tests.Kernels;

public sealed class SwiGluTests
{
    [Fact]
    public void ForwardAndBackwardEqualTheFormula()
    {
        for (int n = 0; n <= 257; n++)
        {
            float[] g = Draw.Floats(n, n, 6f), u = Draw.Floats(n + 1, n), dy = Draw.Floats(n + 2, n);
            Guarded y = new(n), again = new(n), dg = new(n), du = new(n);
            SwiGlu.Forward(y.Span, g, u);
            SwiGlu.Backward(again.Span, dg.Span, du.Span, dy, g, u);
            double[] slopeG = new double[n], slopeU = new double[n], expected = new double[n];
            for (int i = 0; i < n; i++)
            {
                double[] x = [g[i], u[i]];
                double d = dy[i];
                expected[i] = Reference(x);
                slopeG[i] = Near.Slope(x, 0, () => d * Reference(x));
                slopeU[i] = Near.Slope(x, 1, () => d * Reference(x));
            }

            Near.Equal(expected, y.Checked(), 1e-6, $"y of {n}");
            Near.Equal(slopeG, dg.Checked(), 1e-6, $"dg of {n}");
            Near.Equal(slopeU, du.Checked(), 1e-6, $"du of {n}");
            Assert.True(y.Span.SequenceEqual(again.Checked()));
        }
    }

    [Fact]
    public void GradientsMayReplaceTheInputs()
    {
        float[] g = Draw.Floats(1, 100), u = Draw.Floats(2, 100), dy = Draw.Floats(3, 100), y = new float[100], dg = new float[100], du = new float[100];
        SwiGlu.Backward(y, dg, du, dy, g, u);
        SwiGlu.Backward(dy, g, u, dy, g, u);
        Assert.Equal(y, dy);
        Assert.Equal(dg, g);
        Assert.Equal(du, u);
    }

    [Fact]
    public void ExtremesSaturate()
    {
        float[] g = new float[17], u = new float[17], y = new float[17], dg = new float[17], du = new float[17], dy = new float[17];
        u.AsSpan().Fill(1f);
        dy.AsSpan().Fill(1f);
        for (int i = 0; i < g.Length; i++)
        {
            g[i] = i % 2 == 0 ? -1e4f : 1e4f;
        }

        SwiGlu.Backward(y, dg, du, dy, g, u);
        for (int i = 0; i < g.Length; i++)
        {
            Assert.Equal(Math.Max(g[i], 0f), y[i], 1e-6f);
            Assert.Equal(g[i] > 0 ? 1f : 0f, dg[i], 1e-6f);
        }
    }

    [Fact]
    public void WrongShapesAreNamed()
    {
        float[] a = new float[4], b = new float[3];
        Near.Refuses("SwiGlu.Forward", "g", () => SwiGlu.Forward(a, b, a));
        Near.Refuses("SwiGlu.Forward", "u", () => SwiGlu.Forward(a, a, b));
        Near.Refuses("SwiGlu.Backward", "dg", () => SwiGlu.Backward(a, b, a, a, a, a));
        Near.Refuses("SwiGlu.Backward", "du", () => SwiGlu.Backward(a, a, b, a, a, a));
        Near.Refuses("SwiGlu.Backward", "dy", () => SwiGlu.Backward(a, a, a, b, a, a));
        Near.Refuses("SwiGlu.Backward", "g", () => SwiGlu.Backward(a, a, a, a, b, a));
        Near.Refuses("SwiGlu.Backward", "u", () => SwiGlu.Backward(a, a, a, a, a, b));
    }

    static double Reference(double[] gu) => gu[0] / (1 + Math.Exp(-gu[0])) * gu[1];
}
