using Retort.Kernels;

namespace Retort.Tests.Kernels;

public sealed class RmsNormTests
{
    const int L = MatMul.L;
    const float Epsilon = 1e-5f;

    [Fact]
    public void ForwardAndAgainEqualTheFormula()
    {
        for (int channels = 1; channels <= 257; channels++)
        {
            float[] x = Draw.Floats(channels, channels * L, 3f), g = Draw.Floats(channels + 1000, channels);
            Guarded y = new(channels * L), rstd = new(L), again = new(channels * L);
            RmsNorm.Forward(y.Span, rstd.Span, x, g, Epsilon);
            RmsNorm.Again(again.Span, rstd.Span, x, g);
            double[] expected = new double[channels * L], r = new double[L];
            for (int l = 0; l < L; l++)
            {
                double[] token = Reference(Draw.Token(x, channels, l), Draw.Wide(g), out r[l]);
                for (int c = 0; c < channels; c++)
                {
                    expected[(c * L) + l] = token[c];
                }
            }

            Near.Equal(r, rstd.Checked(), 2e-6, $"r of {channels}");
            Near.Equal(expected, y.Checked(), 2e-6, $"y of {channels}");
            Assert.True(y.Span.SequenceEqual(again.Checked()));
        }
    }

    [Fact]
    public void OneTokenAloneEqualsTheFormula()
    {
        for (int channels = 1; channels <= 257; channels++)
        {
            float[] x = Draw.Floats(channels, channels, 3f), g = Draw.Floats(channels + 1000, channels);
            Guarded y = new(channels), inPlace = new(x);
            RmsNorm.ForwardVector(y.Span, x, g, Epsilon);
            RmsNorm.ForwardVector(inPlace.Span, inPlace.Span, g, Epsilon);
            Near.Equal(Reference(Draw.Wide(x), Draw.Wide(g), out _), y.Checked(), 2e-6, $"y of {channels}");
            Assert.True(y.Span.SequenceEqual(inPlace.Checked()));
        }
    }

    /// <summary>Both gradients at every number of channels, by the formula that <see cref="BackwardEqualsTheSlopes"/> holds against slopes.</summary>
    [Fact]
    public void BackwardEqualsTheFormula()
    {
        for (int channels = 2; channels <= 257; channels++)
        {
            float[] x = Draw.Floats(channels, channels * L, 2f), g = Draw.Floats(channels + 1, channels), dy = Draw.Floats(channels + 2, channels * L), rstd = new float[L];
            RmsNorm.Forward(new float[x.Length], rstd, x, g, Epsilon);
            Guarded dx = new(x.Length);
            RmsNorm.BackwardInput(dx.Span, dy, x, rstd, g, accumulate: false);
            double[] expected = new double[x.Length], gain = new double[channels];
            for (int l = 0; l < L; l++)
            {
                double[] token = Draw.Token(x, channels, l), slope = Draw.Token(dy, channels, l), exact = InputGradient(token, Draw.Wide(g), slope, out double r);
                for (int c = 0; c < channels; c++)
                {
                    expected[(c * L) + l] = exact[c];
                    gain[c] += slope[c] * token[c] * r;
                }
            }

            Near.Equal(expected, dx.Checked(), 1e-5, $"dx of {channels}");
            Near.Equal(gain, [.. Enumerable.Range(0, channels).Select(c => RmsNorm.BackwardWeight(dy, x, rstd, channels, c, 1))], 5e-6, $"dg of {channels}");
        }
    }

