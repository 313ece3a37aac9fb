using Retort.Kernels;
using Retort.Model;
using Retort.Model.Llama;

namespace Retort.Tests.Model.Llama;

/// <summary>An adapter against the model it stands for: W + s·B·A as one full matrix, whose passes are proven against an oracle. By the chain
/// rule dB = s·dW·Aᵀ and dA = s·Bᵀ·dW (error: max|difference| / max|reference| of the tensor).</summary>
public sealed class LoraPassTests
{
    const int L = MatMul.L, Sequences = 2, BlocksPerSequence = 2, Vocabulary = 70;
    const double Tolerance = 2e-5;

    static readonly int[] s_tokens = SmallModels.Tokens(Sequences * BlocksPerSequence * L, Vocabulary, 3), s_targets = SmallModels.Tokens(Sequences * BlocksPerSequence * L, Vocabulary, 4);

    static LlamaWeights Scaled(LlamaFamily family) => SmallModels.Random(family);

    static LoraAdapter Adapter(LlamaConfig config, LoraOptions options, ulong seed = 8)
    {
        LoraAdapter adapter = new(config, options);
        RandomStream random = new(seed);
        foreach (LowRank part in adapter.All)
        {
            foreach (WeightSlice slice in (WeightSlice[])[part.A, part.B])
            {
                foreach (ref float x in slice.Span)
                {
                    x = (float)(random.NextNormal() * 0.3);
                }
            }
        }

        return adapter;
    }

    /// <summary>One pass forward and backward; without gradients the loss alone.</summary>
    static double Pass(
        LlamaParts model, LoraAdapter? adapter, LoraAdapter? adapterGradient, LlamaWeights? gradient, Workers workers, bool checkpoints = false, float[]? logits = null, int[]? starts = null)
    {
        LlamaConfig c = model.Config;
        LlamaActivations a = new(c, Sequences, BlocksPerSequence, workers, keep: true, checkpoints: checkpoints) { Starts = starts };
        a.Lora = adapter is null ? null : new(adapter, a, workers, adapterGradient) { Draw = (7, 3, 0) };
        bool frozen = gradient is null;
        LlamaBackward backward = new(c, a, workers, frozen);
        LlamaHead head = new(c, a.Blocks, workers, teacher: false, frozen);
        float[] losses = new float[s_tokens.Length], ones = [.. Enumerable.Repeat(1f / s_tokens.Length, L)];
        LlamaForward.Run(model, a, s_tokens, workers);
        head.Run(model, a, gradient, backward.DFinal, null, static _ => true, (block, z, _) =>
        {
            if (logits is not null)
            {
                z.CopyTo(logits.AsSpan(block * c.Vocabulary * L));
            }

            CrossEntropy.LossAndGradient(losses.AsSpan(block * L, L), z, s_targets.AsSpan(block * L, L), ones, c.Vocabulary);
        }, workers);
        if (adapterGradient is not null || gradient is not null)
        {
            backward.Run(model, gradient, a, s_tokens, workers);
        }

        return losses.Average(x => (double)x);
    }

