using Retort.Kernels;

namespace Retort.Model.Llama;

/// <summary>
/// The forward pass up to the final norm. Everything but attention is local to a token block, so a layer is two phases: attention dealt
/// out by sequence and head, and all the rest, from one attention to the next, dealt out by groups of token blocks.
/// </summary>
public static class LlamaForward
{
    const int L = MatMul.L;

    /// <summary>Fills the activations for the given tokens.</summary>
    /// <param name="tokens">[S, 32·P], padded at the end of a sequence with any valid token.</param>
    public static void Run(LlamaWeights weights, LlamaActivations a, ReadOnlyMemory<int> tokens, Workers workers) => Run(weights.Parts, a, tokens, workers);

    /// <inheritdoc cref="Run(LlamaWeights, LlamaActivations, ReadOnlyMemory{int}, Workers)"/>
    public static void Run(LlamaParts weights, LlamaActivations a, ReadOnlyMemory<int> tokens, Workers workers)
    {
        LlamaConfig c = weights.Config;
        if (tokens.Length != a.Blocks * L)
        {
            throw new ArgumentException($"LlamaForward.Run: {tokens.Length} tokens for {a.Blocks} blocks of {L}.", nameof(tokens));
        }

        workers.Run(a.Groups, (group, worker) =>
        {
            (int first, int count) = Range(a, group);
            for (int b = first; b < first + count; b++)
            {
                weights.Embedding.Look(Block(a.Inputs[0], b, c.Hidden), tokens.Span.Slice(b * L, L), a.Scratch[worker].Span);
            }

            if (c.Layers > 0)
            {
                BeforeAttention(weights, a, 0, first, count, worker);
            }
        });
        for (int layer = 0; layer < c.Layers; layer++)
        {
            int here = layer;
            LayerActivations y = a.Layers[layer];
            Attend(c, a, y, workers);
            workers.Run(a.Groups, (group, worker) =>
            {
                (int first, int count) = Range(a, group);
                AfterAttention(weights, a, here, first, count, worker);
                if (here + 1 < c.Layers)
                {
                    BeforeAttention(weights, a, here + 1, first, count, worker);
                }
            });
        }

        workers.Run(a.Groups, (group, _) =>
        {
            (int first, int count) = Range(a, group);
            for (int b = first; b < first + count; b++)
            {
                RmsNorm.Forward(Block(a.Final, b, c.Hidden), a.FinalRstd.Slice(b * L, L), Block(a.Inputs[c.Layers], b, c.Hidden), weights.FinalNorm.Span, c.NormEpsilon);
            }
        });
    }

    /// <summary>Computes one layer's activations again from its input, but for its output.</summary>
    internal static void Again(LlamaParts weights, LlamaActivations a, int layer, Workers workers)
    {
        LayerActivations y = a.Layers[layer];
        workers.Run(a.Groups, (group, worker) =>
        {
            (int first, int count) = Range(a, group);
            BeforeAttention(weights, a, layer, first, count, worker, again: true);
        });
        Attend(weights.Config, a, y, workers);
        workers.Run(a.Groups, (group, worker) =>
        {
            (int first, int count) = Range(a, group);
            AfterAttention(weights, a, layer, first, count, worker, again: true);
        });
    }

    static void Attend(LlamaConfig c, LlamaActivations a, LayerActivations y, Workers workers) => workers.Run(a.Sequences * c.Heads, (item, worker) =>
    {
        int sequence = item / c.Heads, head = item % c.Heads, block = sequence * a.BlocksPerSequence;
        Attention.Forward(
            From(y.Attended, block, c.QueryWidth), y.LogSums.From(block * c.Heads * L), From(y.Query, block, c.QueryWidth),
            From(y.Key, block, c.KeyWidth), From(y.Value, block, c.KeyWidth), a.BlocksPerSequence, c.Heads, c.KeyValueHeads, c.HeadSize, head, a.Scratch[worker].Span, a.StartsOf(sequence));
    });

    /// <summary>y = W·x, and what an adapter adds to it.</summary>
    static void Product(LinearMatrix w, LlamaActivations a, int layer, LoraTarget target, Span<float> y, ReadOnlySpan<float> x, int first, int count, int worker, bool again, bool accumulate = false)
    {
        w.Forward(y, x, count, accumulate);
        a.Lora?.Forward(layer, target, y, x, first, count, worker, again);
    }

