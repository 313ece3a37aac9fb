using Retort.Evidence.Statistics;

namespace Retort.Tests.Evidence.Statistics;

public class HierarchicalBootstrapTests
{
    // Spread of seed effects, of sequence effects, of the noise private to a seed and sequence. Over 600 simulated runs the standard
    // error of the coverage is 0.9 points, so 92.5 % is two and a half of them below 95 %.
    [Theory]
    [InlineData(1, 1, 1, 5)]
    [InlineData(1, 4, 4, 5)]
    [InlineData(0.1, 4, 1, 5)]
    [InlineData(0.2, 0.1, 4, 5)]
    [InlineData(1, 1, 1, 8)]
    public void CoversTheTruthAsOftenAsItSays(double seedSpread, double sequenceSpread, double noise, int seeds)
    {
        const int Runs = 600;
        int hits = 0;
        for (int run = 0; run < Runs; run++)
        {
            BootstrapInterval interval = HierarchicalBootstrap.Interval(Simulate(run, seeds, 60, seedSpread, sequenceSpread, noise), [], (ulong)run, 500);
            hits += interval.Low <= 0 && interval.High >= 0 ? 1 : 0;
        }

        Assert.InRange((double)hits / Runs, 0.925, 1);
    }

    [Fact]
    public void SameSeedSameBits()
    {
        double[][] differences = Simulate(3, 5, 40, 1, 1, 1);
        BootstrapInterval first = HierarchicalBootstrap.Interval(differences, [], 9);
        Assert.Equal(first, HierarchicalBootstrap.Interval(differences, [], 9));
        Assert.NotEqual(first, HierarchicalBootstrap.Interval(differences, [], 10));
        Assert.Equal((5, 40, 10_000, 0.95), (first.Seeds, first.Sequences, first.Replicates, first.Level));
    }

    [Fact]
    public void NoDifferenceIsAnIntervalAtZero()
    {
        double[][] none = [new double[8], new double[8], new double[8]];
        BootstrapInterval interval = HierarchicalBootstrap.Interval(none, [], 1, 200);
        Assert.Equal((0.0, 0.0, 0.0), (interval.Mean, interval.Low, interval.High));
    }

    [Fact]
    public void SequencesCountByTheirWeight()
    {
        double[][] differences = [[1, 5], [1, 5]];
        Assert.Equal(2, HierarchicalBootstrap.Interval(differences, [3, 1], 1, 200).Mean, 1e-12);
        Assert.Equal(3, HierarchicalBootstrap.Interval(differences, [], 1, 200).Mean, 1e-12);
        Assert.Equal(
            HierarchicalBootstrap.Interval(differences, [2, 2], 1, 200).Low,
            HierarchicalBootstrap.Interval(differences, [], 1, 200).Low,
            1e-12);
    }

    [Fact]
    public void ASequenceWithoutTokensChangesNothingButItself()
    {
        BootstrapInterval interval = HierarchicalBootstrap.Interval([[1, 2, 1e6], [2, 1, 1e6]], [1, 1, 0], 4, 500);
        Assert.Equal(1.5, interval.Mean, 1e-12);
        Assert.InRange(interval.Low, -10, 1.5);
        Assert.InRange(interval.High, 1.5, 10);
    }

    [Fact]
    public void ADivergedRunHasNoInterval()
    {
        BootstrapInterval interval = HierarchicalBootstrap.Interval([[1, double.NaN], [1, 2]], [], 1, 200);
        Assert.True(double.IsNaN(interval.Mean) && double.IsNaN(interval.Low) && double.IsNaN(interval.High));
    }

    [Fact]
    public void SharedSequencesWidenTheIntervalThatFreshOnesWouldNot()
    {
        // Every seed sees the same spread over sequences: five seeds are no more sequences than one.
        double[] row = [.. Enumerable.Range(0, 100).Select(n => n % 2 == 0 ? 1.0 : -1.0)];
        BootstrapInterval interval = HierarchicalBootstrap.Interval([row, row, row, row, row], [], 2);
        double standardError = 1 / Math.Sqrt(100);
        Assert.InRange((interval.High - interval.Low) / (2 * 1.96 * standardError), 1.0, 1.3);
    }

    [Fact]
    public void CallersBugsThrow()
    {
        double[][] fine = [[1, 2], [3, 4]];
        Assert.Throws<ArgumentOutOfRangeException>(() => HierarchicalBootstrap.Interval([[1, 2]], [], 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => HierarchicalBootstrap.Interval([[1], [2]], [], 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => HierarchicalBootstrap.Interval([[1, 2], [3]], [], 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => HierarchicalBootstrap.Interval(fine, [1], 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => HierarchicalBootstrap.Interval(fine, [1, -1], 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => HierarchicalBootstrap.Interval(fine, [0, 0], 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => HierarchicalBootstrap.Interval(fine, [], 1, level: 1));
    }

    static double[][] Simulate(int run, int seeds, int sequences, double seedSpread, double sequenceSpread, double noise)
    {
        Random random = new((run * 7919) + 13);
        double Normal() => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
        double[] shared = [.. Enumerable.Range(0, sequences).Select(_ => sequenceSpread * Normal())];
        return
        [
            .. Enumerable.Range(0, seeds).Select(_ =>
            {
                double own = seedSpread * Normal();
                return shared.Select(x => own + x + (noise * Normal())).ToArray();
            }),
        ];
    }
}