    public static TheoryData<LlamaFamily, NarrowFormat, int, bool, bool> Kinds => new()
    {
        { LlamaFamily.Llama, NarrowFormat.BFloat16, 4, false, false },
        { LlamaFamily.Llama, NarrowFormat.Q8_0, 20, true, true },
        { LlamaFamily.Qwen2, NarrowFormat.BFloat16, 1, false, true },
        { LlamaFamily.Qwen3, NarrowFormat.BFloat16, 37, true, false },
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void LogitsAndGradientsAreThoseOfTheMergedMatrices(LlamaFamily family, NarrowFormat format, int rank, bool rankStabilized, bool checkpoints)
    {
        using Workers workers = new(2);
        FrozenWeights frozen = FrozenWeights.Of(Scaled(family), format, "test");
        LoraAdapter adapter = Adapter(frozen.Config, new(rank, 2, LoraOptions.AllTargets, 0, rankStabilized)), gradient = new(frozen.Config, adapter.Options);
        LlamaWeights merged = frozen.Widened(), full = new(frozen.Config);
        adapter.MergeInto(merged, workers);
        float[] apart = new float[Vocabulary * s_tokens.Length], together = new float[apart.Length];

        // The second document of each sequence begins in its second block.
        int[] starts = [.. Enumerable.Range(0, s_tokens.Length).Select(i => i % (BlocksPerSequence * L) >= 40 ? 40 : 0)];
        double loss = Pass(frozen.Parts, adapter, gradient, null, workers, checkpoints, apart, starts), expected = Pass(merged.Parts, null, null, full, workers, false, together, starts);
        Assert.Equal(expected, loss, 1e-5 * expected);
        Near(together, apart, "logits");
        float scale = adapter.Options.Scale;
        for (int layer = 0; layer < frozen.Config.Layers; layer++)
        {
            foreach (LoraTarget target in LoraOptions.AllTargets)
            {
                (LowRank w, LowRank g) = (adapter.Of(layer, target)!, gradient.Of(layer, target)!);
                ReadOnlySpan<float> dW = full.Slices().Single(s => s.Name == $"model.layers.{layer}.{LoraOptions.ModuleOf(target)}.weight").Span;
                int n = w.Outputs, k = w.Inputs;
                double[] dA = new double[k * rank], dB = new double[n * rank];
                for (int i = 0; i < n; i++)
                {
                    for (int j = 0; j < k; j++)
                    {
                        for (int r = 0; r < rank; r++)
                        {
                            dB[(i * rank) + r] += scale * (double)dW[(i * k) + j] * w.A.Span[(j * rank) + r];
                            dA[(j * rank) + r] += scale * (double)dW[(i * k) + j] * w.B.Span[(i * rank) + r];
                        }
                    }
                }

                Near(dA, g.A.Span, g.A.Name);
                Near(dB, g.B.Span, g.B.Name);
            }
        }
    }

    /// <summary>With dropout there is no matrix to compare with: along its gradient the loss must rise as fast as the gradient says.</summary>
    [Theory]
    [InlineData(0.0)]
    [InlineData(0.4)]
    public void TheLossRisesAsTheGradientSays(double dropout)
    {
        using Workers workers = new(2);
        FrozenWeights frozen = FrozenWeights.Of(Scaled(LlamaFamily.Llama), NarrowFormat.BFloat16, "test");
        LoraOptions options = new(4, 4, [LoraTarget.Query, LoraTarget.Output, LoraTarget.Up, LoraTarget.Down], dropout);
        LoraAdapter gradient = new(frozen.Config, options);
        Pass(frozen.Parts, Adapter(frozen.Config, options), gradient, null, workers);
        double square = gradient.Arenas.Sum(a => a.Span.ToArray().Sum(x => (double)x * x)), step = 3e-3 / Math.Sqrt(square);
        double Moved(double by)
        {
            LoraAdapter moved = Adapter(frozen.Config, options);
            foreach ((FloatBuffer w, FloatBuffer g) in moved.Arenas.Zip(gradient.Arenas))
            {
                for (int i = 0; i < w.Length; i++)
                {
                    w.Span[i] += (float)(by * g.Span[i]);
                }
            }

            return Pass(frozen.Parts, moved, new LoraAdapter(frozen.Config, options), null, workers);
        }

        Assert.Equal(square, (Moved(step) - Moved(-step)) / (2 * step), 0.01 * square);
    }

    [Fact]
    public void AnAdapterBeginsWithoutChange()
    {
        using Workers workers = new(1);
        FrozenWeights frozen = FrozenWeights.Of(Scaled(LlamaFamily.Llama), NarrowFormat.BFloat16, "test");
        LoraAdapter adapter = new(frozen.Config, new(8, 16, LoraOptions.AllTargets));
        adapter.Initialize(1);
        float[] with = new float[Vocabulary * s_tokens.Length], without = new float[with.Length];
        Pass(frozen.Parts, adapter, null, null, workers, logits: with);
        Pass(frozen.Parts, null, null, null, workers, logits: without);
        Assert.Equal(without, with);
        Assert.Contains(adapter.All, part => part.A.Span.ContainsAnyExcept(0f));
    }

    /// <summary>What is computed again has the bits it had, whether weights or an adapter are trained.</summary>
    [Theory]
    [InlineData(LlamaFamily.Llama)]
    [InlineData(LlamaFamily.Qwen3)]
    public void CheckpointsDoNotChangeTheBits(LlamaFamily family)
    {
        using Workers workers = new(2);
        LlamaWeights weights = Scaled(family);
        LlamaWeights[] full = [.. Enumerable.Range(0, 2).Select(_ => new LlamaWeights(weights.Config))];
        Pass(weights.Parts, null, null, full[0], workers);
        Pass(weights.Parts, null, null, full[1], workers, checkpoints: true);
        Assert.All(full[0].Slices().Zip(full[1].Slices()), s => Assert.Equal(s.First.Span, s.Second.Span));
        LoraOptions options = new(5, 10, LoraOptions.AllTargets, 0.25);
        LoraAdapter[] thin = [.. Enumerable.Range(0, 3).Select(_ => new LoraAdapter(weights.Config, options))];
        FrozenWeights frozen = FrozenWeights.Of(weights, NarrowFormat.BFloat16, "test");
        Pass(frozen.Parts, Adapter(weights.Config, options), thin[0], null, workers);
        Pass(frozen.Parts, Adapter(weights.Config, options), thin[1], null, workers, checkpoints: true);
        using Workers three = new(3);
        Pass(frozen.Parts, Adapter(weights.Config, options), thin[2], null, three);
        Assert.All(thin[0].Arenas.Zip(thin[1].Arenas, thin[2].Arenas), a =>
        {
            Assert.Equal(a.First.Span, a.Second.Span);
            Assert.Equal(a.First.Span, a.Third.Span);
        });
    }

    static void Near(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, string name) => Near([.. expected.ToArray().Select(x => (double)x)], actual, name);

    static void Near(double[] expected, ReadOnlySpan<float> actual, string name)
    {
        double most = expected.Max(Math.Abs), error = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            error = Math.Max(error, Math.Abs(expected[i] - actual[i]));
        }

        Assert.True(most > 0 && error <= Tolerance * most, $"{name}: error {error / most:g3}");
    }
}
