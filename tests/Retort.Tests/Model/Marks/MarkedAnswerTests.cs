using Retort.Model;
using Retort.Model.Llama;
using Retort.Model.Marks;

namespace Retort.Tests.Model.Marks;

public class MarkedAnswerTests
{
    const int Vocabulary = 12;

    /// <summary>The closed form against tournaments that are held: every pair, every pair of pairs, with ties by a fair coin.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void TheWinnerIsThatOfMatchesOfTwo(int layers)
    {
        Watermark.Tournament mark = new(Key(layers), layers, Width: 1);
        ContextKey context = new MarkHash(mark.Key).After([3]);
        double[] p = Softmax(Logits(7), 1), held = p;
        for (int layer = 0; layer < layers; layer++)
        {
            double[] next = new double[Vocabulary];
            for (int a = 0; a < Vocabulary; a++)
            {
                for (int b = 0; b < Vocabulary; b++)
                {
                    ulong ga = (context.Of(a) >> layer) & 1, gb = (context.Of(b) >> layer) & 1;
                    next[a] += held[a] * held[b] * (ga > gb ? 1 : ga == gb ? 0.5 : 0);
                    next[b] += held[a] * held[b] * (gb > ga ? 1 : ga == gb ? 0.5 : 0);
                }
            }

            held = next;
        }

        double[] drawn = Frequencies(mark, Logits(7), new SamplingOptions(), 60_000, _ => [3]);
        Assert.All(held.Zip(drawn), pair => Assert.Equal(pair.First, pair.Second, 4.5 * Math.Sqrt(pair.First / 60_000) + 1e-4));
        Assert.Contains(p.Zip(held), pair => Math.Abs(pair.First - pair.Second) > 0.02);
    }

    /// <summary>Over contexts, each with bits of its own, a token is as probable as without the mark.</summary>
    [Theory]
    [InlineData(0, 1.0, 0.0, 1.0)]
    [InlineData(5, 1.0, 0.0, 1.0)]
    [InlineData(0, 0.8, 0.0, 0.7)]
    [InlineData(0, 1.0, 0.1, 1.3)]
    [InlineData(6, 0.9, 0.05, 1.0)]
    public void ATournamentLeavesTheDistribution(int topK, double topP, double minP, double temperature)
    {
        SamplingOptions options = new() { TopK = topK, TopP = topP, MinP = minP, Temperature = temperature };
        const int Draws = 60_000;
        double[] marked = Frequencies(new Watermark.Tournament(Key(1), Width: 2), Logits(11), options, Draws, i => [i, i + 1]);
        double[] plain = Frequencies(null, Logits(11), options, Draws, i => [i, i + 1]);
        Assert.All(plain.Zip(marked), pair => Assert.Equal(pair.First, pair.Second, 4.5 * Math.Sqrt(2 * pair.First / Draws) + 1e-4));
        Assert.All(plain.Zip(marked), pair => Assert.False(pair.First == 0 && pair.Second > 0, "what the filters took out may not win"));
    }

    /// <summary>Green tokens' odds grow by e^δ at any temperature, and the filters see it.</summary>
    [Theory]
    [InlineData(1.0)]
    [InlineData(0.5)]
    public void AGreenListRaisesGreenTokensOdds(double temperature)
    {
        Watermark.GreenList mark = new(Key(2), Gamma: 0.4, Delta: 1.5);
        ContextKey context = new MarkHash(mark.Key).After([3]);
        double[] p = Softmax(Logits(5), temperature);
        double[] raised = [.. p.Select((x, id) => x * (context.Of(id) < MarkHash.Greens(0.4) ? Math.Exp(1.5) : 1))];
        double total = raised.Sum();
        double[] drawn = Frequencies(mark, Logits(5), new SamplingOptions { Temperature = temperature }, 60_000, _ => [3]);
        Assert.All(raised.Zip(drawn), pair => Assert.Equal(pair.First / total, pair.Second, 4.5 * Math.Sqrt(pair.First / total / 60_000) + 1e-4));
        Assert.Equal(raised.Index().MaxBy(r => Math.Log(r.Item) - Math.Log(p[r.Index]) + Logits(5)[r.Index]).Index, Draw(mark, new SamplingOptions { Temperature = 0 }, Logits(5), 0, [3]));
    }

