using System.Text.Json;
using Retort.Kernels;
using Retort.Model.Grammars;
using Retort.Model.Inference;
using Retort.Model.Llama;
using Retort.Model.Marks;
using Retort.Model.Tokenizers;
using Retort.Tests.Model.Llama;
using TokenizerSamples = Retort.Tests.Model.Tokenizers.Samples;

namespace Retort.Tests.Model.Marks;

/// <summary>Marks on whole answers of a small model.</summary>
public class MarkedEngineTests
{
    static readonly Tokenizer Words = TokenizerSamples.Trained();

    static readonly LlamaWeights Weights = SmallModels.Random(LlamaFamily.Llama, Words.VocabularySize);

    public static TheoryData<Watermark> Marks => [new Watermark.Tournament(MarkedAnswerTests.Key(1), Width: 2), new Watermark.GreenList(MarkedAnswerTests.Key(1))];

    [Theory]
    [MemberData(nameof(Marks))]
    public void AMarkedAnswerIsTheSameAmongOthersAndDiffersFromAnUnmarkedOne(Watermark mark)
    {
        SamplingOptions options = new() { MaxTokens = 40, Watermark = mark };
        int[][] alone = [.. Enumerable.Range(0, 5).Select(i => Run(options, 1, i)[0])];
        Assert.Equal(alone, Run(options, 2, 0, 1, 2, 3, 4));
        Assert.Equal(5, alone.Zip(Run(options with { Watermark = null }, 2, 0, 1, 2, 3, 4)).Count(pair => !pair.First.SequenceEqual(pair.Second)));
    }

    [Theory]
    [MemberData(nameof(Marks))]
    public void TheGeneratorMarksTexts(Watermark mark)
    {
        using Workers workers = new(1);
        Generator generator = new(Weights, Words, workers);
        int[][] prompts = [.. Enumerable.Range(0, 40).Select(i => SmallModels.Tokens(6, Words.VocabularySize, (ulong)i))];
        IReadOnlyList<Generation> marked = generator.GenerateMany(prompts, new SamplingOptions { MaxTokens = 50, Watermark = mark });
        MarkTally tally = MarkTally.Of(marked.Select(m => m.Tokens), mark);
        double expected = tally.Scored * tally.Set.Count * tally.Chance;
        Assert.True(tally.Set.Sum() > expected + (8 * Math.Sqrt(expected * (1 - tally.Chance))), $"{tally.Set.Sum()} set, {expected} expected of {tally.Scored}");
    }

    /// <summary>The form holds, and the mark is there nevertheless.</summary>
    [Theory]
    [MemberData(nameof(Marks))]
    public void AConstrainedAnswerIsMarkedWithinItsForm(Watermark mark)
    {
        using JsonDocument schema = JsonDocument.Parse("""{"type": "object", "properties": {"a": {"type": "string", "minLength": 30, "maxLength": 40}}, "required": ["a"], "additionalProperties": false}""");
        TokenIndex index = new(Words);
        List<int[]> texts = [];
        using InferenceEngine engine = new(InferenceWeights.Of(Weights), Words, new(1, 256, Answers: 1), "the model");
        for (int i = 0; i < 20; i++)
        {
            List<int> tokens = [];
            string text = "";
            engine.Start(new(SmallModels.Tokens(5, Words.VocabularySize, 3), new SamplingOptions { MaxTokens = 200, Watermark = mark }, (ulong)i, Constraint: TokenConstraint.OfSchema(schema.RootElement, index, engine.Ends, "schema"), OnPart: p =>
            {
                tokens.AddRange(p.Drawn is { } d ? [d.Token] : []);
                text += p.Text;
            }));
            while (engine.Step())
            {
            }

            Assert.InRange(JsonElement.Parse(text).GetProperty("a").GetString()!.EnumerateRunes().Count(), 30, 40);
            texts.Add([.. tokens]);
        }

        MarkTally tally = MarkTally.Of(texts, mark);
        double expected = tally.Scored * tally.Set.Count * tally.Chance;
        Assert.True(tally.Set.Sum() > expected + (4 * Math.Sqrt(expected * (1 - tally.Chance))), $"{tally.Set.Sum()} set, {expected} expected of {tally.Scored}");
    }

    static int[][] Run(SamplingOptions options, int threads, params int[] seeds)
    {
        using InferenceEngine engine = new(InferenceWeights.Of(Weights), Words, new(threads, 64 * seeds.Length, seeds.Length), "the model");
        List<int>[] made = [.. seeds.Select(_ => new List<int>())];
        for (int i = 0; i < seeds.Length; i++)
        {
            int at = i;
            engine.Start(new(SmallModels.Tokens(9, Words.VocabularySize, (ulong)seeds[i]), options, (ulong)seeds[i], OnPart: p => made[at].AddRange(p.Drawn is { } d ? [d.Token] : [])));
        }

        while (engine.Step())
        {
        }

        return [.. made.Select(m => m.ToArray())];
    }
}
