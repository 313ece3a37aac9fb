using Retort.Kernels;
using Retort.Model;
using Retort.Model.Files;
using Retort.Model.Llama;

namespace Retort.Tests.Model.Files;

public sealed class AdapterFolderTests : IDisposable
{
    static readonly LlamaConfig s_config = Scratch.Tiny(LlamaFamily.Llama, true);

    readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    static LoraAdapter Adapter(LoraOptions options, LlamaConfig? config = null)
    {
        LoraAdapter adapter = new(config ?? s_config, options);
        RandomStream random = new(4);
        foreach (LowRank part in adapter.All)
        {
            foreach (ref float x in part.A.Span)
            {
                x = (float)random.NextNormal();
            }

            foreach (ref float x in part.B.Span)
            {
                x = (float)random.NextNormal();
            }
        }

        return adapter;
    }

    public static TheoryData<LoraOptions> Options =>
    [
        new LoraOptions(3, 6, LoraOptions.AllTargets, 0.1),
        new LoraOptions(16, 32.5, [LoraTarget.Query, LoraTarget.Value], 0, RankStabilized: true),
    ];

    [Theory]
    [MemberData(nameof(Options), DisableDiscoveryEnumeration = true)]
    public void WhatIsWrittenIsReadBack(LoraOptions options)
    {
        LoraAdapter made = Adapter(options);
        AdapterFolder.Write(_scratch["a"], made, "base", "abc");
        LoraAdapter read = AdapterFolder.Read(_scratch["a"], s_config, "abc");
        Assert.Equal(options, read.Options);
        Assert.All(made.Arenas.Zip(read.Arenas), a => Assert.Equal(a.First.Span, a.Second.Span));
        using Safetensors file = Safetensors.Open(Path.Combine(_scratch["a"], "adapter_model.safetensors"));
        Assert.Equal([options.Rank, 16L], file.Get("base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight").Shape);
        Assert.Equal([8L, options.Rank], file.Get("base_model.model.model.layers.1.self_attn.v_proj.lora_B.weight").Shape);
        Assert.Equal(2 * s_config.Layers * options.Targets.Count, file.Entries.Count);
    }

    /// <summary>PEFT's layout: A is [r, K] and B [N, r], both row-major, and the change is s·B·A.</summary>
    [Fact]
    public void AFolderWrittenElsewhereIsMerged()
    {
        LlamaConfig config = s_config with { Layers = 1 };
        float[] a = [.. Enumerable.Range(0, 32).Select(i => i * 0.01f)], b = [.. Enumerable.Range(0, 16).Select(i => 1 - (i * 0.1f))];
        const string Module = "base_model.model.model.layers.0.self_attn.k_proj.";
        SafetensorsWriter.Write(_scratch["adapter_model.safetensors"], [new(Module + "lora_A.weight", [2, 16], a), new(Module + "lora_B.weight", [8, 2], b)], NumberType.F32);
        _scratch.Write("adapter_config.json", """{"peft_type":"LORA","r":2,"lora_alpha":4,"target_modules":["self_attn.k_proj"],"use_dora":false,"modules_to_save":null,"rank_pattern":{},"runtime_config":{"x":1}}""");
        LlamaWeights before = Scratch.Weights(config), after = Scratch.Weights(config);
        using Workers workers = new(2);
        AdapterFolder.Read(_scratch.Folder, config).MergeInto(after, workers);
        for (int n = 0; n < 8; n++)
        {
            for (int k = 0; k < 16; k++)
            {
                double change = 2 * ((b[2 * n] * a[k]) + (b[(2 * n) + 1] * a[16 + k]));
                Assert.Equal(before.Layers[0].Key.Span[(n * 16) + k] + change, after.Layers[0].Key.Span[(n * 16) + k], 1e-6);
            }
        }

        Assert.Equal(before.Layers[0].Query.Span, after.Layers[0].Query.Span);
    }

    public static TheoryData<string, LlamaConfig> OtherBases => new()
    {
        { "and the base's matrix is 32 wide there", s_config with { Hidden = 32 } },
        { "layers.2.self_attn.q_proj.lora_A.weight is missing", s_config with { Layers = 3 } },
        { "belongs to no target of a base of 1 layers", s_config with { Layers = 1 } },
        { "and the base's matrix is 4 wide there", s_config with { KeyValueHeads = 1 } },
    };

