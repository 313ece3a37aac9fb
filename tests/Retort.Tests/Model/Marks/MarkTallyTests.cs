using Retort.Model.Marks;

namespace Retort.Tests.Model.Marks;

public class MarkTallyTests
{
    [Fact]
    public void ARepeatedPairCountsOnce()
    {
        Watermark green = new Watermark.GreenList(MarkedAnswerTests.Key(1));
        int[] text = [1, 2, 3, 1, 2, 3, 1, 2, 3];
        MarkTally once = MarkTally.Of([text], green), often = MarkTally.Of([text, text, [.. text, .. text]], green);
        Assert.Equal((3, 0.25), (once.Scored, once.Chance));
        Assert.Equal((once.Scored, once.Set[0]), (often.Scored, often.Set[0]));
        Assert.Equal(2, MarkTally.Of([text], green, most: 2).Scored);
    }

    /// <summary>What follows a context for the second time in a text was not marked; in another text it may have been.</summary>
    [Fact]
    public void ATournamentsContextCountsOnceInAText()
    {
        Watermark mark = new Watermark.Tournament(MarkedAnswerTests.Key(1), Layers: 7, Width: 1);
        Assert.Equal(2, MarkTally.Of([[1, 2, 1, 3]], mark).Scored);
        MarkTally both = MarkTally.Of([[1, 2, 1, 3], [1, 3]], mark);
        Assert.Equal((3, 7), (both.Scored, both.Set.Count));
    }

    [Fact]
    public void BitsAreThoseTheSamplerGoesBy()
    {
        Watermark.Tournament mark = new(MarkedAnswerTests.Key(9), Layers: 30, Width: 2);
        ulong bits = new MarkHash(mark.Key).After([5, 6]).Of(7);
        Assert.Equal(Enumerable.Range(0, 30).Select(l => (long)((bits >> l) & 1)), MarkTally.Of([[5, 6, 7]], mark).Set);
        Watermark.GreenList green = new(MarkedAnswerTests.Key(9), Gamma: 0.5, Width: 2);
        Assert.Equal(bits >> 63 == 0 ? 1 : 0, MarkTally.Of([[5, 6, 7]], green).Set[0]);
        Assert.Equal(0, MarkTally.Of([[5, 6], []], green).Scored);
    }
}