    [Fact]
    public void TheGainsGradientEqualsTheSlopes()
    {
        foreach (int channels in new[] { 1, 2, 7, 33 })
        {
            float[] x = Draw.Floats(channels, channels * L, 2f), g = Draw.Floats(channels + 1, channels), dy = Draw.Floats(channels + 2, channels * L), rstd = new float[L];
            RmsNorm.Forward(new float[x.Length], rstd, x, g, Epsilon);
            double[] wide = Draw.Wide(g);
            double Loss() => Enumerable.Range(0, L).Sum(l => Dot(Reference(Draw.Token(x, channels, l), wide, out _), Draw.Token(dy, channels, l)));
            Near.Equal(Near.Slopes(wide, Loss), [.. Enumerable.Range(0, channels).Select(c => RmsNorm.BackwardWeight(dy, x, rstd, channels, c, 1))], 5e-6, $"dg of {channels}");
        }
    }

    [Fact]
    public void BackwardEqualsTheSlopes()
    {
        foreach (int channels in Draw.Spread)
        {
            const int Blocks = 2;
            float[] x = Draw.Floats(channels, Blocks * channels * L, 2f), g = Draw.Floats(channels + 1, channels), dy = Draw.Floats(channels + 2, Blocks * channels * L);
            float[] start = Draw.Floats(channels + 3, channels * L), rstd = new float[Blocks * L], y = new float[channels * L];
            double[] dg = new double[channels];
            for (int b = 0; b < Blocks; b++)
            {
                float[] xb = x[(b * channels * L)..((b + 1) * channels * L)], dyb = dy[(b * channels * L)..((b + 1) * channels * L)];
                RmsNorm.Forward(y, rstd.AsSpan(b * L), xb, g, Epsilon);
                Guarded assigned = new(channels * L), accumulated = new(start), inPlace = new(dyb);
                RmsNorm.BackwardInput(assigned.Span, dyb, xb, rstd.AsSpan(b * L), g, accumulate: false);
                RmsNorm.BackwardInput(accumulated.Span, dyb, xb, rstd.AsSpan(b * L), g, accumulate: true);
                RmsNorm.BackwardInput(inPlace.Span, inPlace.Span, xb, rstd.AsSpan(b * L), g, accumulate: false);
                double[] dx = new double[channels * L], plus = new double[channels * L];
                for (int l = 0; l < L; l++)
                {
                    double[] token = Draw.Token(xb, channels, l), wide = Draw.Wide(g), slope = Draw.Token(dyb, channels, l);
                    double Loss() => Dot(Reference(token, wide, out _), slope);
                    // Every token of the small sizes, three of the large ones.
                    if (channels <= 33 || l % 13 == 0)
                    {
                        double[] slopes = Near.Slopes(token, Loss);
                        for (int c = 0; c < channels; c++)
                        {
                            Near.Equal(slopes[c], assigned.Span[(c * L) + l], 1e-5, $"dx of {channels}, token {l}, by slopes");
                        }
                    }

                    double[] exact = InputGradient(token, wide, slope, out double r);
                    for (int c = 0; c < channels; c++)
                    {
                        dx[(c * L) + l] = exact[c];
                        plus[(c * L) + l] = exact[c] + start[(c * L) + l];
                        dg[c] += slope[c] * token[c] * r;
                    }
                }

                // Of one channel only the sign survives the norm: its true slope is all cancellation, ε against x².
                if (channels > 1)
                {
                    Near.Equal(dx, assigned.Checked(), 1e-5, $"dx of {channels}");
                }

                Near.Equal(plus, accumulated.Checked(), 1e-5, $"dx of {channels}, accumulated");
                Assert.True(assigned.Span.SequenceEqual(inPlace.Checked()));
            }

            float[] actual = new float[channels];
            for (int c = 0; c < channels; c++)
            {
                actual[c] = RmsNorm.BackwardWeight(dy, x, rstd, channels, c, Blocks);
            }

            Near.Equal(dg, actual, 5e-6, $"dg of {channels}");
        }
    }

