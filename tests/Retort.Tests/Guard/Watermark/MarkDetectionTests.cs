using Retort.Evidence.Watermark;
using Retort.Model;
using Retort.Model.Llama;
using Retort.Model.Marks;
using Retort.Tests.Model.Marks;
using Mark = Retort.Model.Marks.Watermark;

namespace Retort.Tests.Guard.Watermark;

/// <summary>What a key finds in texts it marked, and in texts it did not: writer, counts and p-values together.</summary>
public class MarkDetectionTests
{
    const int Vocabulary = 96, Texts = 600;

    public static TheoryData<string> Statistics => ["green", "mean", "weighted"];

    /// <summary>On unmarked texts that repeat themselves a lot, p-values of keys drawn at random are uniform (Kolmogorov and Smirnov, level 0.001).</summary>
    [Theory]
    [MemberData(nameof(Statistics))]
    public void TheNullIsUniform(string statistic)
    {
        int[] text = Write(null, 1, 400);
        int[] repeating = [.. text, .. text[..200], .. text];
        double[] p = [.. Enumerable.Range(0, Texts).Select(i => P(statistic, [repeating], Key(1000 + i)).Value).Order()];

        // A p-value of counts is coarse, and then too large rather than too small: only that side can be wrong.
        double above = p.Select((x, i) => ((i + 1.0) / Texts) - x).Max();
        Assert.True(above < 1.95 / Math.Sqrt(Texts), $"too many small p-values: D+ = {above}");
        double below = p.Select((x, i) => x - ((double)i / Texts)).Max();
        Assert.True(below < 0.12, $"too few small p-values: D- = {below}");
    }

    /// <summary>Counted over and over, the same repetition would be evidence: the check that counting once is what makes the null hold.</summary>
    [Fact]
    public void WithoutCountingOnceTheNullWouldNotHold()
    {
        int[] text = Write(null, 1, 60);
        double[] p = [.. Enumerable.Range(0, Texts).Select(i =>
        {
            MarkTally tally = MarkTally.Of([text], Green(Key(i)));
            return WatermarkTest.GreenList(tally.Set[0] * 20, tally.Scored * 20, 0.25).Value;
        })];
        Assert.InRange(p.Count(x => x < 0.01), Texts / 10, Texts);
    }

    [Theory]
    [InlineData("green", 0.9)]
    [InlineData("mean", 0.9)]
    [InlineData("weighted", 0.95)]
    public void AMarkedTextOf200TokensIsFound(string statistic, double power)
    {
        int found = 0;
        for (int i = 0; i < 100; i++)
        {
            byte[] key = Key(i);
            found += P(statistic, [Write(statistic == "green" ? Green(key) : Tournament(key), (ulong)i, 200)], key).Value < 0.01 ? 1 : 0;
        }

        Assert.True(found >= power * 100, $"{found} of 100");
    }

    [Fact]
    public void AnotherKeyFindsNothing()
    {
        int[][] texts = [.. Enumerable.Range(0, 20).Select(i => Write(Tournament(Key(1)), (ulong)i, 200))];
        Assert.True(P("weighted", texts, Key(1)).Log10 < -50);
        Assert.InRange(P("weighted", texts, Key(2)).Value, 1e-4, 1);
    }

    static TailProbability P(string statistic, int[][] texts, byte[] key)
    {
        MarkTally tally = MarkTally.Of(texts, statistic == "green" ? Green(key) : Tournament(key));
        return statistic switch
        {
            "green" => WatermarkTest.GreenList(tally.Set[0], tally.Scored, tally.Chance),
            "mean" => WatermarkTest.TournamentMean(tally.Set, tally.Scored),
            _ => WatermarkTest.TournamentWeighted(tally.Set, tally.Scored),
        };
    }

    static Mark.GreenList Green(byte[] key) => new(key);

    static Mark.Tournament Tournament(byte[] key) => new(key);

    /// <summary>A text of a made-up language: after each token some follow often and most hardly ever, about 2.5 nats a token.</summary>
    static int[] Write(Mark? mark, ulong seed, int length)
    {
        Sampler sampler = new(new SamplingOptions(), Vocabulary);
        MarkedAnswer? answer = MarkedAnswer.Begin(mark, Vocabulary);
        RandomStream random = new(seed);
        List<int> text = [];
        int[] prompt = [1, 2, 3, (int)(seed % Vocabulary)];
        for (int i = 0; i < length; i++)
        {
            RandomStream after = new(7, (ulong)(text.Count == 0 ? prompt[^1] : text[^1]));
            float[] logits = [.. Enumerable.Range(0, Vocabulary).Select(_ => (float)(2 * after.NextNormal()))];
            text.Add(sampler.Next(logits, random, prompt, [.. text], answer));
        }

        return [.. text];
    }

    static byte[] Key(int number) => new WatermarkKeys(MarkedAnswerTests.Key(3)).Key($"account/{number}/1");
}
