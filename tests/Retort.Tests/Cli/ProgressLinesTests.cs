using Retort.Cli;

namespace Retort.Tests.Cli;

public sealed class ProgressLinesTests : IDisposable
{
    readonly Clock _clock = new();
    readonly StringWriter _error = new() { NewLine = "\n" };

    public void Dispose() => _error.Dispose();

    Advance Lines(bool whole) => new ProgressLines(new Session(TextWriter.Null, _error) { Time = _clock }, whole, TimeSpan.FromSeconds(5)).Advance;

    [Fact]
    public void EachStepBeginsAndEndsWithALine()
    {
        Advance advance = Lines(whole: true);
        for (int i = 0; i <= 20; i++)
        {
            advance(i < 12 ? "student" : "twin", i / 20.0, $"step {i}", i == 0 ? null : TimeSpan.FromSeconds(100 - i));
            _clock.Pass(1);
        }

        Assert.Equal(
            """
              0 %  student  step 0
             25 %  student  step 5  1 min 35 s left
             50 %  student  step 10  1 min 30 s left
             55 %  student  step 11  1 min 29 s left
             60 %  twin  step 12  1 min 28 s left
             85 %  twin  step 17  1 min 23 s left

            """,
            _error.ToString());
    }

    [Fact]
    public void WithoutAKnownRestItIsToldFromTheShare()
    {
        Advance advance = Lines(whole: false);
        advance("evaluate", 0, "row 0");
        _clock.Pass(6);
        advance("evaluate", 0.25, "row 1");
        advance("pull", null, "3 MB");
        Assert.Equal("evaluate  0 %  row 0\nevaluate  25 %  row 1  18 s left\npull  3 MB\n", _error.ToString());
    }

    [Theory]
    [InlineData(0, "0 s")]
    [InlineData(59.6, "1 min 00 s")]
    [InlineData(3599.7, "1 h 00 min")]
    [InlineData(7380, "2 h 03 min")]
    public void DurationsAreRounded(double seconds, string text) => Assert.Equal(text, ProgressDisplay.Duration(seconds));
}
