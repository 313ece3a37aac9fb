using Retort.Kernels;

namespace Retort.Model.Llama;

// Shapes: S sequences of P token blocks of L = 32 tokens; B = S·P blocks, a sequence's blocks in a row.
// Every activation is [B, channels, L].

/// <summary>What one layer's forward pass leaves for its backward pass. Norms and the gated product are computed again instead of kept.</summary>
sealed class LayerActivations
{
    public LayerActivations(LlamaConfig c, int blocks)
    {
        int tokens = blocks * MatMul.L;
        Middle = new(checked(tokens * c.Hidden));
        Query = new(checked(tokens * c.QueryWidth));
        Key = new(tokens * c.KeyWidth);
        Value = new(tokens * c.KeyWidth);
        Attended = new(tokens * c.QueryWidth);
        LogSums = new(tokens * c.Heads);
        AttentionRstd = new(tokens);
        FeedForwardRstd = new(tokens);
        Gate = new(checked(tokens * c.FeedForward));
        Up = new(tokens * c.FeedForward);
        if (c.HeadNorm)
        {
            RawQuery = new(tokens * c.QueryWidth);
            RawKey = new(tokens * c.KeyWidth);
            QueryRstd = new(tokens * c.Heads);
            KeyRstd = new(tokens * c.KeyValueHeads);
        }
    }

    /// <summary>The residual stream between attention and feed-forward.</summary>
    public FloatBuffer Middle { get; }

    /// <summary>After bias, head norm and rotation.</summary>
    public FloatBuffer Query { get; }

    public FloatBuffer Key { get; }

    public FloatBuffer Value { get; }

    public FloatBuffer Attended { get; }

    /// <summary>log Σ exp of each head's scores, [B, heads, L].</summary>
    public FloatBuffer LogSums { get; }

    public FloatBuffer AttentionRstd { get; }

    public FloatBuffer FeedForwardRstd { get; }

    public FloatBuffer Gate { get; }

    public FloatBuffer Up { get; }

    /// <summary>Before the head norm; only where there is one.</summary>
    public FloatBuffer? RawQuery { get; }

    public FloatBuffer? RawKey { get; }

    public FloatBuffer? QueryRstd { get; }

    public FloatBuffer? KeyRstd { get; }
}

/// <summary>Memory of a forward pass over a fixed number of sequences of a fixed length.</summary>
public sealed class LlamaActivations
{
    /// <summary>A layer of more weights than the second-level cache holds is read anew for each group of token blocks, so groups are large.</summary>
    const int CachedWeights = 1 << 18;

    /// <param name="config">The model's shape.</param>
    /// <param name="sequences">S.</param>
    /// <param name="blocksPerSequence">P: the sequence length is 32·P.</param>
    /// <param name="workers">One scratch area each.</param>
    /// <param name="keep">Keep every layer's activations for a backward pass; otherwise all layers share one set.</param>
    /// <param name="checkpoints">With <paramref name="keep"/>: keep each layer's input only, and two layers' activations; the backward pass computes
    /// the others again, to the same bits.</param>
    public LlamaActivations(LlamaConfig config, int sequences, int blocksPerSequence, Workers workers, bool keep, bool checkpoints = false)
    {
        Config = config;
        Sequences = sequences;
        BlocksPerSequence = blocksPerSequence;
        Blocks = sequences * blocksPerSequence;
        Keeps = keep;
        Checkpoints = keep && checkpoints;
        int tokens = checked(Blocks * MatMul.L), positions = blocksPerSequence * MatMul.L, pairs = config.HeadSize / 2;
        Cos = new(pairs * positions);
        Sin = new(pairs * positions);
        RotaryFrequencies.Tables(config, Cos, Sin, positions);
        LayerActivations[] shared = keep && !checkpoints ? [] : [.. Enumerable.Range(0, keep ? Math.Min(2, config.Layers) : 1).Select(_ => new LayerActivations(config, Blocks))];
        FloatBuffer? stream = keep ? null : new(checked(tokens * config.Hidden));
        Layers = [.. Enumerable.Range(0, config.Layers).Select(i => shared.Length > 0 ? shared[i % shared.Length] : new LayerActivations(config, Blocks))];
        Inputs = [.. Enumerable.Range(0, config.Layers + 1).Select(_ => stream ?? new FloatBuffer(checked(tokens * config.Hidden)))];
        Final = new(tokens * config.Hidden);
        FinalRstd = new(tokens);
        Group = GroupOf(config, Blocks, workers.Threads);
        int scratch = Math.Max(Group * MatMul.L * (config.Hidden + config.FeedForward), Attention.ForwardScratch(blocksPerSequence));
        Scratch = [.. Enumerable.Range(0, workers.Threads).Select(_ => new FloatBuffer(scratch))];
    }

    public LlamaConfig Config { get; }

    public int Sequences { get; }

    public int BlocksPerSequence { get; }

    public int Blocks { get; }

    /// <summary>Tokens of one sequence.</summary>
    public int Length => BlocksPerSequence * MatMul.L;

    /// <summary>The normed residual stream the head reads, [B, hidden, L].</summary>
    public FloatBuffer Final { get; }

    /// <summary>Where in its sequence the document of each token begins, [S, 32·P]; empty where a sequence is one document. Attention stays
    /// within a document, so each is computed as if it stood alone.</summary>
    public ReadOnlyMemory<int> Starts { get; set; }

    internal ReadOnlySpan<int> StartsOf(int sequence) => Starts.IsEmpty ? default : Starts.Span.Slice(sequence * Length, Length);

    /// <summary>Token blocks one item of row-wise work takes.</summary>
    internal int Group { get; }

    static int GroupOf(LlamaConfig c, int blocks, int threads)
    {
        long layer = (long)c.Hidden * ((2 * c.QueryWidth) + (2 * c.KeyWidth) + (3 * c.FeedForward));
        return layer > CachedWeights ? Math.Clamp((blocks + threads - 1) / threads, 1, 16) : Math.Clamp(blocks / (4 * threads), 1, 4);
    }

    internal bool Keeps { get; }

    /// <summary>Only the last two layers' activations are there after a forward pass.</summary>
    internal bool Checkpoints { get; }

    /// <summary>The adapter that takes part in the passes, or null.</summary>
    public LoraPass? Lora { get; set; }

    internal FloatBuffer Cos { get; }

    internal FloatBuffer Sin { get; }

    /// <summary>The residual stream at each layer's input, and after the last.</summary>
    internal FloatBuffer[] Inputs { get; }

    internal LayerActivations[] Layers { get; }

    internal FloatBuffer FinalRstd { get; }

    internal FloatBuffer[] Scratch { get; }

    internal int Groups => (Blocks + Group - 1) / Group;
}
