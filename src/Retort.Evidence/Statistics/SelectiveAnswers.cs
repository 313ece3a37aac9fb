namespace Retort.Evidence.Statistics;

/// <summary>
/// When a model may answer and when it had better leave it to another: it answers where its confidence reaches a threshold (selective classification;
/// El-Yaniv and Wiener, JMLR 2010). The threshold is chosen on some answers and judged on others.
/// </summary>
public static class SelectiveAnswers
{
    /// <summary>The lowest confidence such that of all answers at least that sure a wanted share is right.</summary>
    /// <param name="wanted">Above 0, at most 1.</param>
    /// <returns>Infinity where no confidence reaches it.</returns>
    public static double Threshold(IEnumerable<(double Confidence, bool Right)> answers, double wanted)
    {
        double threshold = double.PositiveInfinity;
        int right = 0, taken = 0;
        foreach (IGrouping<double, (double Confidence, bool Right)> alike in answers.GroupBy(a => a.Confidence).OrderByDescending(g => g.Key))
        {
            taken += alike.Count();
            right += alike.Count(a => a.Right);
            threshold = right >= wanted * taken ? alike.Key : threshold;
        }

        return threshold;
    }
}
