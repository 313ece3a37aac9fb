using Retort.Kernels;

namespace Retort.Tests.Kernels;

public sealed class AdamWTests
{
    [Fact]
    public void FiveStepsEqualTheFormula()
    {
        for (int n = 0; n <= 257; n++)
        {
            float[] start = Draw.Floats(n, n);
            Guarded w = new(start), g = new(n, 0f), m = new(n, 0f), v = new(n, 0f);
            double[] wide = Draw.Wide(start), first = new double[n], second = new double[n];
            for (int step = 1; step <= 5; step++)
            {
                AdamStep s = new(0.01f / step, 0.9f, 0.99f, 1e-8f, 0.1f, step, step == 3 ? 0.25f : 1f);
                float[] gradient = Draw.Floats(n + step, n, MathF.Pow(10, step - 3));
                gradient.CopyTo(g.Span);
                AdamW.Update(w.Span, g.Span, m.Span, v.Span, s);
                for (int i = 0; i < n; i++)
                {
                    double d = (double)gradient[i] * s.GradientScale;
                    first[i] = (s.Beta1 * first[i]) + ((1 - (double)s.Beta1) * d);
                    second[i] = (s.Beta2 * second[i]) + ((1 - (double)s.Beta2) * d * d);
                    double mHat = first[i] / (1 - Math.Pow(s.Beta1, step)), vHat = second[i] / (1 - Math.Pow(s.Beta2, step));
                    wide[i] = (wide[i] * (1 - ((double)s.Rate * s.Decay))) - (s.Rate * mHat / (Math.Sqrt(vHat) + s.Epsilon));
                }

                Near.Equal(wide, w.Checked(), 1e-6, $"w of {n} after step {step}");
                Near.Equal(first, m.Checked(), 1e-6, $"m of {n} after step {step}");
                Near.Equal(second, v.Checked(), 1e-6, $"v of {n} after step {step}");
                Assert.False(g.Checked().ContainsAnyExcept(0f));
            }
        }
    }

    /// <summary>No gradient moves nothing but the decay: 0 / (0 + ε) is 0.</summary>
    [Fact]
    public void ZeroGradientsOnlyDecay()
    {
        float[] w = [1f, -2f, 3f], zero = new float[3], m = new float[3], v = new float[3];
        AdamW.Update(w, zero, m, v, new AdamStep(0.5f, 0.9f, 0.999f, 1e-8f, 0.5f, 1, 1f));
        Assert.Equal([0.75f, -1.5f, 2.25f], w);
    }

    [Fact]
    public void SquaredNormIsSummedInDouble()
    {
        foreach (int n in (int[])[.. Enumerable.Range(0, 258), 1023, 1024, 1025, 5000, 100_003])
        {
            float[] g = Draw.Floats(n, n);
            Near.Equal(g.Sum(x => (double)x * x), AdamW.SquaredNorm(g), 2e-6, $"of {n}");
        }
    }

    [Fact]
    public void WrongShapesAreNamed()
    {
        float[] a = new float[4], b = new float[3];
        AdamStep step = new(0.1f, 0.9f, 0.99f, 1e-8f, 0f, 1, 1f);
        Near.Refuses("AdamW.Update", "g", () => AdamW.Update(a, b, a, a, step));
        Near.Refuses("AdamW.Update", "m", () => AdamW.Update(a, a, b, a, step));
        Near.Refuses("AdamW.Update", "v", () => AdamW.Update(a, a, a, b, step));
    }
}
