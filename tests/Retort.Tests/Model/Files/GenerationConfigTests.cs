using Retort.Model.Files;
using Retort.Model.Llama;

namespace Retort.Tests.Model.Files;

public sealed class GenerationConfigTests : IDisposable
{
    readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    GenerationDefaults Read(string? json)
    {
        if (json is not null)
        {
            _scratch.Write("generation_config.json", json);
        }

        return GenerationConfigFile.Read(_scratch.Folder);
    }

    [Fact]
    public void WhatTheFileSaysIsTaken()
    {
        Assert.Equal(GenerationDefaults.None, Read(null));
        Assert.Equal(GenerationDefaults.None, Read("{\"eos_token_id\":2,\"top_k\":null}"));
        Assert.Equal(new(0.6, 20, 0.95, 0.1, 1.05), Read("{\"do_sample\":true,\"temperature\":0.6,\"top_k\":20,\"top_p\":0.95,\"min_p\":0.1,\"repetition_penalty\":1.05}"));
        Assert.Equal(new(0, 20, null, null, null), Read("{\"do_sample\":false,\"temperature\":0.6,\"top_k\":20}"));
    }

    [Fact]
    public void OptionsThatAreGivenGoBeforeTheFile()
    {
        GenerationDefaults file = new(0.6, 20, null, null, 1.1), given = new(0, null, 0.9, null, null);
        SamplingOptions options = given.Over(file.Over(new SamplingOptions { MaxTokens = 7 }));
        Assert.Equal((0.0, 20, 0.9, 0.0, 1.1, 7), (options.Temperature, options.TopK, options.TopP, options.MinP, options.RepetitionPenalty, options.MaxTokens));
    }

    [Fact]
    public void AWrongValueIsNamed()
    {
        UserError e = Assert.Throws<UserError>(() => Read("{\"top_p\":1.5}"));
        Assert.Equal(("top_p is 1.5", _scratch["generation_config.json"]), (e.What, e.Where));
        Assert.Contains("temperature is", Assert.Throws<UserError>(() => Read("{\"temperature\":\"hot\"}")).What, StringComparison.Ordinal);
    }
}
