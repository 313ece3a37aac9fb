namespace Retort.Evidence.Statistics;

/// <summary>One bar of a reliability diagram: the predictions whose confidence fell in (Lower, Upper].</summary>
/// <param name="Count">Predictions in the bin; Confidence and Accuracy are 0 when it is empty.</param>
/// <param name="Confidence">Mean top-1 probability.</param>
/// <param name="Accuracy">Share that was right.</param>
public sealed record CalibrationBin(double Lower, double Upper, long Count, double Confidence, double Accuracy);

/// <summary>Expected calibration error with the bins it was computed from.</summary>
/// <param name="Error">In [0, 1]; 0 when nothing was predicted.</param>
public sealed record Calibration(double Error, IReadOnlyList<CalibrationBin> Bins);

/// <summary>
/// ECE = Σ_b (n_b / n) · |accuracy_b − confidence_b| over 15 bins of equal width (Naeini, Cooper and Hauskrecht, AAAI 2015; Guo, Pleiss,
/// Sun and Weinberger, arXiv 1706.04599). Confidence is the probability of the most likely token, correctness whether it was the next one.
/// Predictions are added as they come, so nothing the size of the held-out text is kept.
/// </summary>
public sealed class ExpectedCalibrationError
{
    public const int BinCount = 15;

    readonly long[] counts = new long[BinCount];
    readonly long[] right = new long[BinCount];
    readonly double[] confidence = new double[BinCount];

    /// <param name="topProbability">In [0, 1]; rounding of a softmax may exceed 1 by a little.</param>
    public void Add(double topProbability, bool correct)
    {
        if (topProbability is not (>= 0 and <= 1.001))
        {
            throw new ArgumentOutOfRangeException(nameof(topProbability), topProbability, "must be a probability");
        }

        int bin = Math.Clamp((int)Math.Ceiling(topProbability * BinCount) - 1, 0, BinCount - 1);
        counts[bin]++;
        confidence[bin] += topProbability;
        right[bin] += correct ? 1 : 0;
    }

    public Calibration Result()
    {
        CalibrationBin[] bins = new CalibrationBin[BinCount];
        for (int b = 0; b < BinCount; b++)
        {
            double n = Math.Max(counts[b], 1);
            bins[b] = new CalibrationBin((double)b / BinCount, (b + 1.0) / BinCount, counts[b], confidence[b] / n, right[b] / n);
        }

        return Of(bins);
    }

    /// <summary>Pools the bins of several models, such as one student a seed, as if their predictions had been added to one.</summary>
    public static Calibration Pool(IReadOnlyList<Calibration> calibrations)
    {
        CalibrationBin[] bins = new CalibrationBin[BinCount];
        for (int b = 0; b < BinCount; b++)
        {
            long count = calibrations.Sum(c => c.Bins[b].Count);
            double n = Math.Max(count, 1);
            bins[b] = new CalibrationBin(
                (double)b / BinCount,
                (b + 1.0) / BinCount,
                count,
                calibrations.Sum(c => c.Bins[b].Confidence * c.Bins[b].Count) / n,
                calibrations.Sum(c => c.Bins[b].Accuracy * c.Bins[b].Count) / n);
        }

        return Of(bins);
    }

    static Calibration Of(CalibrationBin[] bins)
    {
        double n = Math.Max(bins.Sum(b => b.Count), 1);
        return new Calibration(bins.Sum(b => b.Count / n * Math.Abs(b.Accuracy - b.Confidence)), bins);
    }
}
