using Retort.Model.Files;
using Retort.Model.Llama;

namespace Retort.Tests.Model.Files;

public sealed class ModelConfigTests : IDisposable
{
    const string Least = "\"hidden_size\":32,\"intermediate_size\":56,\"num_hidden_layers\":2,\"num_attention_heads\":4,\"vocab_size\":97";
    readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void DefaultsAreThoseOfTransformers()
    {
        LlamaConfig llama = Read("\"model_type\":\"llama\"");
        Assert.Equal((4, 8, 2048, 1e-6f, 10000.0, false), (llama.KeyValueHeads, llama.HeadSize, llama.Context, llama.NormEpsilon, llama.RopeTheta, llama.TiedHead));
        Assert.Null(llama.BeginToken);
        Assert.Empty(llama.EndTokens);
        Assert.True(Read("\"model_type\":\"qwen2\"").AttentionBias);
        Assert.Equal((128, 32768), (Read("\"model_type\":\"qwen3\"").HeadSize, Read("\"model_type\":\"qwen3\"").Context));
    }

    [Theory]
    [InlineData("\"rope_parameters\":{\"rope_theta\":500000.0,\"rope_type\":\"default\"}", 500000)]
    [InlineData("\"rope_theta\":500000,\"rope_scaling\":null", 500000)]
    [InlineData("\"rope_theta\":500000,\"rope_scaling\":{\"type\":\"default\"}", 500000)]
    [InlineData("\"rope_theta\":10000.0,\"sliding_window\":null,\"layer_types\":[\"full_attention\"]", 10000)]
    public void PlainRotaryEmbeddingsAreRead(string fields, double theta) => Assert.Equal(theta, Read("\"model_type\":\"llama\"," + fields).RopeTheta);

    [Fact]
    public void AWindowThatQwenDoesNotUseIsFine() => Assert.Equal(LlamaFamily.Qwen2, Read("\"model_type\":\"qwen2\",\"sliding_window\":4096,\"use_sliding_window\":false").Family);

