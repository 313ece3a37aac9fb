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

    [Fact]
    public void TakingOutWhatMayNotFollowChangesNothingAmongTheRest()
    {
        // Where every token may follow the answer is the one that would have come unconstrained, token by token.
        SamplingOptions options = new() { MaxTokens = 30, Temperature = 0 };
        JsonElement schema = JsonElement.Parse("""{"type":"object"}""");
        string json = Answer(options, 3, ends => TokenConstraint.OfSchema(schema, Index, ends, "here")).Text;
        Assert.Equal(json, Answer(options, 4, ends => TokenConstraint.OfSchema(schema, Index, ends, "here")).Text);
        Assert.Equal(json, Answer(options, 4, ends => TokenConstraint.OfAnyObject(Index, ends)).Text);
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
