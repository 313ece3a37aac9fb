using Retort.Distill;
using Retort.Evidence.Statistics;

namespace Retort.Tests.Distill;

public class VerdictTests
{
    static PairedComparison Text(double low, double high, int seeds = 5, bool teacherText = false) =>
        PairedComparison.OfText(new BootstrapInterval((low + high) / 2, low, high, seeds, 200, 10_000, 0.95), 2.0, teacherText);

    // The twin's loss is 2, so the practical margin is 0.01.
    [Theory]
    [InlineData(0.001, 0.02, 5, VerdictOutcome.Beats)]
    [InlineData(0.0001, 0.0002, 5, VerdictOutcome.Beats)]
    [InlineData(0.001, 0.02, 4, VerdictOutcome.Inconclusive)]
    [InlineData(-0.02, -0.001, 5, VerdictOutcome.NoBeats)]
    [InlineData(-0.02, -0.001, 4, VerdictOutcome.Inconclusive)]
    [InlineData(-0.02, 0.0, 5, VerdictOutcome.NoBeats)]
    [InlineData(0.0, 0.01, 5, VerdictOutcome.NoBeats)]
    [InlineData(-0.05, 0.01, 8, VerdictOutcome.NoBeats)]
    [InlineData(-0.05, 0.0101, 8, VerdictOutcome.Inconclusive)]
    [InlineData(0.0, 0.5, 8, VerdictOutcome.Inconclusive)]
    [InlineData(double.NaN, double.NaN, 5, VerdictOutcome.Inconclusive)]
    [InlineData(0.1, double.PositiveInfinity, 5, VerdictOutcome.Inconclusive)]
    public void RuleHolds(double low, double high, int seeds, VerdictOutcome outcome)
    {
        Verdict verdict = Verdict.Of(Text(low, high, seeds));
        Assert.Equal(outcome, verdict.Outcome);
        Assert.False(verdict.FidelityOnly);
        Assert.EndsWith(".", verdict.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void TextOfTheTeacherIsFidelityOnlyHoweverClear()
    {
        Verdict verdict = Verdict.Of(Text(0.5, 0.6, 20, teacherText: true));
        Assert.Equal(VerdictOutcome.Inconclusive, verdict.Outcome);
        Assert.True(verdict.FidelityOnly);
        Assert.StartsWith("Fidelity only: ", verdict.Reason, StringComparison.Ordinal);
        Assert.Equal("INCONCLUSIVE", verdict.Label);
    }

    [Fact]
    public void ClosenessToTheTeacherNeverEarnsBeats()
    {
        BootstrapInterval clear = new(0.5, 0.4, 0.6, 9, 200, 10_000, 0.95);
        Assert.All([PairedComparison.OfForwardKl(clear, 1), PairedComparison.OfAgreement(clear, 0.2)], c => Assert.True(Verdict.Of(c) is { Outcome: VerdictOutcome.Inconclusive, FidelityOnly: true }));
    }

    [Fact]
    public void GoldScoreEarnsBeatsInPoints()
    {
        Verdict verdict = Verdict.Of(PairedComparison.OfGold(new BootstrapInterval(0.048, 0.013, 0.083, 5, 500, 10_000, 0.95), 0.73));
        Assert.Equal(VerdictOutcome.Beats, verdict.Outcome);
        Assert.Contains("+4.8 points (95 % interval +1.3 to +8.3) over 5 seeds and 500 held-out tasks", verdict.Measurement, StringComparison.Ordinal);
    }

    [Fact]
    public void NoTwinAndOneSeedAreInconclusive() =>
        Assert.All([Verdict.WithoutTwin(), Verdict.OfOneSeed()], v => Assert.True(v is { Outcome: VerdictOutcome.Inconclusive, Comparison: null }));
}
