using System.Numerics;

namespace Retort.Evidence.Watermark;

/// <summary>
/// P(S ≥ s) of a weighted sum of fair bits, S = Σ wᵢXᵢ with whole weights and Xᵢ binomial (cᵢ, ½), exact to rounding: the sum's generating function is inverted
/// on a circle through the saddle point, where a trapezoid rule over as many points as the sum has likely values is exact (a lattice distribution's integrand is
/// periodic), and where no probability, however small, is lost among larger ones.
/// </summary>
static class WeightedBits
{
    /// <summary>Terms below e⁻⁶⁰ of the largest add nothing to a double.</summary>
    const double Negligible = -60;

    /// <summary>The sum's standard deviations that one turn of the circle must hold.</summary>
    const double Turn = 64;

    /// <param name="sum">s, at most Σ wᵢcᵢ.</param>
    /// <param name="parts">Weights, all positive, and how many bits have each.</param>
    public static TailProbability AtLeast(long sum, IReadOnlyList<(int Weight, long Count)> parts)
    {
        long most = parts.Sum(p => p.Weight * p.Count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(sum, most);

        // Bits are fair, so S and most − S are alike.
        return TailProbability.OfLn(sum <= 0 ? 0 : 2 * sum > most ? Above(sum, most, parts) : TailProbability.LnComplement(Above(most - sum + 1, most, parts)));
    }

    static double Above(long s, long most, IReadOnlyList<(int Weight, long Count)> parts)
    {
        double deviation = Math.Sqrt(parts.Sum(p => p.Count * 0.25 * p.Weight * p.Weight));
        double theta = Saddle(Math.Min(s, most - 0.5), parts) + (1 / deviation);
        long points = (long)BitOperations.RoundUpToPowerOf2((ulong)(Turn * deviation) + 1);
        double all = 0;
        for (long k = 0; k <= points / 2; k++)
        {
            double t = 2 * Math.PI * k / points;
            Complex exponent = new(0, -t * s);
            foreach ((int weight, long count) in parts)
            {
                Complex ratio = (1 + Complex.Exp(new Complex(-weight * theta, -weight * t))) / (1 + Math.Exp(-weight * theta));
                exponent += count * (new Complex(0, weight * t) + Complex.Log(ratio));
                if (exponent.Real < Negligible)
                {
                    break;
                }
            }

            if (exponent.Real >= Negligible)
            {
                // Points beyond half a turn are the conjugates of those before it.
                all += (k == 0 || 2 * k == points ? 1 : 2) * (Complex.Exp(exponent) / (1 - Complex.Exp(new Complex(-theta, -t)))).Real;
            }
        }

        double cumulants = parts.Sum(p => p.Count * ((p.Weight * theta) + double.LogP1(Math.Exp(-p.Weight * theta)) - Math.Log(2)));
        return cumulants - (theta * s) + Math.Log(all / points);
    }

    /// <summary>θ at which the tilted sum's mean is s.</summary>
    static double Saddle(double s, IReadOnlyList<(int Weight, long Count)> parts)
    {
        double low = 0, high = 64;
        for (int i = 0; i < 60; i++)
        {
            double middle = (low + high) / 2;
            (low, high) = parts.Sum(p => p.Count * p.Weight / (1 + Math.Exp(-p.Weight * middle))) < s ? (middle, high) : (low, middle);
        }

        return low;
    }
}
