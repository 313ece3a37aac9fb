using Retort.Kernels;

namespace Retort.Model.Llama;

/// <summary>A named, shaped part of an arena. Matrices are row-major [outputs, inputs], as Hugging Face stores them.</summary>
/// <param name="Name">The tensor's name in a Hugging Face file.</param>
/// <param name="Shape">One or two extents.</param>
public sealed record WeightSlice(string Name, FloatBuffer Arena, int Start, int Length, IReadOnlyList<int> Shape)
{
    public Span<float> Span => Arena.Slice(Start, Length);
}

/// <summary>The weights of one layer in one arena.</summary>
public sealed class LayerWeights
{
    internal LayerWeights(LlamaConfig c, int layer)
    {
        List<(string Name, int[] Shape)> plan = Plan(c, layer);
        Arena = new FloatBuffer(checked(plan.Sum(p => LlamaWeights.Padded(p.Shape))));
        int start = 0;
        WeightSlice[] slices = new WeightSlice[plan.Count];
        for (int i = 0; i < slices.Length; i++)
        {
            int[] shape = plan[i].Shape;
            slices[i] = new(plan[i].Name, Arena, start, shape.Aggregate(1, (a, b) => a * b), shape);
            start += LlamaWeights.Padded(shape);
        }

        Slices = slices;
        (AttentionNorm, Query, Key, Value, Output) = (slices[0], slices[1], slices[2], slices[3], slices[4]);
        (FeedForwardNorm, Gate, Up, Down) = (slices[5], slices[6], slices[7], slices[8]);
        (QueryBias, KeyBias, ValueBias) = c.AttentionBias ? (slices[9], slices[10], slices[11]) : (null, null, null);
        (QueryNorm, KeyNorm) = c.HeadNorm ? (slices[^2], slices[^1]) : (null, null);
    }

    /// <summary>Name and shape of the layer's tensors, in the order of <see cref="Slices"/>.</summary>
    internal static List<(string Name, int[] Shape)> Plan(LlamaConfig c, int layer)
    {
        string at = $"model.layers.{layer}.";
        List<(string Name, int[] Shape)> plan =
        [
            ("input_layernorm.weight", [c.Hidden]),
            ("self_attn.q_proj.weight", [c.QueryWidth, c.Hidden]),
            ("self_attn.k_proj.weight", [c.KeyWidth, c.Hidden]),
            ("self_attn.v_proj.weight", [c.KeyWidth, c.Hidden]),
            ("self_attn.o_proj.weight", [c.Hidden, c.QueryWidth]),
            ("post_attention_layernorm.weight", [c.Hidden]),
            ("mlp.gate_proj.weight", [c.FeedForward, c.Hidden]),
            ("mlp.up_proj.weight", [c.FeedForward, c.Hidden]),
            ("mlp.down_proj.weight", [c.Hidden, c.FeedForward]),
        ];
        if (c.AttentionBias)
        {
            plan.AddRange([("self_attn.q_proj.bias", [c.QueryWidth]), ("self_attn.k_proj.bias", [c.KeyWidth]), ("self_attn.v_proj.bias", [c.KeyWidth])]);
        }

        if (c.HeadNorm)
        {
            plan.AddRange([("self_attn.q_norm.weight", [c.HeadSize]), ("self_attn.k_norm.weight", [c.HeadSize])]);
        }

        return plan.ConvertAll(p => (at + p.Name, p.Shape));
    }

    public FloatBuffer Arena { get; }

    public IReadOnlyList<WeightSlice> Slices { get; }

    public WeightSlice AttentionNorm { get; }

    public WeightSlice Query { get; }

    public WeightSlice Key { get; }

    public WeightSlice Value { get; }

    public WeightSlice Output { get; }

    public WeightSlice FeedForwardNorm { get; }

    public WeightSlice Gate { get; }

    public WeightSlice Up { get; }

    public WeightSlice Down { get; }

    public WeightSlice? QueryBias { get; }

    public WeightSlice? KeyBias { get; }

    public WeightSlice? ValueBias { get; }

    public WeightSlice? QueryNorm { get; }

    public WeightSlice? KeyNorm { get; }
}

/// <summary>
/// One arena a layer, one for the embedding and final norm, one for an untied head. The same class serves weights, gradients and both
/// moments of AdamW, so that zeroing, clipping, updating and saving are one loop over <see cref="Arenas"/>.
/// </summary>
public sealed class LlamaWeights
{
    internal const string EmbeddingName = "model.embed_tokens.weight", FinalNormName = "model.norm.weight", HeadName = "lm_head.weight";

