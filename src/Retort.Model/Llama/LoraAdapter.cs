using System.Numerics;
using Retort.Kernels;

namespace Retort.Model.Llama;

/// <summary>The two factors of one matrix's change s·B·A.</summary>
/// <param name="A">[K, r]: A's columns are rows here, so that both factors, their products and their gradients are read the same way.</param>
/// <param name="B">[N, r].</param>
public sealed record LowRank(LoraTarget Target, WeightSlice A, WeightSlice B)
{
    public int Inputs => A.Shape[0];

    public int Outputs => B.Shape[0];
}

/// <summary>A low-rank adapter of a model: one arena a layer. As with <see cref="LlamaWeights"/> the same class serves weights, gradients and
/// both moments of AdamW.</summary>
public sealed class LoraAdapter
{
    readonly LowRank?[][] _layers;

    /// <summary>An adapter of zeros, which changes nothing.</summary>
    public LoraAdapter(LlamaConfig config, LoraOptions options)
    {
        (Config, Options) = (config, options);
        List<FloatBuffer> arenas = [];
        _layers = new LowRank?[config.Layers][];
        for (int layer = 0; layer < config.Layers; layer++)
        {
            LowRank?[] parts = _layers[layer] = new LowRank?[LoraOptions.AllTargets.Count];
            FloatBuffer arena = new(checked(options.Targets.Sum(t => LoraOptions.ShapeOf(config, t) is var (n, k) ? LlamaWeights.Padded([n, options.Rank]) + LlamaWeights.Padded([k, options.Rank]) : 0)));
            int start = 0;
            WeightSlice Slice(string name, int rows)
            {
                int[] shape = [rows, options.Rank];
                WeightSlice slice = new(name, arena, start, rows * options.Rank, shape);
                start += LlamaWeights.Padded(shape);
                return slice;
            }

            foreach (LoraTarget target in options.Targets)
            {
                (int n, int k) = LoraOptions.ShapeOf(config, target);
                string module = $"model.layers.{layer}.{LoraOptions.ModuleOf(target)}.";
                parts[(int)target] = new(target, Slice(module + "lora_A.weight", k), Slice(module + "lora_B.weight", n));
            }

            arenas.Add(arena);
        }

        Arenas = arenas;
    }

    public LlamaConfig Config { get; }

    public LoraOptions Options { get; }

    /// <summary>Every float once, padding between slices included (it stays 0).</summary>
    public IReadOnlyList<FloatBuffer> Arenas { get; }

    /// <summary>The factors of a matrix; null where it is no target.</summary>
    public LowRank? Of(int layer, LoraTarget target) => _layers[layer][(int)target];

    /// <summary>Every pair of factors, layer by layer.</summary>
    public IEnumerable<LowRank> All => _layers.SelectMany(l => l).OfType<LowRank>();

    /// <summary>A new adapter as PEFT begins one: A uniform within ±1/√K, B zero.</summary>
    public void Initialize(ulong seed)
    {
        RandomStream random = new(seed, 0x10AA);
        foreach (LowRank part in All)
        {
            double bound = 1 / Math.Sqrt(part.Inputs);
            foreach (ref float x in part.A.Span)
            {
                x = (float)(((2 * random.NextDouble()) - 1) * bound);
            }

            part.B.Span.Clear();
        }
    }

    /// <summary>Adds s·B·A to every target of a full model. Each sum over the rank runs in order.</summary>
    public void MergeInto(LlamaWeights weights, Workers workers)
    {
        int r = Options.Rank;
        float scale = Options.Scale;
        (LowRank Part, WeightSlice W)[] parts = [.. Enumerable.Range(0, Config.Layers).SelectMany(i => Options.Targets.Select(t => (Of(i, t)!, Matrix(weights.Layers[i], t))))];
        workers.Run(parts.Length, (item, _) =>
        {
            (LowRank part, WeightSlice w) = parts[item];
            int k = part.Inputs;
            float[] a = new float[r * k];
            for (int i = 0; i < k; i++)
            {
                for (int j = 0; j < r; j++)
                {
                    a[(j * k) + i] = part.A.Span[(i * r) + j];
                }
            }

            float[] change = new float[k];
            for (int row = 0; row < part.Outputs; row++)
            {
                Array.Clear(change);
                for (int j = 0; j < r; j++)
                {
                    AddScaled(change, a.AsSpan(j * k, k), part.B.Span[(row * r) + j]);
                }

                AddScaled(w.Span.Slice(row * k, k), change, scale);
            }
        });
    }

    static void AddScaled(Span<float> y, ReadOnlySpan<float> x, float factor)
    {
        Vector<float> f = new(factor);
        int i = 0, width = Vector<float>.Count;
        for (; i + width <= y.Length; i += width)
        {
            (new Vector<float>(y[i..]) + (new Vector<float>(x[i..]) * f)).CopyTo(y[i..]);
        }

        for (; i < y.Length; i++)
        {
            y[i] += x[i] * factor;
        }
    }

    static WeightSlice Matrix(LayerWeights w, LoraTarget target) => target switch
    {
        LoraTarget.Query => w.Query,
        LoraTarget.Key => w.Key,
        LoraTarget.Value => w.Value,
        LoraTarget.Output => w.Output,
        LoraTarget.Gate => w.Gate,
        LoraTarget.Up => w.Up,
        _ => w.Down,
    };
}