    [Theory]
    [MemberData(nameof(OtherBases), DisableDiscoveryEnumeration = true)]
    public void AnotherBaseIsSaid(string what, LlamaConfig config)
    {
        AdapterFolder.Write(_scratch["a"], Adapter(new(3, 6, LoraOptions.AllTargets)), "base", "abc");
        Assert.Contains(what, Assert.Throws<UserError>(() => AdapterFolder.Read(_scratch["a"], config)).What, StringComparison.Ordinal);
        Assert.Contains("trained on another model", Assert.Throws<UserError>(() => AdapterFolder.Read(_scratch["a"], s_config, "def")).What, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"r\": 3", "\"r\": 4", "has the rank 3, adapter_config.json says 4")]
    [InlineData("\"r\": 3", "\"r\": 0", "rank is 0")]
    [InlineData("\"LORA\"", "\"IA3\"", "peft_type is \"IA3\"")]
    [InlineData("\"q_proj\",", "\"q_proj\", \"lm_head\",", "target_modules is")]
    [InlineData("\"q_proj\",", "", "belongs to no target")]
    [InlineData("\"bias\": \"none\"", "\"bias\": \"all\"", "bias is \"all\"")]
    [InlineData("\"bias\": \"none\"", "\"use_dora\": true", "use_dora is true")]
    [InlineData("\"bias\": \"none\"", "\"rank_pattern\": {\"q_proj\": 4}", "rank_pattern is")]
    [InlineData("\"bias\": \"none\"", "\"layers_to_transform\": 1", "layers_to_transform is 1")]
    [InlineData("\"init_lora_weights\": true", "\"init_lora_weights\": \"pissa\"", "init_lora_weights is \"pissa\"")]
    public void AWrongConfigurationIsNamed(string from, string to, string what)
    {
        AdapterFolder.Write(_scratch["a"], Adapter(new(3, 6, LoraOptions.AllTargets)), "base", "abc");
        string path = Path.Combine(_scratch["a"], "adapter_config.json"), text = File.ReadAllText(path);
        Assert.Contains(from, text, StringComparison.Ordinal);
        File.WriteAllText(path, text.Replace(from, to, StringComparison.Ordinal));
        UserError e = Assert.Throws<UserError>(() => AdapterFolder.Read(_scratch["a"], s_config));
        Assert.Contains(what, e.What, StringComparison.Ordinal);
        Assert.StartsWith(_scratch["a"], e.Where, StringComparison.Ordinal);
        Assert.NotEmpty(e.Hint);
    }

    [Fact]
    public void AMissingFileIsNamed()
    {
        Assert.Contains("holds no adapter_config.json", Assert.Throws<UserError>(() => AdapterFolder.Read(_scratch.Folder, s_config)).What, StringComparison.Ordinal);
        _scratch.Write("adapter_config.json", "{}");
        Assert.Contains("holds no adapter_model.safetensors", Assert.Throws<UserError>(() => AdapterFolder.Read(_scratch.Folder, s_config)).What, StringComparison.Ordinal);
    }

    [Fact]
    public void MutatedConfigurationsEndInAnAdapterOrASentence()
    {
        AdapterFolder.Write(_scratch["a"], Adapter(new(3, 6, LoraOptions.AllTargets)), "base", "abc");
        string path = Path.Combine(_scratch["a"], "adapter_config.json");
        byte[] good = File.ReadAllBytes(path);
        Random random = new(3);
        for (int i = 0; i < 400; i++)
        {
            byte[] bad = [.. good];
            for (int j = random.Next(1, 4); j > 0; j--)
            {
                bad[random.Next(bad.Length)] = (byte)random.Next(32, 127);
            }

            File.WriteAllBytes(path, bad);
            Exception? e = Record.Exception(() => AdapterFolder.Read(_scratch["a"], s_config));
            Assert.True(e is null or UserError, e?.ToString());
        }
    }

    /// <summary>A folder read narrow is the folder read in floats and rounded, tied and untied, whole and in shards.</summary>
    [Theory]
    [InlineData(LlamaFamily.Llama, true)]
    [InlineData(LlamaFamily.Qwen2, false)]
    [InlineData(LlamaFamily.Qwen3, true)]
    public void FrozenWeightsAreReadPieceByPiece(LlamaFamily family, bool tied)
    {
        LlamaWeights made = Scratch.Weights(Scratch.Tiny(family, tied));
        ModelFolder.Write(_scratch["m"], made, NumberType.F32, shardBytes: 3000);
        foreach (NarrowFormat format in (NarrowFormat[])[NarrowFormat.BFloat16, NarrowFormat.Q8_0])
        {
            FrozenModel read = ModelReference.OpenFrozen(_scratch["m"], format);
            Assert.Equal(ModelReference.Open(_scratch["m"]).Hash, read.Hash);
            LlamaWeights expected = FrozenWeights.Of(made, format, "test").Widened();
            Assert.All(expected.Slices().Zip(read.Weights.Widened().Slices()), s => Assert.Equal(s.First.Span, s.Second.Span));
        }
    }
}