    [Fact]
    public void AtTemperature0ATournamentChoosesNothing()
    {
        for (int i = 0; i < 50; i++)
        {
            Assert.Equal(Draw(null, new SamplingOptions { Temperature = 0 }, Logits(i), 1, [i, i]), Draw(new Watermark.Tournament(Key(4), Width: 2), new SamplingOptions { Temperature = 0 }, Logits(i), 1, [i, i]));
        }
    }

    /// <summary>The second time a context comes in one answer its token is drawn as without the mark, from the same draw.</summary>
    [Fact]
    public void AContextIsMarkedOnceInAnAnswer()
    {
        Watermark mark = new Watermark.Tournament(Key(5), Width: 1);
        SamplingOptions options = new();
        Sampler sampler = new(options, Vocabulary);
        int differ = 0;
        for (int seed = 0; seed < 100; seed++)
        {
            MarkedAnswer answer = MarkedAnswer.Begin(mark, Vocabulary)!;
            RandomStream random = new((ulong)seed), plain = new((ulong)seed);
            int first = sampler.Next(Logits(1), random, [4], [], answer), unmarked = sampler.Next(Logits(1), plain, [4], []);
            differ += first != unmarked ? 1 : 0;
            Assert.Equal(sampler.Next(Logits(1), plain, [4], [9, 4]), sampler.Next(Logits(1), random, [4], [9, 4], answer));
        }

        Assert.InRange(differ, 20, 100);
    }

    [Fact]
    public void WithoutEnoughTokensBeforeItATokenIsNotMarked()
    {
        Watermark mark = new Watermark.Tournament(Key(5), Width: 4);
        for (int seed = 0; seed < 50; seed++)
        {
            Assert.Equal(Draw(null, new SamplingOptions(), Logits(1), (ulong)seed, [1, 2, 3]), Draw(mark, new SamplingOptions(), Logits(1), (ulong)seed, [1, 2, 3]));
        }
    }

    [Fact]
    public void AMarkThatCannotBeIsRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => MarkedAnswer.Begin(new Watermark.Tournament(new byte[31]), 4));
        Assert.Throws<ArgumentOutOfRangeException>(() => MarkedAnswer.Begin(new Watermark.Tournament(Key(1), Layers: 65), 4));
        Assert.Throws<ArgumentOutOfRangeException>(() => MarkedAnswer.Begin(new Watermark.GreenList(Key(1), Gamma: 1), 4));
        Assert.Null(MarkedAnswer.Begin(null, 4));
    }

    static double[] Frequencies(Watermark? mark, float[] logits, SamplingOptions options, int draws, Func<int, int[]> prompt)
    {
        Sampler sampler = new(options, Vocabulary);
        RandomStream random = new(42);
        double[] counts = new double[Vocabulary];
        for (int i = 0; i < draws; i++)
        {
            counts[sampler.Next([.. logits], random, prompt(i), [], MarkedAnswer.Begin(mark, Vocabulary))] += 1.0 / draws;
        }

        return counts;
    }

    static int Draw(Watermark? mark, SamplingOptions options, float[] logits, ulong seed, int[] prompt) =>
        new Sampler(options, Vocabulary).Next([.. logits], new RandomStream(seed), prompt, [], MarkedAnswer.Begin(mark, Vocabulary));

    static float[] Logits(int seed)
    {
        RandomStream random = new((ulong)seed);
        return [.. Enumerable.Range(0, Vocabulary).Select(_ => (float)random.NextNormal())];
    }

    static double[] Softmax(float[] logits, double temperature)
    {
        double[] e = [.. logits.Select(l => Math.Exp(l / temperature))];
        double sum = e.Sum();
        return [.. e.Select(x => x / sum)];
    }

    internal static byte[] Key(int number) => [.. Enumerable.Repeat((byte)number, Watermark.KeyLength)];
}
