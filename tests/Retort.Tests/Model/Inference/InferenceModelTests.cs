using Retort.Model;
using Retort.Model.Files;
using Retort.Model.Inference;
using Retort.Model.Llama;
using Retort.Model.Tokenizers;
using Retort.Tests.Model.Files;
using Retort.Tests.Model.Llama;
using TokenizerSamples = Retort.Tests.Model.Tokenizers.Samples;

namespace Retort.Tests.Model.Inference;

public class InferenceModelTests
{
    static readonly Tokenizer Small = TokenizerSamples.Trained();

    [Theory]
    [InlineData(LlamaFamily.Llama, NumberType.F32)]
    [InlineData(LlamaFamily.Llama, NumberType.BF16)]
    [InlineData(LlamaFamily.Qwen2, NumberType.F16)]
    [InlineData(LlamaFamily.Qwen3, NumberType.BF16)]
    public void AMappedFolderAnswersAsItsFloats(LlamaFamily family, NumberType type)
    {
        using Scratch folder = new();
        ModelFolder.Write(folder.Folder, Model(family), type);
        Assert.Equal(Answer(InferenceWeights.Of(ModelReference.Open(folder.Folder).Weights)), Answer(InferenceModel.Open(folder.Folder).Weights));
    }

    [Theory]
    [InlineData(LlamaFamily.Llama, "F32")]
    [InlineData(LlamaFamily.Llama, "F16")]
    [InlineData(LlamaFamily.Qwen2, "BF16")]
    [InlineData(LlamaFamily.Qwen3, "F16")]
    public void AMappedGgufAnswersAsItsFloats(LlamaFamily family, string type)
    {
        using Scratch folder = new();
        string path = Gguf(folder, family, type);
        Assert.Equal(Answer(InferenceWeights.Of(ModelReference.Open(path).Weights)), Answer(InferenceModel.Open(path).Weights));
    }

    [Theory]
    [InlineData(LlamaFamily.Llama, AnswerFormat.Q8)]
    [InlineData(LlamaFamily.Llama, AnswerFormat.Q4)]
    [InlineData(LlamaFamily.Qwen3, AnswerFormat.Q8)]
    public void QuantisingAtOpeningGivesTheNumbersOfAQuantisedFile(LlamaFamily family, AnswerFormat format)
    {
        using Scratch folder = new();
        ModelFolder.Write(folder.Folder, Model(family), NumberType.F32);
        InferenceWeights opened = InferenceModel.Open(folder.Folder, format: format).Weights, file = InferenceModel.Open(Gguf(folder, family, format == AnswerFormat.Q8 ? "Q8_0" : "Q4_0")).Weights;
        Assert.NotNull(file.Layers[0].Down.Bits);
        Assert.Equal(opened.Bytes, file.Bytes);
        Assert.Equal(Answer(opened), Answer(file));
        AssertRows(file.Layers[1].Query, opened.Layers[1].Query);
        Assert.NotEqual(Answer(InferenceModel.Open(folder.Folder).Weights), Answer(opened));
    }

    [Fact]
    public void AMissingOrSurplusTensorIsNamedBeforeAnythingIsMapped()
    {
        using Scratch folder = new();
        ModelFolder.Write(folder.Folder, Model(LlamaFamily.Llama), NumberType.F32);
        string config = Path.Combine(folder.Folder, "config.json");
        File.WriteAllText(config, File.ReadAllText(config).Replace("\"num_hidden_layers\": 3", "\"num_hidden_layers\": 4", StringComparison.Ordinal));
        Assert.Contains("model.layers.3", Assert.Throws<UserError>(() => InferenceModel.Open(folder.Folder)).Message, StringComparison.Ordinal);
    }

    static string Gguf(Scratch folder, LlamaFamily family, string type)
    {
        string path = Path.Combine(folder.Folder, "model.gguf");
        GgufType coded = new[] { GgufType.F32, GgufType.F16, GgufType.BF16, GgufType.Q8_0, GgufType.Q4_0 }.Single(t => t.Name == type);
        GgufWriter.Write(path, Model(family), Small, chatTemplate: null, "small", coded);
        return path;
    }

    static void AssertRows(WeightMatrix expected, WeightMatrix actual)
    {
        float[] a = new float[expected.Columns], b = new float[actual.Columns];
        for (int row = 0; row < expected.Rows; row++)
        {
            expected.Row(a, row);
            actual.Row(b, row);
            Assert.Equal(a, b);
        }
    }

    static LlamaWeights Model(LlamaFamily family)
    {
        LlamaConfig config = SmallModels.Random(family, Small.VocabularySize, 100).Config with { Hidden = 64, HeadSize = 16, FeedForward = 96 };
        LlamaWeights weights = new(config);
        RandomStream random = new(4);
        foreach (WeightSlice slice in weights.Slices())
        {
            foreach (ref float x in slice.Span)
            {
                x = slice.Shape.Count == 1 ? 1f : (float)(random.NextNormal() / Math.Sqrt(slice.Shape[1]));
            }
        }

        return weights;
    }

    static int[] Answer(InferenceWeights weights)
    {
        List<int> tokens = [];
        using InferenceEngine engine = new(weights, Small, new(1, 96), "the model");
        engine.Start(new(SmallModels.Tokens(40, Small.VocabularySize, 2), new SamplingOptions { MaxTokens = 40 }, 7, OnPart: p => tokens.AddRange(p.Drawn is { } d ? [d.Token] : [])));
        while (engine.Step())
        {
        }

        return [.. tokens];
    }
}
