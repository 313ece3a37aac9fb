using Retort.Kernels;
using Retort.Model;
using Retort.Model.Inference;
using Retort.Model.Llama;
using Retort.Model.Tokenizers;
using Retort.Tests.Model.Llama;
using TokenizerSamples = Retort.Tests.Model.Tokenizers.Samples;

namespace Retort.Tests.Model.Inference;

public class InferenceEngineTests
{
    const int L = MatMul.L;

    static readonly Tokenizer Small = TokenizerSamples.Trained();

    [Theory]
    [InlineData(LlamaFamily.Llama, 1)]
    [InlineData(LlamaFamily.Llama, 33)]
    [InlineData(LlamaFamily.Qwen2, 64)]
    [InlineData(LlamaFamily.Qwen2, 71)]
    [InlineData(LlamaFamily.Qwen3, 5)]
    [InlineData(LlamaFamily.Qwen3, 90)]
    public void ProbabilitiesAreThoseOfTheForwardPass(LlamaFamily family, int length)
    {
        LlamaWeights weights = Model(family);
        int[] prompt = SmallModels.Tokens(length, Small.VocabularySize, 3);
        List<int> tokens = [.. prompt];
        List<AnswerPart> parts = [];
        using InferenceEngine engine = new(InferenceWeights.Of(weights), Small, new(2, 160, PromptRows: 32), "the model");
        engine.Start(new(prompt, new SamplingOptions { MaxTokens = 40, Seed = 1 }, 5, Probabilities: 6, OnPart: parts.Add));
        while (engine.Step())
        {
        }

        tokens.AddRange(parts.Where(p => p.Drawn is not null).Select(p => p.Drawn!.Value.Token));
        double[][] reference = LogProbabilities(weights, [.. tokens]);
        for (int i = 0; i < parts.Count; i++)
        {
            double[] at = reference[length - 1 + i];
            if (parts[i].Drawn is { } drawn)
            {
                Assert.Equal(at[drawn.Token], drawn.LogProbability, 1e-4);
            }

            Assert.Equal(6, parts[i].Top.Count);
            Assert.Equal(at.OrderDescending().Take(6), parts[i].Top.Select(t => (double)t.LogProbability), (a, b) => Math.Abs(a - b) < 1e-4);
            Assert.All(parts[i].Top, t => Assert.Equal(at[t.Token], t.LogProbability, 1e-4));
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData(WeightBits.Eight)]
    [InlineData(WeightBits.Four)]
    public void AnAnswerIsTheSameAloneAndAmongOthersAtAnyNumberOfThreads(WeightBits? bits)
    {
        InferenceWeights weights = Weights(bits);
        int[][] prompts = [.. Enumerable.Range(0, 12).Select(i => SmallModels.Tokens(1 + (i * 17 % 90), Small.VocabularySize, (ulong)i))];
        SamplingOptions options = new() { MaxTokens = 50, TopP = 0.95, Temperature = 0.9 };
        int[][] alone = [.. prompts.Select((p, i) => Run(weights, 1, 200, 1, 64, (p, i))[0])];
        Assert.True(alone.Select(a => string.Join(' ', a)).Distinct(StringComparer.Ordinal).Count() > 10);
        Assert.Equal(alone, Run(weights, 3, 12 * 160, 12, 32, [.. prompts.Select((p, i) => (p, i))]));
        Assert.Equal(alone, Run(weights, 2, 400, 5, 96, [.. prompts.Select((p, i) => (p, i))]));

        int[][] Run(InferenceWeights w, int threads, int cache, int answers, int rows, params (int[] Prompt, int Seed)[] requests)
        {
            using InferenceEngine engine = new(w, Small, new(threads, cache, answers, rows), "the model");
            List<int>[] made = [.. requests.Select(_ => new List<int>())];
            for (int i = 0; i < requests.Length; i++)
            {
                int at = i;
                engine.Start(new(requests[i].Prompt, options, (ulong)requests[i].Seed, OnPart: p => made[at].AddRange(p.Drawn is { } d ? [d.Token] : [])));
            }

            while (engine.Step())
            {
                Assert.True(engine.Running <= answers);
            }

            return [.. made.Select(m => m.ToArray())];
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData(WeightBits.Eight)]
    public void WhatAPromptSharesWithAnEarlierOneIsNotComputedAgain(WeightBits? bits)
    {
        InferenceWeights weights = Weights(bits);
        int[] shared = SmallModels.Tokens(75, Small.VocabularySize, 1);
        int[] first = [.. shared, 5, 6, 7], second = [.. shared, 9, 3];
        using InferenceEngine engine = new(weights, Small, new(1, 5 * L), "the model"), fresh = new(weights, Small, new(1, 5 * L), "the model");
        Answer a = Write(engine, first), b = Write(engine, second), c = Write(fresh, second);
        Assert.Equal((0, 64, 0), (a.ReusedTokens, b.ReusedTokens, c.ReusedTokens));
        Assert.Equal(Tokens(c), Tokens(b));

        // The same prompt once more leaves one page to be computed, for its logits; a conversation that goes on finds its own answer.
        Assert.Equal(64, Write(engine, first).ReusedTokens);
        int[] longer = [.. second, .. Tokens(b), 4];
        Assert.Equal(bits is null ? 64 : 96, Write(engine, longer).ReusedTokens);

        // All five pages are taken by another: what was known is forgotten.
        Write(engine, SmallModels.Tokens(130, Small.VocabularySize, 2));
        Assert.Equal(0, Write(engine, first).ReusedTokens);
    }

    [Fact]
    public void ACancelledAnswerMakesRoomForTheNext()
    {
        using InferenceEngine engine = new(Weights(null), Small, new(1, 4 * L, Answers: 2), "the model");
        SamplingOptions options = new() { MaxTokens = 90, Temperature = 0 };
        Answer one = engine.Start(new([5, 6], options, 0)), two = engine.Start(new([7, 8], options, 0));
        engine.Step();
        Assert.Equal((1, 1), (engine.Running, engine.Waiting));
        one.Cancel();
        engine.Step();
        Assert.Equal(("cancelled", 1), (one.Finish, two.Written));
        two.Cancel();
        Assert.False(engine.Step());
        Assert.Equal((0, 0), (engine.Running, engine.Waiting));

        Answer third = engine.Start(new([1], options, 0)), fourth = engine.Start(new([1], options, 0));
        fourth.Cancel();
        while (engine.Step())
        {
        }

        Assert.Equal("cancelled", fourth.Finish);
        Assert.NotNull(third.Finish);
    }

    [Fact]
    public void WhatCanNeverBeAnsweredIsRefused()
    {
        using InferenceEngine engine = new(Weights(null), Small, new(1, 2 * L), "the model");
        SamplingOptions options = new() { MaxTokens = 10 };
        Assert.Contains("empty", Refusal([], options), StringComparison.Ordinal);
        Assert.Contains("context is 160", Refusal(new int[161], options), StringComparison.Ordinal);
        Assert.Contains("not among the model's", Refusal([Small.VocabularySize], options), StringComparison.Ordinal);
        Assert.Contains("64 are kept in memory", Refusal(new int[60], options), StringComparison.Ordinal);
        Answer none = engine.Start(new([1], options with { MaxTokens = 0 }, 0));
        Assert.Equal("length", none.Finish);
        Assert.False(engine.Step());

        string Refusal(int[] prompt, SamplingOptions o) => Assert.Throws<UserError>(() => engine.Start(new(prompt, o, 0))).Message;
    }

    static Answer Write(InferenceEngine engine, int[] prompt)
    {
        Answer answer = engine.Start(new(prompt, new SamplingOptions { MaxTokens = 30, Temperature = 0 }, 0));
        while (engine.Step())
        {
        }

        return answer;
    }

    static int[] Tokens(Answer answer) => [.. Enumerable.Range(0, answer.Written).Select(answer.Text.Token)];

    static LlamaWeights Model(LlamaFamily family) => SmallModels.Random(family, Small.VocabularySize, 160);

    /// <summary>A model whose matrices can be packed, and its weights so.</summary>
    static InferenceWeights Weights(WeightBits? bits)
    {
        LlamaConfig config = Model(LlamaFamily.Llama).Config with { Hidden = 64, HeadSize = 16, FeedForward = 96, Vocabulary = (Small.VocabularySize + 31) / 32 * 32, EndTokens = [] };
        LlamaWeights weights = new(config);
        RandomStream random = new(9);
        foreach (WeightSlice slice in weights.Slices())
        {
            foreach (ref float x in slice.Span)
            {
                x = slice.Shape.Count == 1 ? 1f : (float)(random.NextNormal() / Math.Sqrt(slice.Shape[1]));
            }
        }

        InferenceWeights plain = InferenceWeights.Of(weights);
        return bits is { } b ? plain.Quantized(b, "the model") : plain;
    }

    static double[][] LogProbabilities(LlamaWeights weights, int[] tokens)
    {
        using Workers workers = new(1);
        return [.. LlamaDecoderTests.Forward(weights, tokens, workers).Select(logits =>
        {
            double norm = Math.Log(logits.Sum(x => Math.Exp(x)));
            return logits.Select(x => x - norm).ToArray();
        })];
    }
}
