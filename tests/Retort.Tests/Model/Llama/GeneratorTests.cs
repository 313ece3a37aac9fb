using System.Text;
using Retort.Kernels;
using Retort.Model.Files;
using Retort.Model.Llama;
using Retort.Model.Tokenizers;
using TokenizerSamples = Retort.Tests.Model.Tokenizers.Samples;

namespace Retort.Tests.Model.Llama;

public class GeneratorTests
{
    static readonly Tokenizer Small = TokenizerSamples.Trained();

    [Theory]
    [InlineData("", "greedy-256.txt")]
    [InlineData("Once upon a time", "greedy-once-upon-a-time-256.txt")]
    [InlineData("Tom had a red ball.", "greedy-tom-256.txt")]
    public void GreedyTextOfARealModelEqualsLlama2c(string prompt, string file)
    {
        string folder = Shared.Folder("teachers/stories260K");
        OpenModel model = ModelReference.Open(Path.Combine(folder, "stories260K.bin"));
        using Workers workers = new(2);
        Generator generator = new(model, Tokenizer.Open(model.TokenizerPath!), workers);
        string expected = File.ReadAllText(Path.Combine(folder, file), Encoding.UTF8);

        // llama2.c takes 256 steps, of which those that read the prompt give no new token, and prints a line end after the text.
        SamplingOptions options = new() { Temperature = 0, MaxTokens = 256 - (generator.Encode(prompt).Length - 1) };
        StringBuilder streamed = new();
        Generation one = generator.Generate(prompt, options, piece => streamed.Append(piece));
        Assert.Equal(expected, prompt + one.Text + "\n");
        Assert.Equal(one.Text, streamed.ToString());
        Assert.Equal("length", one.FinishReason);
        Assert.Equal(options.MaxTokens, one.CompletionTokens);
        Assert.Equal(one.Text, Assert.Single(generator.GenerateMany([prompt], options)).Text);
    }

    [Fact]
    public void ManyTextsDoNotDependOnEachOtherOrOnThreads()
    {
        using Workers one = new(1), three = new(3);
        LlamaWeights weights = Model();
        int[][] prompts = [.. Enumerable.Range(0, 75).Select(i => SmallModels.Tokens(1 + (i % 11), Small.VocabularySize, (ulong)i))];
        ulong[] seeds = [.. Enumerable.Range(0, prompts.Length).Select(i => (ulong)(i * i))];
        SamplingOptions options = new() { MaxTokens = 40, TopP = 0.95, RepetitionPenalty = 1.1, Temperature = 0.9 };
        int progress = 0;
        long tokens = 0;
        Generator generator = new(weights, Small, one), dealt = new(weights, Small, three);
        IReadOnlyList<Generation> all = generator.GenerateMany(prompts, options, seeds, p => (progress, tokens) = (p.Finished, p.Tokens));
        Assert.Equal(75, progress);
        Assert.Equal(all.Sum(g => (long)g.CompletionTokens), tokens);
        Assert.True(all.Select(g => g.CompletionTokens).Distinct().Count() > 1 || all.Select(g => g.Text).Distinct().Count() > 50);
        AssertSame(all, dealt.GenerateMany(prompts, options, seeds));
        int[] some = [70, 3, 41];
        AssertSame([.. some.Select(i => all[i])], dealt.GenerateMany([.. some.Select(i => prompts[i])], options, [.. some.Select(i => seeds[i])]));
        AssertSame(generator.GenerateMany(prompts, options), dealt.GenerateMany(prompts, options));
    }

    [Fact]
    public void SeedsDecideTheText()
    {
        using Workers workers = new(1);
        Generator generator = new(Model(), Small, workers);
        SamplingOptions options = new() { MaxTokens = 20, Seed = 4 };
        Assert.Equal(generator.Generate("the", options).Tokens, generator.Generate("the", options).Tokens);
        Assert.NotEqual(generator.Generate("the", options).Tokens, generator.Generate("the", options with { Seed = 5 }).Tokens);
        IReadOnlyList<Generation> same = generator.GenerateMany(["the", "the"], options);
        Assert.NotEqual(same[0].Tokens, same[1].Tokens);
    }

    [Fact]
    public void AStopTextIsCutWhereverTokensDivideIt()
    {
        using Workers workers = new(1);
        Generator generator = new(Model(), Small, workers);
        SamplingOptions options = new() { MaxTokens = 30, Seed = 2 };
        Generation whole = generator.Generate("a", options);
        Assert.True(whole.Text.Length > 20);
        for (int start = 0; start < whole.Text.Length - 1; start++)
        {
            for (int length = 1; length <= Math.Min(9, whole.Text.Length - start); length += 2)
            {
                string stop = whole.Text.Substring(start, length);
                StringBuilder streamed = new();
                Generation cut = generator.Generate("a", options with { Stop = ["never \0 this", stop] }, piece => streamed.Append(piece));
                Assert.Equal(whole.Text[..whole.Text.IndexOf(stop, StringComparison.Ordinal)], cut.Text);
                Assert.Equal(cut.Text, streamed.ToString());
                Assert.Equal("stop", cut.FinishReason);
                Assert.True(cut.CompletionTokens <= whole.CompletionTokens);
                Assert.Null(cut.EndToken);
            }
        }

        // A text that only begins a stop text comes out whole.
        Generation held = generator.Generate("a", options with { Stop = [whole.Text[^3..] + "\0"] });
        Assert.Equal((whole.Text, "length"), (held.Text, held.FinishReason));
    }

