namespace Retort.Distill;

/// <summary>A linear or logarithmic axis: values to coordinates, and round ticks within the values' range.</summary>
/// <param name="from">Coordinate of the lowest value.</param>
/// <param name="to">Coordinate of the highest value.</param>
sealed class ChartAxis(double low, double high, double from, double to, bool logarithmic = false)
{
    public double Low { get; } = low;

    public double High { get; } = high;

    /// <summary>Widened by a margin so that no point lies on the frame; a single value gets room on both sides.</summary>
    public static ChartAxis Around(IEnumerable<double> values, double from, double to, bool logarithmic = false)
    {
        double[] finite = [.. values.Where(double.IsFinite).Where(v => !logarithmic || v > 0)];
        double low = finite.Length == 0 ? 1 : finite.Min(), high = finite.Length == 0 ? 2 : finite.Max();
        if (logarithmic)
        {
            double factor = high > low ? Math.Pow(high / low, 0.08) : 2;
            return new ChartAxis(low / factor, high * factor, from, to, true);
        }

        double margin = high > low ? (high - low) * 0.06 : Math.Max(Math.Abs(high) * 0.1, 1e-9);
        return new ChartAxis(low - margin, high + margin, from, to);
    }

    public double At(double value)
    {
        double share = logarithmic ? Math.Log(value / Low) / Math.Log(High / Low) : (value - Low) / (High - Low);
        return from + (share * (to - from));
    }

    /// <summary>Steps of 1, 2 or 5 times a power of ten; on a logarithmic axis the values 1, 2 and 5 of each decade, or decades alone when there are many.</summary>
    public IReadOnlyList<double> Ticks(int about)
    {
        List<double> ticks = [];
        if (logarithmic)
        {
            int first = (int)Math.Floor(Math.Log10(Low)), last = (int)Math.Ceiling(Math.Log10(High));
            double[] steps = last - first > 4 ? [1] : [1, 2, 5];
            for (int decade = first; decade <= last; decade++)
            {
                ticks.AddRange(steps.Select(step => step * Math.Pow(10, decade)).Where(v => v >= Low && v <= High));
            }

            return ticks;
        }

        double rough = (High - Low) / about, power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        double size = power * (rough / power) switch { <= 1 => 1, <= 2 => 2, <= 5 => 5, _ => 10 };
        for (double k = Math.Ceiling(Low / size); k * size <= High; k++)
        {
            ticks.Add(k * size);
        }

        return ticks;
    }

    /// <summary>Digits after the point that tell neighbouring ticks apart.</summary>
    public static int Digits(IReadOnlyList<double> ticks)
    {
        double step = ticks.Count > 1 ? ticks[1] - ticks[0] : 1;
        return Math.Clamp((int)Math.Ceiling(-Math.Log10(step) - 1e-9), 0, 6);
    }
}
