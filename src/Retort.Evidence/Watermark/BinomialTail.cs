using MathNet.Numerics;

namespace Retort.Evidence.Watermark;

/// <summary>P(X ≥ k) of a binomial X, exact: the terms themselves are summed, from the largest on.</summary>
public static class BinomialTail
{
    /// <param name="successes">k, at most n.</param>
    /// <param name="trials">n; none gives 1.</param>
    /// <param name="chance">Of one success, above 0 and below 1.</param>
    public static TailProbability AtLeast(long successes, long trials, double chance)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(successes, trials);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(chance, 0);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(chance, 1);
        return TailProbability.OfLn(
            successes <= 0 ? 0
            : successes > trials * chance ? Above(successes, trials, chance)
            : TailProbability.LnComplement(Above(trials - successes + 1, trials, 1 - chance)));
    }

    /// <summary>ln P(X ≥ k) where k is not below the mean, so that every term is less than the one before.</summary>
    static double Above(long k, long n, double p)
    {
        double first = SpecialFunctions.GammaLn(n + 1.0) - SpecialFunctions.GammaLn(k + 1.0) - SpecialFunctions.GammaLn(n - k + 1.0) + (k * Math.Log(p)) + ((n - k) * double.LogP1(-p));
        double term = 1, sum = 1, odds = p / (1 - p);
        for (long j = k; j < n && term > sum * 1e-17; j++)
        {
            term *= (n - j) / (j + 1.0) * odds;
            sum += term;
        }

        return first + Math.Log(sum);
    }
}
