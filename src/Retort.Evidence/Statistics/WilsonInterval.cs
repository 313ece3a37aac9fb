namespace Retort.Evidence.Statistics;

/// <summary>Wilson's interval of a share (Wilson, JASA 1927): it holds for few trials and near 0 and 1, where the normal one does not.</summary>
public static class WilsonInterval
{
    /// <summary>Of a one-sided 95 % bound, and of each end of a two-sided 90 % one.</summary>
    const double OneSided = 1.6448536269514722;

    /// <summary>Of each end of a two-sided 95 % interval.</summary>
    const double TwoSided = 1.959963984540054;

    /// <summary>The one-sided 95 % lower bound; 0 without trials.</summary>
    public static double Lower(int successes, int count) => count == 0 ? 0 : Ends(successes, count, OneSided).Low;

    /// <summary>The two-sided 95 % interval; all of [0, 1] without trials.</summary>
    public static (double Low, double High) Of(int successes, int count) => count == 0 ? (0, 1) : Ends(successes, count, TwoSided);

    static (double Low, double High) Ends(int successes, int count, double z)
    {
        double share = (double)successes / count, spread = z * Math.Sqrt((share * (1 - share) / count) + (z * z / (4.0 * count * count)));
        double middle = share + (z * z / (2.0 * count)), scale = 1 + (z * z / count);
        return (successes == 0 ? 0 : Math.Max(0, (middle - spread) / scale), successes == count ? 1 : Math.Min(1, (middle + spread) / scale));
    }
}