    LlamaParts? _parts;

    public LlamaWeights(LlamaConfig config)
    {
        Config = config;
        int table = config.Vocabulary * config.Hidden, padded = Padded([config.Vocabulary, config.Hidden]);
        FloatBuffer outer = new(checked(padded + Padded([config.Hidden])));
        Embedding = new(EmbeddingName, outer, 0, table, [config.Vocabulary, config.Hidden]);
        FinalNorm = new(FinalNormName, outer, padded, config.Hidden, [config.Hidden]);
        Layers = [.. Enumerable.Range(0, config.Layers).Select(i => new LayerWeights(config, i))];
        Head = config.TiedHead ? Embedding : new(HeadName, new FloatBuffer(table), 0, table, [config.Vocabulary, config.Hidden]);
        List<FloatBuffer> arenas = [outer, .. Layers.Select(l => l.Arena)];
        if (!config.TiedHead)
        {
            arenas.Add(Head.Arena);
        }

        Arenas = arenas;
    }

    public LlamaConfig Config { get; }

    /// <summary>The same weights as the passes read them.</summary>
    public LlamaParts Parts => _parts ??= LlamaParts.Of(this);

    public WeightSlice Embedding { get; }

    public IReadOnlyList<LayerWeights> Layers { get; }

    public WeightSlice FinalNorm { get; }

    /// <summary>The embedding itself when the head is tied.</summary>
    public WeightSlice Head { get; }

    /// <summary>Every float once, padding between slices included (it stays 0).</summary>
    public IReadOnlyList<FloatBuffer> Arenas { get; }

    /// <summary>Every tensor once, in the order Hugging Face lists them.</summary>
    public IEnumerable<WeightSlice> Slices()
    {
        yield return Embedding;
        foreach (LayerWeights layer in Layers)
        {
            foreach (WeightSlice slice in layer.Slices)
            {
                yield return slice;
            }
        }

        yield return FinalNorm;
        if (!Config.TiedHead)
        {
            yield return Head;
        }
    }

    /// <summary>Name and shape of every tensor a model of this shape has, in the order of <see cref="Slices"/>; nothing is allocated for them.</summary>
    public static IEnumerable<(string Name, int[] Shape)> Plan(LlamaConfig config)
    {
        yield return (EmbeddingName, [config.Vocabulary, config.Hidden]);
        for (int layer = 0; layer < config.Layers; layer++)
        {
            foreach ((string Name, int[] Shape) tensor in LayerWeights.Plan(config, layer))
            {
                yield return tensor;
            }
        }

        yield return (FinalNormName, [config.Hidden]);
        if (!config.TiedHead)
        {
            yield return (HeadName, [config.Vocabulary, config.Hidden]);
        }
    }

    /// <summary>Weights for a model born from nothing: norms 1, biases 0, matrices normal with deviation 0.6/√hidden, the two that end in the
    /// residual stream divided by √(2·layers) (Radford et al., GPT-2, whose 0.02 this is at 900 channels; a small model started that low
    /// loses hundreds of steps).</summary>
    public void Initialize(ulong seed)
    {
        RandomStream random = new(seed);
        foreach (WeightSlice slice in Slices())
        {
            Draw(Config, slice.Name, slice.Span, random);
        }
    }

    /// <summary>The next initial numbers of a tensor; a tensor drawn in pieces is the same as one drawn whole.</summary>
    public static void Draw(LlamaConfig config, string name, Span<float> w, RandomStream random)
    {
        double deviation = 0.6 / Math.Sqrt(config.Hidden), residual = deviation / Math.Sqrt(2.0 * config.Layers);
        if (name.EndsWith("norm.weight", StringComparison.Ordinal) || name.EndsWith("bias", StringComparison.Ordinal))
        {
            w.Fill(name.EndsWith("bias", StringComparison.Ordinal) ? 0f : 1f);
            return;
        }

        double mine = name.EndsWith("o_proj.weight", StringComparison.Ordinal) || name.EndsWith("down_proj.weight", StringComparison.Ordinal) ? residual : deviation;
        foreach (ref float x in w)
        {
            x = (float)(random.NextNormal() * mine);
        }
    }

    /// <summary>Bytes that weights of this shape take in memory as floats.</summary>
    public static long Bytes(LlamaConfig config) => config.Parameters * sizeof(float);

    internal static int Padded(IReadOnlyList<int> shape) => (shape.Aggregate(1, (a, b) => checked(a * b)) + 15) / 16 * 16;
}
