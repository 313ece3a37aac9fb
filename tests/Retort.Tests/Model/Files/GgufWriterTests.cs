using Retort.Model.Files;
using Retort.Model.Llama;
using Retort.Model.Tokenizers;

namespace Retort.Tests.Model.Files;

public sealed class GgufWriterTests : IDisposable
{
    readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    static readonly Lazy<Tokenizer> s_words = new(() => BytePairTrainer.Train(["the cat sat on the mat, the cat 12 sat", "Łódź and 🦉 the mat"], 320, ["<|im_start|>", "<|im_end|>"]));

    static LlamaWeights Model(LlamaFamily family, bool tied) => Scratch.Weights(Scratch.Tiny(family, tied) with
    {
        Hidden = 64,
        FeedForward = 96,
        Vocabulary = 320,
        HeadSize = 16,
    });

    [Theory]
    [InlineData(LlamaFamily.Llama, true)]
    [InlineData(LlamaFamily.Llama, false)]
    [InlineData(LlamaFamily.Qwen2, true)]
    [InlineData(LlamaFamily.Qwen3, false)]
    public void WhatIsWrittenIsReadBack(LlamaFamily family, bool tied)
    {
        LlamaWeights made = Model(family, tied);
        GgufWriter.Write(_scratch["m.gguf"], made, s_words.Value, "{{ messages }}", "m", GgufType.F32);
        OpenModel read = ModelReference.Open(_scratch["m.gguf"]);
        Assert.Equal(made.Config with { EndTokens = [], RopeTheta = 0 }, read.Weights.Config with { EndTokens = [], RopeTheta = 0 });
        Assert.Equal(made.Config.EndTokens, read.Weights.Config.EndTokens);
        foreach ((WeightSlice a, WeightSlice b) in made.Slices().Zip(read.Weights.Slices()))
        {
            Assert.Equal(a.Span, b.Span);
        }

        Tokenizer words = Tokenizer.Open(read.TokenizerPath!);
        foreach (string text in (string[])["the cat sat 123 4567\n\n  on <|im_start|>the mat<|im_end|>", "Łódź! don't DON'T", "🦉\t  \r\n x"])
        {
            Assert.Equal(s_words.Value.Encode(text), words.Encode(text));
        }

        Assert.Equal("{{ messages }}", ChatTemplateFile.Read(read.Path));
    }

    public static TheoryData<LlamaFamily, RopeScaling> Scalings => new()
    {
        { LlamaFamily.Qwen2, new RopeScaling.Linear(2.5) },
        { LlamaFamily.Llama, new RopeScaling.Llama3(32, 1, 4, 8192) },
        { LlamaFamily.Llama, new RopeScaling.Divisors([1, 1, 1.5f, 2, 3, 4, 5, 6]) },
        { LlamaFamily.Qwen2, new RopeScaling.Yarn(4, 16, 32, 1, RopeScaling.Yarn.Magnitude(4), true) },
        { LlamaFamily.Llama, new RopeScaling.Yarn(4, 16, 32, 1, 1.25, true) },
    };

    [Theory]
    [MemberData(nameof(Scalings), DisableDiscoveryEnumeration = true)]
    public void ScaledRotaryEmbeddingsAreReadBack(LlamaFamily family, RopeScaling scaling)
    {
        LlamaConfig config = Model(family, true).Config with { RopeScaling = scaling, Context = 64 };
        GgufWriter.Write(_scratch["m.gguf"], Scratch.Weights(config), s_words.Value, null, "m", GgufType.F32);
        LlamaConfig read = GgufModel.Read(_scratch["m.gguf"]).Config;
        (double[] a, float factor) = RotaryFrequencies.Of(config);
        (double[] b, float again) = RotaryFrequencies.Of(read);
        Assert.IsType(scaling.GetType(), read.RopeScaling);
        Assert.Equal(factor, again, 1e-6f);
        Assert.All(a.Zip(b), pair => Assert.Equal(pair.First, pair.Second, 1e-6 * pair.First));
    }

