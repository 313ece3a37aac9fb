namespace Retort.Evidence.Watermark;

/// <summary>A p-value, kept as its logarithm: a strong mark's is far below the least double, and no p-value is 0.</summary>
/// <param name="Log10">Decimal logarithm, at most 0.</param>
public readonly record struct TailProbability(double Log10)
{
    /// <summary>The p-value, or the least positive double above it.</summary>
    public double Value => Math.Clamp(Math.Pow(10, Log10), double.Epsilon, 1);

    internal static TailProbability OfLn(double ln) => new(Math.Min(0, ln / Math.Log(10)));

    /// <summary>1 − p of a logarithm of p.</summary>
    internal static double LnComplement(double ln) => ln >= 0 ? double.NegativeInfinity : double.LogP1(-Math.Exp(ln));
}
