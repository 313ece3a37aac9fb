using Retort.Kernels;

namespace Retort.Model.Llama;

/// <summary>The one place that says how fast each pair of channels turns and how large its cosine and sine are.</summary>
public static class RotaryFrequencies
{
    /// <summary>Radians a position of each pair of channels, [head size / 2], and the factor on cosine and sine.</summary>
    public static (double[] Frequencies, float Factor) Of(LlamaConfig config)
    {
        double[] plain = [.. Enumerable.Range(0, config.HeadSize / 2).Select(p => Math.Pow(config.RopeTheta, -2.0 * p / config.HeadSize))];
        return config.RopeScaling switch
        {
            null => (plain, 1f),
            RopeScaling.Linear s => ([.. plain.Select(f => f / s.Factor)], 1f),
            RopeScaling.Llama3 s => ([.. plain.Select(f => f / Divisor(s, f))], 1f),
            RopeScaling.Yarn s => (Yarn(config, s, plain), (float)s.AttentionFactor),
            RopeScaling.Divisors s => ([.. plain.Select((f, p) => f / s.Values[p])], 1f),
            _ => throw new InvalidOperationException("An unknown kind of rotary scaling."),
        };
    }

    /// <summary>Fills tables of cosine and sine as <see cref="Rope.Turn"/> reads them, the factor included.</summary>
    internal static void Tables(LlamaConfig config, FloatBuffer cos, FloatBuffer sin, int positions)
    {
        (double[] frequencies, float factor) = Of(config);
        Rope.Tables(cos.Span, sin.Span, frequencies, positions);
        if (factor == 1f)
        {
            return;
        }

        foreach (FloatBuffer table in (FloatBuffer[])[cos, sin])
        {
            foreach (ref float x in table.Span)
            {
                x *= factor;
            }
        }
    }

    /// <summary>What Llama 3.1 divides a frequency by. With t turns within the original context, the share (t − low) / (high − low) of it is kept.</summary>
    internal static double Divisor(RopeScaling.Llama3 s, double frequency)
    {
        double turns = s.OriginalContext * frequency / (2 * Math.PI), kept = Math.Clamp((turns - s.LowFrequencyFactor) / (s.HighFrequencyFactor - s.LowFrequencyFactor), 0, 1);
        return 1 / (((1 - kept) / s.Factor) + kept);
    }

    /// <summary>f·(1 − r) + f / factor·r with the ramp r from 0 at the pair that makes <c>BetaFast</c> turns to 1 at the one that makes <c>BetaSlow</c>.</summary>
    static double[] Yarn(LlamaConfig config, RopeScaling.Yarn s, double[] plain)
    {
        double PairOf(double turns) => config.HeadSize * Math.Log(s.OriginalContext / (turns * 2 * Math.PI)) / (2 * Math.Log(config.RopeTheta));
        double low = PairOf(s.BetaFast), high = PairOf(s.BetaSlow);
        if (s.Truncate)
        {
            (low, high) = (Math.Floor(low), Math.Ceiling(high));
        }

        (low, high) = (Math.Max(low, 0), Math.Min(high, config.HeadSize - 1));
        double width = high == low ? 0.001 : high - low;
        return [.. plain.Select((f, p) =>
        {
            double divided = Math.Clamp((p - low) / width, 0, 1);
            return (f * (1 - divided)) + (f / s.Factor * divided);
        })];
    }
}