    [Fact]
    public void AScalingThatLlamaCppCannotHoldIsNamed()
    {
        string Write(LlamaFamily family, RopeScaling scaling) => Assert.Throws<UserError>(() =>
            GgufWriter.Write(_scratch["m.gguf"], Scratch.Weights(Model(family, true).Config with { RopeScaling = scaling }), s_words.Value, null, "m", GgufType.F32)).What;
        Assert.Contains("truncate is false", Write(LlamaFamily.Llama, new RopeScaling.Yarn(4, 16, 32, 1, 1, false)), StringComparison.Ordinal);
        Assert.Contains("beta_fast of 32", Write(LlamaFamily.Llama, new RopeScaling.Yarn(4, 16, 24, 1, 1, true)), StringComparison.Ordinal);
        Assert.Contains("reads rope_freqs.weight of Llama models only", Write(LlamaFamily.Qwen2, new RopeScaling.Llama3(8, 1, 4, 8192)), StringComparison.Ordinal);
    }

    /// <summary>Half a step of the block's scale, and what rounding the scale itself to 16 bits adds. Q4_0 has 16 steps from −8 to 7 and its
    /// farthest number at −8: one as far on the other side lies a whole step of an eighth beyond the last.</summary>
    [Theory]
    [InlineData("F16", 0.0006)]
    [InlineData("BF16", 0.005)]
    [InlineData("Q8_0", 0.0045)]
    [InlineData("Q4_0", 0.126)]
    public void NarrowTypesStayWithinTheirStep(string name, double tolerance)
    {
        GgufType type = new[] { GgufType.F16, GgufType.BF16, GgufType.Q8_0, GgufType.Q4_0 }.Single(t => t.Name == name);
        LlamaWeights made = Model(LlamaFamily.Llama, true);
        GgufWriter.Write(_scratch["m.gguf"], made, s_words.Value, null, "m", type);
        LlamaWeights read = GgufModel.Read(_scratch["m.gguf"]);
        double worst = 0;
        foreach ((WeightSlice a, WeightSlice b) in made.Slices().Zip(read.Slices()))
        {
            for (int at = 0; at < a.Length; at += 32)
            {
                ReadOnlySpan<float> x = a.Span.Slice(at, 32), y = b.Span.Slice(at, 32);
                double most = 0, difference = 0;
                for (int i = 0; i < 32; i++)
                {
                    most = Math.Max(most, Math.Abs(x[i]));
                    difference = Math.Max(difference, Math.Abs((double)x[i] - y[i]));
                }

                worst = Math.Max(worst, most > 0 ? difference / most : difference);
            }
        }

        Assert.InRange(worst, tolerance / 20, tolerance);
    }

    /// <summary>Rows of 80 make no whole blocks of 32: they cost two bytes a weight, not four.</summary>
    [Fact]
    public void RowsThatMakeNoBlocksBecomeHalves()
    {
        LlamaWeights made = Scratch.Weights(Model(LlamaFamily.Llama, true).Config with { Hidden = 80, Heads = 5, KeyValueHeads = 5, HeadSize = 16, FeedForward = 96 });
        GgufWriter.Write(_scratch["m.gguf"], made, s_words.Value, null, "m", GgufType.Q8_0);
        using InputFile file = InputFile.Open(_scratch["m.gguf"]);
        GgufHeader header = GgufHeader.Read(file);
        Assert.Equal([GgufType.F16, GgufType.Q8_0, GgufType.F32], ((string[])["blk.0.ffn_up.weight", "blk.0.ffn_down.weight", "blk.0.ffn_norm.weight"]).Select(n => header.Tensors[n].Type));
    }

    [Fact]
    public void TheRealTeacherKeepsItsVocabulary()
    {
        OpenModel teacher = ModelReference.Open(Shared.Folder("teachers/stories260K/stories260K.bin"));
        Tokenizer words = Tokenizer.Open(teacher.TokenizerPath!);
        GgufWriter.Write(_scratch["m.gguf"], teacher.Weights, words, null, "m", GgufType.F32);
        Assert.Equal(words.Hash, Tokenizer.Open(_scratch["m.gguf"]).Hash);
        Assert.Equal(teacher.Weights.Layers[4].Key.Span, GgufModel.Read(_scratch["m.gguf"]).Layers[4].Key.Span);
    }

    [Fact]
    public void WhatATypeCannotHoldIsNamedAndNothingIsLeft()
    {
        LlamaWeights made = Model(LlamaFamily.Llama, true);
        made.Layers[1].Up.Span[5] = 1e6f;
        UserError error = Assert.Throws<UserError>(() => GgufWriter.Write(_scratch["m.gguf"], made, s_words.Value, null, "m", GgufType.F16));
        Assert.Contains("blk.1.ffn_up.weight holds a weight that F16 cannot", error.What, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_scratch.Folder));
    }
}
