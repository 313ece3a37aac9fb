using System.Text.Json.Nodes;
using Retort.Model.Files;
using Retort.Model.Llama;

namespace Retort.Tests.Model.Files;

public sealed class ModelFolderTests : IDisposable
{
    readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Theory]
    [InlineData(LlamaFamily.Llama, true)]
    [InlineData(LlamaFamily.Llama, false)]
    [InlineData(LlamaFamily.Qwen2, true)]
    [InlineData(LlamaFamily.Qwen3, false)]
    public void WhatIsWrittenIsReadToTheBit(LlamaFamily family, bool tied)
    {
        LlamaWeights weights = Scratch.Weights(Scratch.Tiny(family, tied));
        ModelFolder.Write(_scratch.Folder, weights, NumberType.F32);
        LlamaConfig config = ModelFolder.ReadConfig(_scratch.Folder);

        Assert.Equal(weights.Config with { EndTokens = config.EndTokens }, config);
        Assert.Equal([2, 7], config.EndTokens);
        AssertSame(weights, ModelFolder.ReadWeights(_scratch.Folder, config));
        Assert.Equal(["config.json", "model.safetensors"], Directory.GetFiles(_scratch.Folder).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void ShardsAreWrittenReadAndReplaced()
    {
        LlamaConfig config = Scratch.Tiny(LlamaFamily.Llama, false) with { Vocabulary = 1500 };
        LlamaWeights weights = Scratch.Weights(config);
        ModelFolder.Write(_scratch.Folder, Scratch.Weights(config, 6), NumberType.BF16);
        ModelFolder.Write(_scratch.Folder, weights, NumberType.F32, shardBytes: 100_000);

        string[] shards = Directory.GetFiles(_scratch.Folder, "*.safetensors");
        Assert.Equal(["model-00001-of-00003.safetensors", "model-00002-of-00003.safetensors", "model-00003-of-00003.safetensors"], shards.Select(Path.GetFileName).Order());
        JsonNode index = JsonNode.Parse(File.ReadAllText(_scratch["model.safetensors.index.json"]))!;
        Assert.Equal(config.Parameters * 4, (long)index["metadata"]!["total_size"]!);
        Assert.Equal("model-00003-of-00003.safetensors", (string)index["weight_map"]!["lm_head.weight"]!);
        AssertSame(weights, ModelFolder.ReadWeights(_scratch.Folder, ModelFolder.ReadConfig(_scratch.Folder)));

        ModelFolder.Write(_scratch.Folder, weights, NumberType.F32);
        Assert.Equal(["config.json", "model.safetensors"], Directory.GetFiles(_scratch.Folder).Select(Path.GetFileName).Order());
    }

    [Theory]
    [InlineData("../a.safetensors")]
    [InlineData("/etc/passwd.safetensors")]
    [InlineData("none.safetensors")]
    [InlineData("model-00001-of-00002.safetensors")]
    [InlineData("config.json")]
    public void AnIndexThatLiesIsRefused(string file)
    {
        LlamaConfig config = Scratch.Tiny(LlamaFamily.Llama, false);
        ModelFolder.Write(_scratch.Folder, Scratch.Weights(config), NumberType.F32, shardBytes: 8000);
        string index = _scratch["model.safetensors.index.json"];
        JsonNode json = JsonNode.Parse(File.ReadAllText(index))!;
        json["weight_map"]!["lm_head.weight"] = file;
        File.WriteAllText(index, json.ToJsonString());
        Assert.Throws<UserError>(() => ModelFolder.ReadWeights(_scratch.Folder, config));
    }

    [Theory]
    [InlineData("missing", "model.layers.1.mlp.up_proj.weight is missing")]
    [InlineData("surplus", "other.weight is not part")]
    [InlineData("shape", "model.norm.weight has the shape [4, 4], config.json asks for [16]")]
    [InlineData("nan", "model.norm.weight holds NaN at position 15")]
    [InlineData("infinity", "model.norm.weight holds -Infinity at position 3")]
    [InlineData("head", "lm_head.weight differs")]
    public void WeightsThatDoNotFitAreRefusedByName(string fault, string what)
    {
        LlamaWeights weights = Scratch.Weights(Scratch.Tiny(LlamaFamily.Llama, true));
        ModelFolder.Write(_scratch.Folder, weights, NumberType.F32);
        List<NewTensor> tensors = Tensors(weights);
        int norm = tensors.FindIndex(t => t.Name == "model.norm.weight");
        switch (fault)
        {
            case "missing":
                tensors.RemoveAll(t => t.Name == "model.layers.1.mlp.up_proj.weight");
                break;
            case "surplus":
                tensors.Add(new("other.weight", [1], new float[1]));
                break;
            case "shape":
                tensors[norm] = tensors[norm] with { Shape = [4, 4] };
                break;
            case "nan":
                weights.FinalNorm.Span[15] = float.NaN;
                break;
            case "infinity":
                weights.FinalNorm.Span[3] = float.NegativeInfinity;
                break;
            default:
                tensors.Add(new("lm_head.weight", [40, 16], new float[640]));
                break;
        }

        SafetensorsWriter.Write(_scratch["model.safetensors"], tensors, NumberType.F32);
        UserError e = Assert.Throws<UserError>(() => ModelFolder.ReadWeights(_scratch.Folder, weights.Config));
        Assert.Contains(what, e.What, StringComparison.Ordinal);
        Assert.StartsWith(_scratch.Folder, e.Where, StringComparison.Ordinal);
    }

    [Fact]
    public void AStoredHeadEqualToTheEmbeddingAndOldRotaryTablesAreFine()
    {
        LlamaWeights weights = Scratch.Weights(Scratch.Tiny(LlamaFamily.Qwen2, true));
        ModelFolder.Write(_scratch.Folder, weights, NumberType.F32);
        List<NewTensor> tensors = Tensors(weights);
        tensors.Add(tensors[0] with { Name = "lm_head.weight" });
        tensors.Add(new("model.layers.0.self_attn.rotary_emb.inv_freq", [2], new float[2]));
        SafetensorsWriter.Write(_scratch["model.safetensors"], tensors, NumberType.F32);
        AssertSame(weights, ModelFolder.ReadWeights(_scratch.Folder, weights.Config));
    }

    [Fact]
    public void WeightsThatDivergedOrHaveNoFamilyAreNotWritten()
    {
        LlamaWeights weights = Scratch.Weights(Scratch.Tiny(LlamaFamily.Llama, true));
        weights.Layers[1].Down.Span[^1] = float.PositiveInfinity;
        Assert.Contains("down_proj", Assert.Throws<UserError>(() => ModelFolder.Write(_scratch["m"], weights, NumberType.F32)).What, StringComparison.Ordinal);
        Assert.Throws<UserError>(() => ModelFolder.Write(_scratch["m"], new LlamaWeights(Scratch.Tiny(LlamaFamily.Llama, true) with { AttentionBias = true }), NumberType.F32));
        Assert.False(Directory.Exists(_scratch["m"]));
    }

    [Fact]
    public void AModelLargerThanTheMemoryIsRefusedBeforeItIsAllocated()
    {
        LlamaWeights weights = Scratch.Weights(Scratch.Tiny(LlamaFamily.Llama, true));
        ModelFolder.Write(_scratch.Folder, weights, NumberType.F32);
        UserError e = Assert.Throws<UserError>(() => ModelFolder.ReadWeights(_scratch.Folder, weights.Config, memory: (weights.Config.Parameters * 4) - 1));
        Assert.Contains("memory", e.What, StringComparison.Ordinal);
        Assert.NotNull(ModelFolder.ReadWeights(_scratch.Folder, weights.Config, memory: weights.Config.Parameters * 4));
    }

    [Fact]
    public void AFolderWithoutWeightsIsRefused() => Assert.Contains("neither", Assert.Throws<UserError>(() => ModelFolder.ReadWeights(_scratch.Folder, Scratch.Tiny(LlamaFamily.Llama, true))).What, StringComparison.Ordinal);

    static List<NewTensor> Tensors(LlamaWeights weights) => [.. weights.Slices().Select(s => new NewTensor(s.Name, s.Shape, s.Arena.Memory.Slice(s.Start, s.Length)))];

    static void AssertSame(LlamaWeights expected, LlamaWeights actual)
    {
        foreach ((WeightSlice a, WeightSlice b) in expected.Slices().Zip(actual.Slices()))
        {
            Assert.Equal(a.Name, b.Name);
            Assert.True(a.Span.SequenceEqual(b.Span), a.Name);
        }
    }
}