    [Fact]
    public void AnEndTokenStops()
    {
        using Workers workers = new(1);
        LlamaWeights weights = Model();
        SamplingOptions options = new() { MaxTokens = 20, Temperature = 0 };
        Generation open = new Generator(weights, Small, workers).Generate("the", options);
        int end = open.Tokens[5];
        LlamaWeights ending = new(weights.Config with { EndTokens = [end] });
        foreach ((FloatBuffer to, FloatBuffer from) in ending.Arenas.Zip(weights.Arenas))
        {
            from.Span.CopyTo(to.Span);
        }

        Generator generator = new(ending, Small, workers);
        foreach (Generation closed in (Generation[])[generator.Generate("the", options), generator.GenerateMany(["the"], options)[0]])
        {
            Assert.Equal(("stop", (int?)end), (closed.FinishReason, closed.EndToken));
            Assert.Equal(open.Tokens.TakeWhile(t => t != end), closed.Tokens);
            Assert.Equal(closed.Tokens.Count, closed.CompletionTokens);
        }
    }

    [Fact]
    public void ThePromptMustFitAndTheTextEndsWithTheContext()
    {
        using Workers workers = new(2);
        Generator generator = new(Model(), Small, workers, "model.bin");
        SamplingOptions options = new() { Temperature = 0, MaxTokens = int.MaxValue };
        UserError error = Assert.Throws<UserError>(() => generator.Generate(SmallModels.Tokens(65, 50, 1), options));
        Assert.Equal("the prompt has 65 tokens, the model's context is 64", error.What);
        Assert.Equal("model.bin", error.Where);
        Assert.Throws<UserError>(() => generator.GenerateMany([[1], SmallModels.Tokens(65, 50, 1)], options));
        Assert.Throws<UserError>(() => generator.Generate([Small.VocabularySize], options));
        Assert.Throws<UserError>(() => generator.Generate((int[])[], options));
        foreach (int length in (int[])[1, 63, 64])
        {
            int[] prompt = SmallModels.Tokens(length, 50, 3);
            foreach (Generation text in (Generation[])[generator.Generate(prompt, options), generator.GenerateMany([prompt], options)[0]])
            {
                Assert.Equal(("length", 64 - length, length), (text.FinishReason, text.CompletionTokens, text.PromptTokens));
            }
        }

        Assert.Equal(0, generator.Generate("the", options with { MaxTokens = 0 }).CompletionTokens);
        Assert.Empty(generator.GenerateMany(Array.Empty<int[]>(), options));
    }

    [Fact]
    public void CancellationEndsBoth()
    {
        using Workers workers = new(2);
        Generator generator = new(Model(), Small, workers);
        using CancellationTokenSource source = new();
        source.Cancel();
        int[][] prompts = [.. Enumerable.Repeat((int[])[1], 70)];
        Assert.Throws<OperationCanceledException>(() => generator.Generate("the", new SamplingOptions(), cancel: source.Token));
        Assert.Throws<OperationCanceledException>(() => generator.GenerateMany(prompts, new SamplingOptions(), cancel: source.Token));
    }

    [Fact]
    public void TheRateIsTakenFromTheGivenClock()
    {
        using Workers workers = new(1);
        Generation text = new Generator(Model(), Small, workers, time: new SteadyClock()).Generate("the", new SamplingOptions { MaxTokens = 10, Temperature = 0 });
        Assert.Equal(10, text.CompletionTokens);
        Assert.Equal(5, text.TokensPerSecond, 6);
    }

    static LlamaWeights Model()
    {
        LlamaWeights weights = SmallModels.Random(LlamaFamily.Llama, vocabulary: Small.VocabularySize + 5, context: 64);
        LlamaWeights endless = new(weights.Config with { EndTokens = [] });
        foreach ((FloatBuffer to, FloatBuffer from) in endless.Arenas.Zip(weights.Arenas))
        {
            from.Span.CopyTo(to.Span);
        }

        return endless;
    }

    static void AssertSame(IReadOnlyList<Generation> a, IReadOnlyList<Generation> b)
    {
        Assert.Equal(a.Count, b.Count);
        for (int i = 0; i < a.Count; i++)
        {
            Assert.Equal(a[i].Tokens, b[i].Tokens);
            Assert.Equal((a[i].Text, a[i].FinishReason, a[i].EndToken), (b[i].Text, b[i].FinishReason, b[i].EndToken));
        }
    }

    /// <summary>Two seconds pass between any two looks.</summary>
    sealed class SteadyClock : TimeProvider
    {
        long _now;

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => _now += 2;
    }
}
