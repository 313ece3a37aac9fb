namespace Retort.Evidence.Watermark;

/// <summary>
/// Whether a text bears a mark: exact one-sided p-values of what a key finds in it. The null is that text and key are independent; it needs nothing of how the
/// text came about, only that each pair of context and token was counted once and the key was fixed, at random, before anyone looked.
/// </summary>
public static class WatermarkTest
{
    /// <summary>The steps in which a tournament's layers weigh less: the first layers choose among more candidates and show most.</summary>
    const int Steps = 10;

    /// <summary>Green tokens of a green list (Kirchenbauer et al., arXiv 2301.10226), against a binomial.</summary>
    /// <param name="green">Green ones among those scored.</param>
    /// <param name="scored">Distinct pairs of context and token.</param>
    /// <param name="gamma">Share of the vocabulary that is green.</param>
    public static TailProbability GreenList(long green, long scored, double gamma) => BinomialTail.AtLeast(green, scored, gamma);

    /// <summary>A tournament's mean score (Dathathri et al., 2024): all layers alike.</summary>
    /// <param name="set">Of each layer, how many scored tokens have its bit set.</param>
    public static TailProbability TournamentMean(IReadOnlyList<long> set, long scored) => BinomialTail.AtLeast(set.Sum(), scored * set.Count, 0.5);

    /// <summary>A tournament's weighted mean score, whose weights fall from 10 to 1 over the layers in whole steps, so that its distribution can be summed exactly.</summary>
    public static TailProbability TournamentWeighted(IReadOnlyList<long> set, long scored)
    {
        if (scored == 0)
        {
            return new(0);
        }

        (int Weight, long Set)[] layers = [.. set.Select((s, layer) => (Weight(layer, set.Count), s))];
        return WeightedBits.AtLeast(layers.Sum(l => l.Weight * l.Set), [.. layers.GroupBy(l => l.Weight, (weight, same) => (weight, same.Count() * scored))]);
    }

    /// <summary>A real key's rank among decoys drawn as it was: valid whatever the dependence between scores, and never below 1 / (decoys + 1).</summary>
    /// <param name="score">The larger the more it speaks for the mark.</param>
    public static double AmongDecoys(double score, IReadOnlyCollection<double> decoys) => (1.0 + decoys.Count(d => d >= score)) / (decoys.Count + 1.0);

    internal static int Weight(int layer, int layers) => Steps - (Steps * layer / layers);
}