    [Theory]
    [InlineData("\"model_type\":\"mistral\"", "model_type is \"mistral\"")]
    [InlineData("\"architectures\":[\"LlamaForCausalLM\"]", "model_type is missing")]
    [InlineData("\"model_type\":\"llama\",\"architectures\":[\"LlamaForSequenceClassification\"]", "architectures is")]
    [InlineData("\"model_type\":\"llama\",\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":8}", "low_freq_factor is missing")]
    [InlineData("\"model_type\":\"llama\",\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":8,\"low_freq_factor\":4,\"high_freq_factor\":4}", "high_freq_factor is 4")]
    [InlineData("\"model_type\":\"llama\",\"rope_scaling\":{\"type\":\"linear\",\"factor\":0}", "factor is 0")]
    [InlineData("\"model_type\":\"llama\",\"rope_scaling\":{\"type\":\"linear\",\"factor\":2,\"beta_fast\":1}", "beta_fast is 1")]
    [InlineData("\"model_type\":\"llama\",\"rope_scaling\":{\"type\":\"dynamic\",\"factor\":2}", "type is \"dynamic\"")]
    [InlineData("\"model_type\":\"llama\",\"rope_scaling\":{\"rope_type\":\"longrope\",\"factor\":2}", "rope_type is \"longrope\"")]
    [InlineData("\"model_type\":\"llama\",\"rope_scaling\":{\"rope_type\":\"yarn\",\"factor\":2,\"beta_fast\":1,\"beta_slow\":2}", "beta_fast is 1")]
    [InlineData("\"model_type\":\"llama\",\"rope_scaling\":{\"rope_type\":\"yarn\",\"factor\":2},\"rope_parameters\":{\"rope_type\":\"linear\",\"factor\":2}", "rope_scaling is")]
    [InlineData("\"model_type\":\"llama\",\"num_local_experts\":8", "num_local_experts is 8")]
    [InlineData("\"model_type\":\"mixtral\"", "model_type is \"mixtral\"")]
    [InlineData("\"model_type\":\"llama\",\"rope_scaling\":{\"factor\":2}", "factor is 2")]
    [InlineData("\"model_type\":\"llama\",\"rope_parameters\":{\"rope_type\":\"yarn\",\"factor\":-1}", "factor is -1")]
    [InlineData("\"model_type\":\"llama\",\"rope_parameters\":{\"full_attention\":{}}", "full_attention is")]
    [InlineData("\"model_type\":\"llama\",\"rope_theta\":1e4,\"rope_parameters\":{\"rope_theta\":2e4}", "rope_theta is")]
    [InlineData("\"model_type\":\"llama\",\"rope_theta\":1e999", "rope_theta is")]
    [InlineData("\"model_type\":\"llama\",\"rms_norm_eps\":0", "rms_norm_eps is 0")]
    [InlineData("\"model_type\":\"llama\",\"sliding_window\":512", "sliding_window is 512")]
    [InlineData("\"model_type\":\"qwen2\",\"use_sliding_window\":true,\"sliding_window\":512", "sliding_window is 512")]
    [InlineData("\"model_type\":\"qwen3\",\"layer_types\":[\"full_attention\",\"sliding_attention\"]", "layer_types is")]
    [InlineData("\"model_type\":\"llama\",\"attention_bias\":true", "attention_bias is true")]
    [InlineData("\"model_type\":\"qwen3\",\"attention_bias\":true", "attention_bias is true")]
    [InlineData("\"model_type\":\"llama\",\"mlp_bias\":true", "mlp_bias is true")]
    [InlineData("\"model_type\":\"llama\",\"hidden_act\":\"gelu\"", "hidden_act is \"gelu\"")]
    [InlineData("\"model_type\":\"llama\",\"quantization_config\":{}", "quantization_config is {}")]
    [InlineData("\"model_type\":\"llama\",\"partial_rotary_factor\":0.5", "partial_rotary_factor is 0.5")]
    [InlineData("\"model_type\":\"llama\",\"num_key_value_heads\":3", "num_key_value_heads is 3")]
    [InlineData("\"model_type\":\"llama\",\"head_dim\":7", "head_dim is 7")]
    [InlineData("\"model_type\":\"llama\",\"head_dim\":\"8\"", "head_dim is \"8\"")]
    [InlineData("\"model_type\":\"llama\",\"head_dim\":8.5", "head_dim is 8.5")]
    [InlineData("\"model_type\":\"llama\",\"bos_token_id\":97", "bos_token_id is 97")]
    [InlineData("\"model_type\":\"llama\",\"eos_token_id\":[1,-1]", "eos_token_id is [1,-1]")]
    [InlineData("\"model_type\":\"llama\",\"tie_word_embeddings\":1", "tie_word_embeddings is 1")]
    public void WhatIsNotComputedIsRefusedByItsField(string fields, string what)
    {
        UserError e = Assert.Throws<UserError>(() => Read(fields));
        Assert.Contains(what, e.What, StringComparison.Ordinal);
        Assert.StartsWith(_scratch["config.json"], e.Where, StringComparison.Ordinal);
        Assert.NotEmpty(e.Hint);
    }

    [Theory]
    [InlineData("hidden_size")]
    [InlineData("intermediate_size")]
    [InlineData("num_hidden_layers")]
    [InlineData("num_attention_heads")]
    [InlineData("vocab_size")]
    public void AMissingExtentIsNamed(string field)
    {
        _scratch.Write("config.json", $"{{\"model_type\":\"llama\",{Least.Replace($"\"{field}\"", "\"x\"", StringComparison.Ordinal)}}}");
        Assert.Equal($"{field} is missing", Assert.Throws<UserError>(() => ModelFolder.ReadConfig(_scratch.Folder)).What);
    }

    [Fact]
    public void EndTokensOfTheGenerationConfigurationWin()
    {
        _scratch.Write("generation_config.json", "{\"eos_token_id\":[5,6]}");
        Assert.Equal([5, 6], Read("\"model_type\":\"llama\",\"eos_token_id\":2").EndTokens);
        _scratch.Write("generation_config.json", "{\"temperature\":0.6}");
        Assert.Equal([2], Read("\"model_type\":\"llama\",\"eos_token_id\":2").EndTokens);
    }

    [Theory]
    [InlineData("mixtral", "experts")]
    [InlineData("qwen2_moe", "experts")]
    [InlineData("qwen3_moe", "experts")]
    [InlineData("mistral", "sliding window")]
    [InlineData("gemma", "gelu")]
    public void AFamilyThatIsNotComputedIsRefusedByWhatItNeeds(string type, string construct) =>
        Assert.Contains(construct, Assert.Throws<UserError>(() => Read($"\"model_type\":\"{type}\"")).Hint, StringComparison.Ordinal);

    [Theory]
    [InlineData("\"rope_scaling\":{\"type\":\"linear\",\"factor\":2.5}")]
    [InlineData("\"rope_parameters\":{\"rope_type\":\"llama3\",\"rope_theta\":500000,\"factor\":8,\"low_freq_factor\":1,\"high_freq_factor\":4,\"original_max_position_embeddings\":1024}")]
    [InlineData("\"rope_scaling\":{\"rope_type\":\"yarn\",\"factor\":4,\"original_max_position_embeddings\":1024,\"mscale\":0.7,\"mscale_all_dim\":1.1,\"beta_slow\":2}")]
    [InlineData("\"rope_scaling\":{\"rope_type\":\"yarn\",\"factor\":4,\"original_max_position_embeddings\":2048,\"truncate\":false,\"attention_factor\":1.5}")]
    public void AScalingIsWrittenAsItWasRead(string fields)
    {
        LlamaConfig read = Read("\"model_type\":\"llama\"," + fields);
        Assert.NotNull(read.RopeScaling);
        ModelFolder.Write(_scratch["again"], new LlamaWeights(read), NumberType.F32);
        Assert.Equal(read with { EndTokens = [] }, ModelFolder.ReadConfig(_scratch["again"]) with { EndTokens = [] });
    }

    /// <summary>Qwen's recipe for YaRN leaves the trained length in max_position_embeddings; without it a prompt beyond that length would be refused.</summary>
    [Fact]
    public void YarnLengthensTheContext()
    {
        const string Scaling = "\"rope_scaling\":{\"type\":\"yarn\",\"factor\":4.0,\"original_max_position_embeddings\":32768}";
        Assert.Equal(131072, Read("\"model_type\":\"qwen2\",\"max_position_embeddings\":32768," + Scaling).Context);
        Assert.Equal(163840, Read("\"model_type\":\"qwen2\",\"max_position_embeddings\":163840," + Scaling).Context);
    }

    LlamaConfig Read(string fields)
    {
        _scratch.Write("config.json", $"{{{fields},{Least}}}");
        return ModelFolder.ReadConfig(_scratch.Folder);
    }
}
