using Retort.Model.Files;
using Retort.Model.Llama;

namespace Retort.Tests.Model.Files;

/// <summary>Files written by PyTorch and by llama2.c.</summary>
public class GoldenFilesTests
{
    [Theory]
    [InlineData("llama", LlamaFamily.Llama, false, 8)]
    [InlineData("qwen2", LlamaFamily.Qwen2, true, 8)]
    [InlineData("qwen3", LlamaFamily.Qwen3, true, 10)]
    [InlineData("long", LlamaFamily.Llama, false, 8)]
    public void ReadsPyTorchFolders(string name, LlamaFamily family, bool tied, int headSize)
    {
        string folder = Shared.Folder($"golden/{name}");
        LlamaConfig config = ModelFolder.ReadConfig(folder);
        LlamaWeights weights = ModelFolder.ReadWeights(folder, config);

        Assert.Equal((family, tied, headSize, family == LlamaFamily.Qwen2), (config.Family, config.TiedHead, config.HeadSize, config.AttentionBias));
        Assert.All(weights.Slices(), s => Assert.True(s.Span.ContainsAnyExcept(0f), s.Name));
    }

    [Theory]
    [InlineData("llama")]
    [InlineData("qwen2")]
    [InlineData("qwen3")]
    public void ReadsGoldenArrays(string name)
    {
        using Safetensors golden = Safetensors.Open(Path.Combine(Shared.Folder($"golden/{name}"), "golden.safetensors"));
        long[] ids = golden.ReadArray<long>("input_ids");
        double[] logits = golden.ReadArray<double>("logits");
        LlamaConfig config = ModelFolder.ReadConfig(Shared.Folder($"golden/{name}"));

        Assert.Equal([2, 13], golden.Get("input_ids").Shape);
        Assert.All(ids, id => Assert.InRange(id, 0, config.Vocabulary - 1));
        Assert.Equal(26 * config.Vocabulary, logits.Length);
        Assert.All(logits, x => Assert.True(double.IsFinite(x)));
    }

    [Fact]
    public void ReadsLlama2c()
    {
        LlamaWeights weights = Llama2c.Read(Shared.Folder("teachers/stories260K/stories260K.bin"));
        LlamaConfig config = weights.Config;

        Assert.Equal((64, 172, 5, 8, 4, 512, 512), (config.Hidden, config.FeedForward, config.Layers, config.Heads, config.KeyValueHeads, config.Vocabulary, config.Context));
        Assert.True(config.TiedHead);
        Assert.Equal((1, 260_032L), (config.BeginToken, config.Parameters));
        Assert.Equal([1, 2], config.EndTokens);
    }
}