    [Fact]
    public void TheGainsSlopeIsSummedOverStridedTokens()
    {
        const int Channels = 5, Blocks = 3, Stride = 96, Offset = 32;
        float[] x = Draw.Floats(1, Blocks * Channels * L), dy = Draw.Floats(2, Blocks * Channels * L), rstd = Draw.Floats(3, Blocks * Stride);
        for (int c = 0; c < Channels; c++)
        {
            double expected = 0;
            for (int b = 0; b < Blocks; b++)
            {
                for (int l = 0; l < L; l++)
                {
                    int at = (((b * Channels) + c) * L) + l;
                    expected += (double)dy[at] * x[at] * rstd[(b * Stride) + Offset + l];
                }
            }

            Near.Equal(expected, RmsNorm.BackwardWeight(dy, x, rstd, Channels, c, Blocks, Stride, Offset), 1e-5, $"channel {c}");
        }
    }

    [Fact]
    public void ZerosAndLargeNumbersStayFinite()
    {
        float[] y = new float[4 * L], rstd = new float[L], x = new float[4 * L], g = [1, 1, 1, 1];
        RmsNorm.Forward(y, rstd, x, g, 1e-6f);
        Assert.All(y, v => Assert.Equal(0f, v));
        x.AsSpan().Fill(1e15f);
        RmsNorm.Forward(y, rstd, x, g, 1e-6f);
        Assert.All(y, v => Assert.Equal(1f, v, 1e-5f));
    }

    [Fact]
    public void WrongShapesAreNamed()
    {
        float[] g = new float[3], full = new float[3 * L], small = new float[(3 * L) - 1], r = new float[L], shortR = new float[L - 1];
        Near.Refuses("RmsNorm.Forward", "y", () => RmsNorm.Forward(small, r, full, g, Epsilon));
        Near.Refuses("RmsNorm.Forward", "x", () => RmsNorm.Forward(full, r, small, g, Epsilon));
        Near.Refuses("RmsNorm.Forward", "rstd", () => RmsNorm.Forward(full, shortR, full, g, Epsilon));
        Near.Refuses("RmsNorm.Again", "rstd", () => RmsNorm.Again(full, shortR, full, g));
        Near.Refuses("RmsNorm.BackwardInput", "dx", () => RmsNorm.BackwardInput(small, full, full, r, g, false));
        Near.Refuses("RmsNorm.BackwardInput", "dy", () => RmsNorm.BackwardInput(full, small, full, r, g, false));
        Near.Refuses("RmsNorm.BackwardInput", "x", () => RmsNorm.BackwardInput(full, full, small, r, g, false));
        Near.Refuses("RmsNorm.BackwardInput", "rstd", () => RmsNorm.BackwardInput(full, full, full, shortR, g, false));
        Near.Refuses("RmsNorm.BackwardWeight", "dy", () => RmsNorm.BackwardWeight(small, full, r, 3, 0, 1));
        Near.Refuses("RmsNorm.BackwardWeight", "rstd", () => RmsNorm.BackwardWeight(full, full, shortR, 3, 0, 1));
        Near.Refuses("RmsNorm.BackwardWeight", "channel", () => RmsNorm.BackwardWeight(full, full, r, 3, 3, 1));
    }

    static double[] Reference(double[] x, double[] g, out double r)
    {
        r = 1 / Math.Sqrt((Dot(x, x) / x.Length) + Epsilon);
        double[] y = new double[x.Length];
        for (int c = 0; c < x.Length; c++)
        {
            y[c] = x[c] * r * g[c];
        }

        return y;
    }

    static double[] InputGradient(double[] x, double[] g, double[] dy, out double r)
    {
        Reference(x, g, out r);
        double mean = 0;
        for (int c = 0; c < x.Length; c++)
        {
            mean += dy[c] * g[c] * x[c] / x.Length;
        }

        double[] dx = new double[x.Length];
        for (int c = 0; c < x.Length; c++)
        {
            dx[c] = r * ((dy[c] * g[c]) - (x[c] * r * r * mean));
        }

        return dx;
    }

    static double Dot(double[] a, double[] b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
        {
            sum += a[i] * b[i];
        }

        return sum;
    }
}
