using Retort.Evidence.Statistics;

namespace Retort.Tests.Evidence.Statistics;

public sealed class SelectiveAnswersTests
{
    [Fact]
    public void TheLowestConfidenceIsTakenThatIsRightOftenEnough()
    {
        (double, bool)[] answers = [(0.9, true), (0.8, true), (0.7, false), (0.6, true), (0.5, true), (0.4, false)];
        Assert.Equal(0.8, SelectiveAnswers.Threshold(answers, 1));
        Assert.Equal(0.5, SelectiveAnswers.Threshold(answers, 0.8));
        Assert.Equal(0.4, SelectiveAnswers.Threshold(answers, 0.6));
        Assert.Equal(double.PositiveInfinity, SelectiveAnswers.Threshold([(0.9, false), (0.8, true)], 0.9));
        Assert.Equal(double.PositiveInfinity, SelectiveAnswers.Threshold([], 0.9));
    }

    /// <summary>Answers one is equally sure of are taken together or not at all.</summary>
    [Fact]
    public void EqualConfidencesStandTogether() => Assert.Equal(double.PositiveInfinity, SelectiveAnswers.Threshold([(0.9, true), (0.9, false)], 0.9));

    /// <summary>Values of the textbook formula worked out by hand to ten digits.</summary>
    [Fact]
    public void WilsonsIntervalIsTheTextbooks()
    {
        (double low, double high) = WilsonInterval.Of(8, 10);
        Assert.Equal(0.4901624715, low, 1e-9);
        Assert.Equal(0.9433178485, high, 1e-9);
        Assert.Equal(20 / (20 + (1.6448536269514722 * 1.6448536269514722)), WilsonInterval.Lower(20, 20), 1e-12);
        Assert.Equal((0.0, 1.0), WilsonInterval.Of(0, 0));
        Assert.Equal(0, WilsonInterval.Lower(0, 0));
        Assert.Equal(0, WilsonInterval.Of(0, 7).Low);
        Assert.Equal(1, WilsonInterval.Of(7, 7).High);
    }
}
