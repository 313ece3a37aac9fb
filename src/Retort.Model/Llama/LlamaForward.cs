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
    public static void Run(LlamaWeights weights, LlamaActivations a, ReadOnlyMemory<int> tokens, Workers workers) => Extend(cache: null, weights, a, tokens, workers);

    /// <summary>The same for one sequence whose first <see cref="LlamaActivations.Before"/> blocks lie in the cache; its keys and values are added there.</summary>
    internal static void Extend(KeyValueCache? cache, LlamaWeights weights, LlamaActivations a, ReadOnlyMemory<int> tokens, Workers workers)
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
                Embedding.Forward(Block(a.Inputs[0], b, c.Hidden), weights.Embedding.Span, tokens.Span.Slice(b * L, L), c.Hidden);
            }

            if (c.Layers > 0)
            {
                BeforeAttention(weights, a, 0, first, count, a.Scratch[worker]);
            }
        });
        for (int layer = 0; layer < c.Layers; layer++)
        {
            int here = layer;
            LayerActivations y = a.Layers[layer];
            int p = a.BlocksPerSequence;
            FloatBuffer key = y.Key, value = y.Value;
            if (cache is not null)
            {
                y.Key.Span.CopyTo(cache.Keys[layer].From(a.Before * c.KeyWidth * L));
                y.Value.Span.CopyTo(cache.Values[layer].From(a.Before * c.KeyWidth * L));
                (key, value) = (cache.Keys[layer], cache.Values[layer]);
            }

            workers.Run(a.Sequences * c.Heads, (item, worker) =>
            {
                int sequence = item / c.Heads, head = item % c.Heads, block = sequence * p;
                Attention.Forward(
                    From(y.Attended, block, c.QueryWidth), y.LogSums.From(block * c.Heads * L), From(y.Query, block, c.QueryWidth),
                    From(key, block, c.KeyWidth), From(value, block, c.KeyWidth), p, c.Heads, c.KeyValueHeads, c.HeadSize, head, a.Scratch[worker].Span, a.Before, a.StartsOf(sequence));
            });
            workers.Run(a.Groups, (group, worker) =>
            {
                (int first, int count) = Range(a, group);
                AfterAttention(weights, a, here, first, count, a.Scratch[worker]);
                if (here + 1 < c.Layers)
                {
                    BeforeAttention(weights, a, here + 1, first, count, a.Scratch[worker]);
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

    /// <summary>Norm, then query, key and value with bias, head norm and rotation.</summary>
    static void BeforeAttention(LlamaWeights weights, LlamaActivations a, int layer, int first, int count, FloatBuffer scratch)
    {
        LlamaConfig c = weights.Config;
        LayerWeights w = weights.Layers[layer];
        LayerActivations y = a.Layers[layer];
        Span<float> normed = scratch.Slice(0, count * c.Hidden * L);
        for (int i = 0; i < count; i++)
        {
            RmsNorm.Forward(normed.Slice(i * c.Hidden * L, c.Hidden * L), y.AttentionRstd.Slice((first + i) * L, L), Block(a.Inputs[layer], first + i, c.Hidden), w.AttentionNorm.Span, c.NormEpsilon);
        }

        MatMul.Forward(From(y.RawQuery ?? y.Query, first, c.QueryWidth), w.Query.Span, normed, c.QueryWidth, c.Hidden, count);
        MatMul.Forward(From(y.RawKey ?? y.Key, first, c.KeyWidth), w.Key.Span, normed, c.KeyWidth, c.Hidden, count);
        MatMul.Forward(From(y.Value, first, c.KeyWidth), w.Value.Span, normed, c.KeyWidth, c.Hidden, count);
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
    static void AfterAttention(LlamaWeights weights, LlamaActivations a, int layer, int first, int count, FloatBuffer scratch)
    {
        LlamaConfig c = weights.Config;
        LayerWeights w = weights.Layers[layer];
        LayerActivations y = a.Layers[layer];
        int hidden = count * c.Hidden * L;
        Span<float> middle = From(y.Middle, first, c.Hidden)[..hidden], normed = scratch.Slice(0, hidden), gated = scratch.Slice(hidden, count * c.FeedForward * L);
        From(a.Inputs[layer], first, c.Hidden)[..hidden].CopyTo(middle);
        MatMul.Forward(middle, w.Output.Span, From(y.Attended, first, c.QueryWidth), c.Hidden, c.QueryWidth, count, accumulate: true);
        for (int i = 0; i < count; i++)
        {
            RmsNorm.Forward(normed.Slice(i * c.Hidden * L, c.Hidden * L), y.FeedForwardRstd.Slice((first + i) * L, L), middle.Slice(i * c.Hidden * L, c.Hidden * L), w.FeedForwardNorm.Span, c.NormEpsilon);
        }

        Span<float> gate = From(y.Gate, first, c.FeedForward)[..gated.Length], up = From(y.Up, first, c.FeedForward)[..gated.Length];
        MatMul.Forward(gate, w.Gate.Span, normed, c.FeedForward, c.Hidden, count);
        MatMul.Forward(up, w.Up.Span, normed, c.FeedForward, c.Hidden, count);
        SwiGlu.Forward(gated, gate, up);
        Span<float> output = From(a.Inputs[layer + 1], first, c.Hidden)[..hidden];
        middle.CopyTo(output);
        MatMul.Forward(output, w.Down.Span, gated, c.Hidden, c.FeedForward, count, accumulate: true);
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
