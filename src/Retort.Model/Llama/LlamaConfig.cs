namespace Retort.Model.Llama;

/// <summary>The families that share this forward pass; they differ in biases, head norms and head size.</summary>
public enum LlamaFamily
{
    /// <summary>Llama 1 to 3, TinyLlama, SmolLM2, llama2.c.</summary>
    Llama,

    /// <summary>Qwen2 and Qwen2.5: biases on query, key and value.</summary>
    Qwen2,

    /// <summary>Qwen3: an RMS norm on every query and key head, head size free of the hidden size.</summary>
    Qwen3,
}

/// <summary>Everything of a model's shape that changes its numbers.</summary>
public sealed record LlamaConfig
{
    public LlamaFamily Family { get; init; } = LlamaFamily.Llama;

    /// <summary>Width of the residual stream.</summary>
    public required int Hidden { get; init; }

    public required int Layers { get; init; }

    /// <summary>Query heads.</summary>
    public required int Heads { get; init; }

    /// <summary>Key-value heads; divides <see cref="Heads"/>.</summary>
    public required int KeyValueHeads { get; init; }

    /// <summary>Channels of one head, even.</summary>
    public required int HeadSize { get; init; }

    /// <summary>Width of the feed-forward layer.</summary>
    public required int FeedForward { get; init; }

    public required int Vocabulary { get; init; }

    /// <summary>Longest sequence, in tokens.</summary>
    public required int Context { get; init; }

    public float NormEpsilon { get; init; } = 1e-5f;

    public double RopeTheta { get; init; } = 10000;

    /// <summary>How the rotary frequencies are changed; null keeps them.</summary>
    public RopeScaling? RopeScaling { get; init; }

    /// <summary>The head shares the embedding's weights.</summary>
    public bool TiedHead { get; init; } = true;

    /// <summary>Query, key and value carry a bias.</summary>
    public bool AttentionBias { get; init; }

    public int? BeginToken { get; init; }

    /// <summary>Any of these ends a generation.</summary>
    public IReadOnlyList<int> EndTokens { get; init; } = [];

    /// <summary>Qwen3 norms each query and key head.</summary>
    public bool HeadNorm => Family == LlamaFamily.Qwen3;

    /// <summary>Channels of all query heads.</summary>
    public int QueryWidth => Heads * HeadSize;

    /// <summary>Channels of all key-value heads.</summary>
    public int KeyWidth => KeyValueHeads * HeadSize;

    /// <summary>Number of weights, a tied head counted once.</summary>
    public long Parameters => (Layers * LayerParameters) + ((long)Vocabulary * Hidden * (TiedHead ? 1 : 2)) + Hidden;

    long LayerParameters
    {
        get
        {
            long attention = (long)Hidden * (QueryWidth + (2 * KeyWidth)) + ((long)QueryWidth * Hidden);
            long bias = AttentionBias ? QueryWidth + (2 * KeyWidth) : 0, norms = (2 * Hidden) + (HeadNorm ? 2 * HeadSize : 0);
            return attention + bias + norms + (3L * Hidden * FeedForward);
        }
    }

    /// <summary>Multiply-adds times two of one token's forward pass at the given number of earlier tokens, embedding look-up not counted.</summary>
    public double ForwardFlops(double meanContext) =>
        (2.0 * (Parameters - (TiedHead ? 0 : (long)Vocabulary * Hidden))) + (4.0 * Layers * QueryWidth * meanContext);

    /// <summary>Throws a <see cref="UserError"/> that names the first field no model of this family can have.</summary>
    /// <param name="where">The file or recipe key the shape came from.</param>
    public void Validate(string where)
    {
        Check(Hidden is > 0 and <= 1 << 17, where, "hidden_size", Hidden, "between 1 and 131072");
        Check(Layers is > 0 and <= 1024, where, "num_hidden_layers", Layers, "between 1 and 1024");
        Check(Heads is > 0 and <= 4096, where, "num_attention_heads", Heads, "between 1 and 4096");
        Check(KeyValueHeads > 0 && KeyValueHeads <= Heads && Heads % KeyValueHeads == 0, where, "num_key_value_heads", KeyValueHeads, $"a divisor of num_attention_heads = {Heads}");
        Check(HeadSize is > 0 and <= 4096 && HeadSize % 2 == 0, where, "head_dim", HeadSize, "even and between 2 and 4096");
        Check(FeedForward is > 0 and <= 1 << 20, where, "intermediate_size", FeedForward, "between 1 and 1048576");
        Check(Vocabulary is > 0 and <= 1 << 22, where, "vocab_size", Vocabulary, "between 1 and 4194304");
        Check(Context is > 0 and <= 1 << 24, where, "max_position_embeddings", Context, "between 1 and 16777216");
        Check((long)(Vocabulary + 1) * Hidden < int.MaxValue - 1024, where, "vocab_size", Vocabulary, "small enough that vocab_size × hidden_size stays below 2^31");
        Check(LayerParameters < int.MaxValue - 1024, where, "intermediate_size", FeedForward, "small enough that one layer stays below 2^31 weights");
        if (!(NormEpsilon > 0 && NormEpsilon < 1))
        {
            throw new UserError($"rms_norm_eps is {NormEpsilon}", where, "It must lie between 0 and 1.");
        }

        if (!(RopeTheta > 0) || double.IsInfinity(RopeTheta))
        {
            throw new UserError($"rope_theta is {RopeTheta}", where, "It must be a positive number.");
        }

        RopeScaling?.Validate(this, where);
    }

    static void Check(bool holds, string where, string field, int value, string rule)
    {
        if (!holds)
        {
            throw new UserError($"{field} is {value}", where, $"It must be {rule}.");
        }
    }
}
