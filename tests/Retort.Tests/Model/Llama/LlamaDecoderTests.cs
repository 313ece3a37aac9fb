using Retort.Kernels;
using Retort.Model.Llama;

namespace Retort.Tests.Model.Llama;

/// <summary>Decoding with a cache gives the logits of the whole forward pass (error: max|difference| / max|reference|).</summary>
public class LlamaDecoderTests
{
    const int L = MatMul.L;
    const double Tolerance = 1e-4;

    [Theory]
    [InlineData(LlamaFamily.Llama)]
    [InlineData(LlamaFamily.Qwen2)]
    [InlineData(LlamaFamily.Qwen3)]
    public void LanesThatStartAtDifferentStepsEqualTheForwardPass(LlamaFamily family)
    {
        const int Steps = 90, Capacity = 30;
        LlamaWeights weights = SmallModels.Random(family);
        int v = weights.Config.Vocabulary;
        using Workers workers = new(1);
        LlamaDecoder decoder = new(weights, Capacity, workers);
        int[][] sequences = new int[L][];
        float[][][] reference = new float[L][][];
        int[] at = new int[L], next = new int[L];
        for (int step = 0; step < Steps; step++)
        {
            for (int lane = 0; lane < L; lane++)
            {
                if (sequences[lane] is not null && at[lane] == sequences[lane].Length)
                {
                    sequences[lane] = null!;
                }

                if (sequences[lane] is null && step % 7 == lane % 7)
                {
                    sequences[lane] = SmallModels.Tokens(1 + ((lane * 13) + (step * 5)) % Capacity, v, (ulong)((step * L) + lane));
                    reference[lane] = Forward(weights, sequences[lane], workers);
                    at[lane] = 0;
                    decoder.Start(lane);
                }

                next[lane] = sequences[lane] is null ? -1 : sequences[lane][at[lane]];
            }

            decoder.Step(next);
            for (int lane = 0; lane < L; lane++)
            {
                if (next[lane] >= 0)
                {
                    AssertClose(reference[lane][at[lane]], decoder.Logits(lane), step);
                    Assert.Equal(++at[lane], decoder.Length(lane));
                }
            }
        }
    }

    [Fact]
    public void WorkThatIsDealtOutGivesTheSameBits()
    {
        LlamaConfig config = SmallModels.Random(LlamaFamily.Qwen2).Config with { Hidden = 320, FeedForward = 840, Layers = 2, HeadSize = 80, Vocabulary = 900 };
        LlamaWeights weights = new(config);
        weights.Initialize(3);
        int[] tokens = SmallModels.Tokens(40, config.Vocabulary, 9);
        using Workers one = new(1), three = new(3);
        LlamaDecoder a = new(weights, 40, one), b = new(weights, 40, three);
        foreach (int token in tokens)
        {
            int[] step = [.. Enumerable.Range(0, L).Select(lane => (token + lane) % config.Vocabulary)];
            a.Step(step);
            b.Step(step);
            Assert.True(a.Logits(L - 1).SequenceEqual(b.Logits(L - 1)));
        }

        Assert.Throws<InvalidOperationException>(() => a.Step([.. Enumerable.Repeat(1, L)]));
    }

    internal static float[][] Forward(LlamaWeights weights, int[] tokens, Workers workers)
    {
        int blocks = (tokens.Length + L - 1) / L, v = weights.Config.Vocabulary;
        int[] padded = new int[blocks * L];
        tokens.CopyTo(padded, 0);
        LlamaActivations a = new(weights.Config, 1, blocks, workers, keep: false);
        LlamaForward.Run(weights, a, padded, workers);
        float[][] logits = [.. tokens.Select(_ => new float[v])];
        new LlamaHead(weights.Config, blocks, workers, teacher: false).Run(weights, a, null, null, null, static _ => true, (block, z, _) =>
        {
            for (int t = block * L; t < Math.Min((block + 1) * L, tokens.Length); t++)
            {
                for (int i = 0; i < v; i++)
                {
                    logits[t][i] = z[(i * L) + (t % L)];
                }
            }
        }, workers);
        return logits;
    }

    static void AssertClose(float[] reference, ReadOnlySpan<float> actual, int position)
    {
        double worst = 0, largest = 0;
        for (int i = 0; i < reference.Length; i++)
        {
            worst = Math.Max(worst, Math.Abs((double)reference[i] - actual[i]));
            largest = Math.Max(largest, Math.Abs(reference[i]));
        }

        Assert.True(worst <= Tolerance * largest, $"error {worst / largest:g3} at position {position}");
    }
}
