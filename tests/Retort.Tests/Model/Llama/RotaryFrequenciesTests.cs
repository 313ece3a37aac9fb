using System.Text.Json;
using Retort.Model.Files;
using Retort.Kernels;
using Retort.Model.Inference;
using Retort.Model.Llama;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Model.Llama;

/// <summary>Scaled rotary embeddings against tests/golden/rope, written from the papers by a script of its own.</summary>
public sealed class RotaryFrequenciesTests : IDisposable
{
    readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void FrequenciesAndFactorsEqualTheFormulas()
    {
        using JsonDocument golden = JsonDocument.Parse(File.ReadAllText(Repository.PathOf("tests/golden/rope/frequencies.json")));
        foreach (JsonProperty entry in golden.RootElement.EnumerateObject())
        {
            string fields = entry.Value.GetProperty("config").GetRawText()[1..^1];
            _scratch.Write("config.json", $"{{\"model_type\":\"llama\",\"hidden_size\":32,\"intermediate_size\":56,\"num_hidden_layers\":2,\"num_attention_heads\":4,\"vocab_size\":97,{fields}}}");
            (double[] frequencies, float factor) = RotaryFrequencies.Of(ModelFolder.ReadConfig(_scratch.Folder));
            double[] expected = [.. entry.Value.GetProperty("frequencies").EnumerateArray().Select(f => f.GetDouble())];
            Assert.Equal(expected.Length, frequencies.Length);
            Assert.All(expected.Zip(frequencies), pair => Assert.Equal(pair.First, pair.Second, 1e-12 * pair.First));
            Assert.Equal(entry.Value.GetProperty("attention_factor").GetDouble(), factor, 1e-7);
        }
    }

    /// <summary>Decoding in lanes and the answering engine turn as the training engine does.</summary>
    [Fact]
    public void EveryEngineTurnsAlike()
    {
        LlamaWeights plain = SmallModels.Random(LlamaFamily.Llama);
        LlamaWeights weights = new(plain.Config with { RopeTheta = 100, RopeScaling = new RopeScaling.Yarn(4, 16, 4, 1, RopeScaling.Yarn.Magnitude(4), true) });
        foreach ((WeightSlice to, WeightSlice from) in weights.Slices().Zip(plain.Slices()))
        {
            from.Span.CopyTo(to.Span);
        }

        int[] tokens = SmallModels.Tokens(40, 70, 5);
        using Workers workers = new(1);
        float[] expected = LlamaDecoderTests.Forward(weights, tokens, workers)[^1];
        LlamaDecoder decoder = new(weights, 64, workers);
        foreach (int token in tokens)
        {
            decoder.Step([token, .. Enumerable.Repeat(-1, MatMul.L - 1)]);
        }

        PagedCache cache = new(weights.Config, 2);
        InferencePass pass = new(InferenceWeights.Of(weights), cache, workers, 64, 1);
        InferenceBatch batch = new();
        batch.Add(tokens, 0, [cache.Take(), cache.Take()], inBlocks: false, logits: true);
        pass.Run(batch);
        foreach (float[] logits in (float[][])[decoder.Logits(0).ToArray(), pass.Logits(0).ToArray()])
        {
            Assert.All(expected.Zip(logits), pair => Assert.Equal(pair.First, pair.Second, 1e-4f * expected.Max(MathF.Abs)));
        }
    }
}