    /// <summary>Norm, then query, key and value with bias, head norm and rotation.</summary>
    /// <param name="again">The layer was computed before and its activations given up.</param>
    static void BeforeAttention(LlamaParts weights, LlamaActivations a, int layer, int first, int count, int worker, bool again = false)
    {
        LlamaConfig c = weights.Config;
        LayerParts w = weights.Layers[layer];
        LayerActivations y = a.Layers[layer];
        Span<float> normed = a.Scratch[worker].Slice(0, count * c.Hidden * L);
        for (int i = 0; i < count; i++)
        {
            RmsNorm.Forward(normed.Slice(i * c.Hidden * L, c.Hidden * L), y.AttentionRstd.Slice((first + i) * L, L), Block(a.Inputs[layer], first + i, c.Hidden), w.AttentionNorm.Span, c.NormEpsilon);
        }

        Product(w.Query, a, layer, LoraTarget.Query, From(y.RawQuery ?? y.Query, first, c.QueryWidth), normed, first, count, worker, again);
        Product(w.Key, a, layer, LoraTarget.Key, From(y.RawKey ?? y.Key, first, c.KeyWidth), normed, first, count, worker, again);
        Product(w.Value, a, layer, LoraTarget.Value, From(y.Value, first, c.KeyWidth), normed, first, count, worker, again);
        for (int b = first; b < first + count; b++)
        {
            Span<float> q = Block(y.Query, b, c.QueryWidth), k = Block(y.Key, b, c.KeyWidth);
            if (w.QueryBias is { } bias)
            {
                Bias.Forward(Block(y.RawQuery ?? y.Query, b, c.QueryWidth), bias.Span);
                Bias.Forward(Block(y.RawKey ?? y.Key, b, c.KeyWidth), w.KeyBias!.Span);
                Bias.Forward(Block(y.Value, b, c.KeyWidth), w.ValueBias!.Span);
            }

            if (w.QueryNorm is { } norm)
            {
                int head = c.HeadSize * L;
                for (int h = 0; h < c.Heads; h++)
                {
                    RmsNorm.Forward(q.Slice(h * head, head), y.QueryRstd!.Slice(((b * c.Heads) + h) * L, L), Block(y.RawQuery!, b, c.QueryWidth).Slice(h * head, head), norm.Span, c.NormEpsilon);
                }

                for (int h = 0; h < c.KeyValueHeads; h++)
                {
                    RmsNorm.Forward(k.Slice(h * head, head), y.KeyRstd!.Slice(((b * c.KeyValueHeads) + h) * L, L), Block(y.RawKey!, b, c.KeyWidth).Slice(h * head, head), w.KeyNorm!.Span, c.NormEpsilon);
                }
            }

            int position = b % a.BlocksPerSequence * L;
            Rope.Turn(q, a.Cos.Span, a.Sin.Span, c.Heads, c.HeadSize, a.Length, position);
            Rope.Turn(k, a.Cos.Span, a.Sin.Span, c.KeyValueHeads, c.HeadSize, a.Length, position);
        }
    }

    /// <summary>Output projection, residual, norm, gated feed-forward, residual.</summary>
    static void AfterAttention(LlamaParts weights, LlamaActivations a, int layer, int first, int count, int worker, bool again = false)
    {
        LlamaConfig c = weights.Config;
        FloatBuffer scratch = a.Scratch[worker];
        LayerParts w = weights.Layers[layer];
        LayerActivations y = a.Layers[layer];
        int hidden = count * c.Hidden * L;
        Span<float> middle = From(y.Middle, first, c.Hidden)[..hidden], normed = scratch.Slice(0, hidden), gated = scratch.Slice(hidden, count * c.FeedForward * L);
        From(a.Inputs[layer], first, c.Hidden)[..hidden].CopyTo(middle);
        Product(w.Output, a, layer, LoraTarget.Output, middle, From(y.Attended, first, c.QueryWidth), first, count, worker, again, accumulate: true);
        for (int i = 0; i < count; i++)
        {
            RmsNorm.Forward(normed.Slice(i * c.Hidden * L, c.Hidden * L), y.FeedForwardRstd.Slice((first + i) * L, L), middle.Slice(i * c.Hidden * L, c.Hidden * L), w.FeedForwardNorm.Span, c.NormEpsilon);
        }

        Span<float> gate = From(y.Gate, first, c.FeedForward)[..gated.Length], up = From(y.Up, first, c.FeedForward)[..gated.Length];
        Product(w.Gate, a, layer, LoraTarget.Gate, gate, normed, first, count, worker, again);
        Product(w.Up, a, layer, LoraTarget.Up, up, normed, first, count, worker, again);
        if (again)
        {
            return;
        }

        SwiGlu.Forward(gated, gate, up);
        Span<float> output = From(a.Inputs[layer + 1], first, c.Hidden)[..hidden];
        middle.CopyTo(output);
        Product(w.Down, a, layer, LoraTarget.Down, output, gated, first, count, worker, again, accumulate: true);
    }

    /// <summary>First block and number of blocks of a group.</summary>
    internal static (int First, int Count) Range(LlamaActivations a, int group)
    {
        int first = group * a.Group;
        return (first, Math.Min(a.Group, a.Blocks - first));
    }

    internal static Span<float> Block(FloatBuffer x, int block, int channels) => x.Slice(block * channels * L, channels * L);

    internal static Span<float> From(FloatBuffer x, int block, int channels) => x.From(block * channels * L);
}
