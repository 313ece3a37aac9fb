using Retort.Evidence.Statistics;

namespace Retort.Tests.Evidence.Statistics;

public class ExpectedCalibrationErrorTests
{
    [Fact]
    public void MatchesTheDefinitionByHand()
    {
        ExpectedCalibrationError error = new();
        error.Add(0.95, true);
        error.Add(0.95, false);
        error.Add(0.55, true);
        error.Add(0.52, false);

        // Two bins of two: |0.5 − 0.95| and, in (8/15, 9/15] and (7/15, 8/15], |1 − 0.55| and |0 − 0.52|.
        Calibration result = error.Result();
        Assert.Equal(((2 * 0.45) + 0.45 + 0.52) / 4, result.Error, 1e-12);
        Assert.Equal(15, result.Bins.Count);
        Assert.Equal([1, 1, 2], result.Bins.Where(b => b.Count > 0).Select(b => b.Count));
    }

    [Fact]
    public void BinsAreOpenBelowAndClosedAbove()
    {
        ExpectedCalibrationError error = new();
        error.Add(0, false);
        error.Add(1.0 / 15, false);
        error.Add(1, true);
        Calibration result = error.Result();
        Assert.Equal((2, 1), ((int)result.Bins[0].Count, (int)result.Bins[14].Count));
    }

    [Fact]
    public void ACalibratedModelHasAlmostNone()
    {
        Random random = new(5);
        ExpectedCalibrationError error = new();
        for (int i = 0; i < 200_000; i++)
        {
            double p = random.NextDouble();
            error.Add(p, random.NextDouble() < p);
        }

        Assert.InRange(error.Result().Error, 0, 0.01);
    }

    [Fact]
    public void NothingMeasuredIsZero() => Assert.Equal(0, new ExpectedCalibrationError().Result().Error);

    [Fact]
    public void PoolingIsAddingToOne()
    {
        Random random = new(6);
        ExpectedCalibrationError first = new(), second = new(), both = new();
        for (int i = 0; i < 1000; i++)
        {
            double p = random.NextDouble();
            bool correct = random.NextDouble() < p * p;
            (i % 3 == 0 ? first : second).Add(p, correct);
            both.Add(p, correct);
        }

        Assert.Equal(both.Result().Error, ExpectedCalibrationError.Pool([first.Result(), second.Result()]).Error, 1e-12);
    }

    [Theory]
    [InlineData(-0.1)]
    [InlineData(1.1)]
    [InlineData(double.NaN)]
    public void WhatIsNoProbabilityThrows(double p) => Assert.Throws<ArgumentOutOfRangeException>(() => new ExpectedCalibrationError().Add(p, true));
}
