using System.Text.Json;
using Retort.Model.Files;
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

    /// <summary>Decoding, one token at a time and 32 lanes at once, turns as the training engine does.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(32)]
    public void TheDecoderTurnsAsTheForwardPassDoes(int lanes)
    {
        LlamaWeights plain = SmallModels.Random(LlamaFamily.Llama);
        LlamaWeights weights = new(plain.Config with { RopeTheta = 100, RopeScaling = new RopeScaling.Yarn(4, 16, 4, 1, RopeScaling.Yarn.Magnitude(4), true) });
        foreach ((WeightSlice to, WeightSlice from) in weights.Slices().Zip(plain.Slices()))
        {
            from.Span.CopyTo(to.Span);
        }

        int[] tokens = SmallModels.Tokens(40, 70, 5);
        using Retort.Kernels.Workers workers = new(1);
        LlamaDecoder prefilled = new(weights, 1, 64, workers), stepped = new(weights, lanes, 64, workers);
        prefilled.Prefill(tokens);
        foreach (int token in tokens)
        {
            stepped.Step([token, .. Enumerable.Repeat(-1, lanes - 1)]);
        }

        float[] a = prefilled.Logits(0).ToArray(), b = stepped.Logits(0).ToArray();
        Assert.All(a.Zip(b), pair => Assert.Equal(pair.First, pair.Second, 1e-4f * a.Max(MathF.Abs)));
    }
}
