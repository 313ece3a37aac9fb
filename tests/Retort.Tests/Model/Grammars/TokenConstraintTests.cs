using System.Text.Json;
using Retort.Model;
using Retort.Model.Grammars;
using Retort.Model.Inference;
using Retort.Model.Llama;
using Retort.Model.Tokenizers;
using Retort.Tests.Model.Llama;
using TokenizerSamples = Retort.Tests.Model.Tokenizers.Samples;

namespace Retort.Tests.Model.Grammars;

public class TokenConstraintTests
{
    static readonly Tokenizer Small = TokenizerSamples.Trained(600);
    static readonly TokenIndex Index = new(Small);

    [Theory]
    [InlineData("""{"type":"object","properties":{"name":{"type":"string","maxLength":8},"old":{"type":"boolean"},"n":{"type":"array","items":{"type":"integer"},"maxItems":2}},"required":["name","old"]}""")]
    [InlineData("""{"enum":["yes","no","perhaps"]}""")]
    [InlineData("""{"type":"array","items":{"type":["null","boolean"]},"minItems":2,"maxItems":4}""")]
    public void EveryAnswerOfARandomModelIsWhatTheSchemaAsks(string schema)
    {
        foreach (double temperature in (double[])[0, 1, 3])
        {
            for (ulong seed = 0; seed < 12; seed++)
            {
                (string text, string? finish) = Answer(new SamplingOptions { MaxTokens = 200, Temperature = temperature }, seed, ends => TokenConstraint.OfSchema(JsonElement.Parse(schema), Index, ends, "here"));
                Assert.Equal("stop", finish);
                Assert.True(GrammarState.Begin(JsonSchemaGrammar.Of(JsonElement.Parse(schema), "here"), "here").After(System.Text.Encoding.UTF8.GetBytes(text)) is { CanEnd: true }, text);
                JsonElement.Parse(text);
            }
        }
    }

    [Fact]
    public void LabelsComeByTheirProbability()
    {
        string[] labels = ["the", "girl", "tab", "time"];
        string[] drawn = [.. Enumerable.Range(0, 60).Select(seed => Answer(new SamplingOptions { MaxTokens = 20 }, (ulong)seed, ends => TokenConstraint.OfLabels(labels, Index, ends, "here")).Text.TrimStart())];
        Assert.All(drawn, d => Assert.Contains(d, labels));
        Assert.True(drawn.Distinct(StringComparer.Ordinal).Count() > 1);
        Assert.Contains("no labels", Assert.Throws<UserError>(() => TokenConstraint.OfLabels([], Index, [2], "here")).Message, StringComparison.Ordinal);
    }

    /// <summary>Both ways to draw, taking out and drawing again, give the model's distribution over the tokens that may follow.</summary>
    [Theory]
    [InlineData("", 0)]
    [InlineData("", int.MaxValue)]
    [InlineData("\"", 0)]
    [InlineData("\"", int.MaxValue)]
    public void ATokenComesAsOftenAsItsShareOfWhatMayFollow(string written, int few)
    {
        const int Draws = 20_000;
        JsonElement schema = JsonElement.Parse("""{"type":"string"}""");
        GrammarState state = GrammarState.Begin(JsonSchemaGrammar.Of(schema, "here"), "here").After(System.Text.Encoding.UTF8.GetBytes(written))!;
        int[] following = [.. Enumerable.Range(0, Small.VocabularySize).Where(id => Small.TokenBytes(id) is { Length: > 0 } bytes && state.After(bytes) is not null)];
        Assert.True(following.Length > 1 && following.Length < Small.VocabularySize);
        RandomStream random = new(5);
        float[] logits = [.. Enumerable.Range(0, Small.VocabularySize).Select(id => (float)(random.NextNormal() + (id % 3 == 0 ? 2 : 0)))];
        double sum = following.Sum(id => Math.Exp(logits[id]));
        Sampler sampler = new(new SamplingOptions(), Small.VocabularySize);
        int[] seen = new int[Small.VocabularySize];
        for (int i = 0; i < Draws; i++)
        {
            TokenConstraint constraint = TokenConstraint.From(state, Index, [], few);
            seen[constraint.Draw(sampler, [.. logits], random, [], [])]++;
        }

        Assert.Equal(Draws, following.Sum(id => seen[id]));
        foreach (int id in following.OrderByDescending(id => logits[id]).Take(20))
        {
            double expected = Draws * Math.Exp(logits[id]) / sum;
            Assert.InRange(seen[id], expected - (5 * Math.Sqrt(expected)), expected + (5 * Math.Sqrt(expected)));
        }
    }

    /// <summary>Looked for among all, the likeliest token that may follow is the one that is found by taking out all others.</summary>
    [Fact]
    public void TheLikeliestIsTheLikeliestOfWhatMayFollow()
    {
        RandomStream random = new(8);
        Sampler greedy = new(new SamplingOptions { Temperature = 0 }, Small.VocabularySize);
        foreach (string written in (string[])["", "{", "{\"a", "{\"ab\":", "{\"ab\":[1"])
        {
            GrammarState state = GrammarState.Begin(JsonSchemaGrammar.Of(JsonElement.Parse("""{"type":"object","properties":{"ab":{"type":"array","items":{"type":"integer"}}},"required":["ab"]}"""), "here"), "here").After(System.Text.Encoding.UTF8.GetBytes(written))!;
            int[] following = [.. Enumerable.Range(0, Small.VocabularySize).Where(id => Small.TokenBytes(id) is { Length: > 0 } bytes && !Small.IsSpecial(id) && state.After(bytes) is not null)];
            Assert.NotEmpty(following);
            for (int i = 0; i < 200; i++)
            {
                float[] logits = [.. Enumerable.Range(0, Small.VocabularySize).Select(_ => (float)random.NextNormal())];
                Assert.Equal(following.MaxBy(id => logits[id]), TokenConstraint.From(state, Index, [], few: i % 2 == 0 ? 0 : int.MaxValue).Draw(greedy, [.. logits], random, [], []));
            }
        }
    }

    static (string Text, string? Finish) Answer(SamplingOptions options, ulong seed, Func<IReadOnlyCollection<int>, TokenConstraint> constraint)
    {
        System.Text.StringBuilder text = new();
        using InferenceEngine engine = new(InferenceWeights.Of(SmallModels.Random(LlamaFamily.Llama, Small.VocabularySize, 256)), Small, new(1, 256), "the model");
        Answer answer = engine.Start(new([5, 6, 7], options, seed, Constraint: constraint(engine.Ends), OnPart: p => text.Append(p.Text)));
        while (engine.Step())
        {
        }

        return (text.ToString(), answer.Finish);
    }
}
