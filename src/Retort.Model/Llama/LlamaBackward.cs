using Retort.Kernels;

namespace Retort.Model.Llama;

/// <summary>
/// The backward pass, written out by hand. Walking down the layers, each is two phases: row-wise work dealt out by token blocks (the end
/// of the layer above, then the feed-forward of this one), and one mixed list of attention gradients and matrix gradients.
/// </summary>
public sealed partial class LlamaBackward
{
    const int L = MatMul.L;

    readonly LlamaConfig _c;
    readonly int _blocks;
    readonly int[] _sums;
    readonly FloatBuffer _dOutput;
    readonly FloatBuffer _dMiddle;
    readonly FloatBuffer _dAttended;
    readonly FloatBuffer _dAttentionNorm;
    readonly FloatBuffer _dFeedForwardNorm;
    readonly FloatBuffer _dGate;
    readonly FloatBuffer _dUp;
    readonly FloatBuffer? _attendedPanels;
    readonly FloatBuffer? _gatedPanels;
    readonly FloatBuffer? _attentionPanels;
    readonly FloatBuffer? _feedForwardPanels;

    // Two sets: attention of one layer runs beside the matrix gradients of the layer above.
    readonly FloatBuffer[] _dQuery;
    readonly FloatBuffer[] _dKey;
    readonly FloatBuffer[] _dValue;
    readonly FloatBuffer[]? _dNormedQuery;
    readonly FloatBuffer[]? _dNormedKey;
    readonly FloatBuffer[] _scratch;

    /// <param name="frozen">No weight of the model itself is trained, only the adapter in <see cref="LlamaActivations.Lora"/>.</param>
    public LlamaBackward(LlamaConfig config, LlamaActivations a, Workers workers, bool frozen = false)
    {
        _c = config;
        _blocks = a.Blocks;
        _sums = WeightGradients.Sums(Enumerable.Range(0, a.Blocks), a.BlocksPerSequence);
        int tokens = a.Blocks * L;
        FloatBuffer Channels(int channels) => new(checked(tokens * channels));
        FloatBuffer Panels(int channels) => new(MatMul.PanelLength(channels, a.Blocks));
        FloatBuffer[] Pair(int channels) => [Channels(channels), Channels(channels)];
        DFinal = Channels(config.Hidden);
        _dOutput = Channels(config.Hidden);
        _dMiddle = Channels(config.Hidden);
        _dAttended = Channels(config.QueryWidth);
        _dAttentionNorm = Channels(config.Hidden);
        _dFeedForwardNorm = Channels(config.Hidden);
        _dGate = Channels(config.FeedForward);
        _dUp = Channels(config.FeedForward);
        if (!frozen)
        {
            _attendedPanels = Panels(config.QueryWidth);
            _gatedPanels = Panels(config.FeedForward);
            _attentionPanels = Panels(config.Hidden);
            _feedForwardPanels = Panels(config.Hidden);
        }

        _dQuery = Pair(config.QueryWidth);
        _dKey = Pair(config.KeyWidth);
        _dValue = Pair(config.KeyWidth);
        if (config.HeadNorm)
        {
            _dNormedQuery = Pair(config.QueryWidth);
            _dNormedKey = Pair(config.KeyWidth);
        }

        int scratch = Math.Max(a.Group * L * Math.Max(config.FeedForward, config.Hidden), Attention.BackwardScratch(a.BlocksPerSequence, config.HeadSize));
        _scratch = [.. Enumerable.Range(0, workers.Threads).Select(_ => new FloatBuffer(scratch))];
    }

    /// <summary>Gradient of <see cref="LlamaActivations.Final"/>, which <see cref="LlamaHead"/> writes and <see cref="Run(LlamaParts, LlamaWeights?, LlamaActivations, ReadOnlyMemory{int}, Workers)"/> reads.</summary>
    public FloatBuffer DFinal { get; }

    /// <summary>Adds the gradient of every weight below the head.</summary>
    public void Run(LlamaWeights weights, LlamaWeights gradients, LlamaActivations a, ReadOnlyMemory<int> tokens, Workers workers) => Run(weights.Parts, gradients, a, tokens, workers);

    /// <summary>Adds the gradient of every weight below the head, and of the adapter where there is one.</summary>
    /// <param name="gradients">Null where the model is frozen.</param>
    public void Run(LlamaParts weights, LlamaWeights? gradients, LlamaActivations a, ReadOnlyMemory<int> tokens, Workers workers)
    {
        int layers = _c.Layers, lowest = gradients is null ? 0 : -1;
        for (int layer = layers - 1; layer >= -1; layer--)
        {
            int here = layer;
            if (a.Checkpoints && here >= 0 && here < layers - 2)
            {
                LlamaForward.Again(weights, a, here, workers);
            }

            workers.Run(a.Groups, (group, worker) =>
            {
                (int first, int count) = LlamaForward.Range(a, group);
                if (here == layers - 1)
                {
                    for (int b = first; b < first + count; b++)
                    {
                        // final = RmsNorm(x after the last layer)
                        RmsNorm.BackwardInput(Block(_dOutput, b, _c.Hidden), Block(DFinal, b, _c.Hidden), Block(a.Inputs[layers], b, _c.Hidden), a.FinalRstd.Slice(b * L, L), weights.FinalNorm.Span, accumulate: false);
                    }
                }
                else
                {
                    BelowAttention(weights, a, here + 1, first, count, worker, toInput: here >= lowest);
                }

                if (here >= 0)
                {
                    AboveAttention(weights, a, here, first, count, worker);
                }
            });
            List<Action<int>> items = [];
            if (here >= 0)
            {
                AddAttention(items, a, here);
                AddUpper(items, gradients?.Layers[here], a, here);
            }

            if (here < layers - 1)
            {
                AddLower(items, gradients?.Layers[here + 1], a, here + 1);
            }

            if (here == -1 && gradients is not null)
            {
                WeightGradients.AddNorm(items, gradients.FinalNorm, DFinal, a.Inputs[layers], a.FinalRstd, _sums);
                int parts = Math.Min(16, Math.Max(1, _blocks));
                for (int part = 0; part < parts; part++)
                {
                    int mine = part;
                    items.Add(_ => Embedding.Backward(gradients.Embedding.Span, _dOutput.Span, tokens.Span, _c.Hidden, mine, parts));
                }
            }

            workers.Run(items.Count, (item, worker) => items[item](worker));
        }
    }

    /// <summary>From the layer's output down to the gradient of attention's output.</summary>
    void AboveAttention(LlamaParts weights, LlamaActivations a, int layer, int first, int count, int worker)
    {
        FloatBuffer scratch = _scratch[worker];
        LayerParts w = weights.Layers[layer];
        LayerActivations y = a.Layers[layer];
        int hidden = _c.Hidden, wide = _c.FeedForward, q = _c.QueryWidth;

        // output = middle + down · gated
        Span<float> gated = scratch.Slice(0, count * wide * L);
        Product(w.Down, a, layer, LoraTarget.Down, gated, From(_dOutput, first, hidden), first, count, worker);

        // gated = gate · σ(gate) · up
        SwiGlu.Backward(gated, From(_dGate, first, wide)[..gated.Length], From(_dUp, first, wide)[..gated.Length], gated, From(y.Gate, first, wide)[..gated.Length], From(y.Up, first, wide)[..gated.Length]);
        for (int i = 0; i < count; i++)
        {
            Keep(_gatedPanels, a, layer, gated.Slice(i * wide * L, wide * L), first + i, LoraTarget.Down);
            Keep(_attendedPanels, a, layer, Block(y.Attended, first + i, q), first + i, LoraTarget.Output);
        }

        // gate = Wg · n, up = Wu · n, n = RmsNorm(middle)
        Product(w.Gate, a, layer, LoraTarget.Gate, From(_dFeedForwardNorm, first, hidden), From(_dGate, first, wide), first, count, worker);
        Product(w.Up, a, layer, LoraTarget.Up, From(_dFeedForwardNorm, first, hidden), From(_dUp, first, wide), first, count, worker, accumulate: true);
        for (int b = first; b < first + count; b++)
        {
            Span<float> dMiddle = Block(_dMiddle, b, hidden), normed = scratch.Slice(0, hidden * L);
            ReadOnlySpan<float> rstd = y.FeedForwardRstd.Slice(b * L, L);
            Block(_dOutput, b, hidden).CopyTo(dMiddle);
            RmsNorm.BackwardInput(dMiddle, Block(_dFeedForwardNorm, b, hidden), Block(y.Middle, b, hidden), rstd, w.FeedForwardNorm.Span, accumulate: true);
            RmsNorm.Again(normed, rstd, Block(y.Middle, b, hidden), w.FeedForwardNorm.Span);
            Keep(_feedForwardPanels, a, layer, normed, b, LoraTarget.Gate, LoraTarget.Up);
        }

        // middle = input + output projection · attended
        Product(w.Output, a, layer, LoraTarget.Output, From(_dAttended, first, q), From(_dMiddle, first, hidden), first, count, worker);
    }

    /// <summary>dx (+)= Wᵀ·dy, and what an adapter adds to it.</summary>
    static void Product(LinearMatrix w, LlamaActivations a, int layer, LoraTarget target, Span<float> dx, ReadOnlySpan<float> dy, int first, int count, int worker, bool accumulate = false)
    {
        w.BackwardInput(dx, dy, count, accumulate);
        a.Lora?.BackwardInput(layer, target, dx, dy, first, count, worker);
    }

    /// <summary>Keeps a matrix' input for its gradient.</summary>
    void Keep(FloatBuffer? panels, LlamaActivations a, int layer, ReadOnlySpan<float> x, int block, params ReadOnlySpan<LoraTarget> targets)
    {
        if (panels is not null)
        {
            MatMul.Panels(panels.Span, x, x.Length / L, _blocks, block);
        }

        foreach (LoraTarget target in targets)
        {
            a.Lora?.KeepInput(layer, target, block, x);
        }
    }

    /// <summary>From the gradients of query, key and value down to the layer's input.</summary>
    /// <param name="toInput">Whether anything below asks for the input's gradient.</param>
    void BelowAttention(LlamaParts weights, LlamaActivations a, int layer, int first, int count, int worker, bool toInput)
    {
        LayerParts w = weights.Layers[layer];
        LayerActivations y = a.Layers[layer];
        int hidden = _c.Hidden, set = layer % 2, head = _c.HeadSize * L;
        for (int b = first; b < first + count; b++)
        {
            int position = b % a.BlocksPerSequence * L;
            Span<float> dq = Block(_dQuery[set], b, _c.QueryWidth), dk = Block(_dKey[set], b, _c.KeyWidth);
            Rope.Turn(dq, a.Cos.Span, a.Sin.Span, _c.Heads, _c.HeadSize, a.Length, position, back: true);
            Rope.Turn(dk, a.Cos.Span, a.Sin.Span, _c.KeyValueHeads, _c.HeadSize, a.Length, position, back: true);
            if (w.QueryNorm is not { } norm)
            {
                continue;
            }

            dq.CopyTo(Block(_dNormedQuery![set], b, _c.QueryWidth));
            dk.CopyTo(Block(_dNormedKey![set], b, _c.KeyWidth));
            for (int h = 0; h < _c.Heads; h++)
            {
                Span<float> d = dq.Slice(h * head, head);
                RmsNorm.BackwardInput(d, d, Block(y.RawQuery!, b, _c.QueryWidth).Slice(h * head, head), y.QueryRstd!.Slice(((b * _c.Heads) + h) * L, L), norm.Span, accumulate: false);
            }

            for (int h = 0; h < _c.KeyValueHeads; h++)
            {
                Span<float> d = dk.Slice(h * head, head);
                RmsNorm.BackwardInput(d, d, Block(y.RawKey!, b, _c.KeyWidth).Slice(h * head, head), y.KeyRstd!.Slice(((b * _c.KeyValueHeads) + h) * L, L), w.KeyNorm!.Span, accumulate: false);
            }
        }

        // query, key, value = Wq · n, Wk · n, Wv · n, n = RmsNorm(input)
        if (toInput)
        {
            Product(w.Query, a, layer, LoraTarget.Query, From(_dAttentionNorm, first, hidden), From(_dQuery[set], first, _c.QueryWidth), first, count, worker);
            Product(w.Key, a, layer, LoraTarget.Key, From(_dAttentionNorm, first, hidden), From(_dKey[set], first, _c.KeyWidth), first, count, worker, accumulate: true);
            Product(w.Value, a, layer, LoraTarget.Value, From(_dAttentionNorm, first, hidden), From(_dValue[set], first, _c.KeyWidth), first, count, worker, accumulate: true);
        }
        else
        {
            a.Lora?.BackwardInput(layer, LoraTarget.Query, [], From(_dQuery[set], first, _c.QueryWidth), first, count, worker);
            a.Lora?.BackwardInput(layer, LoraTarget.Key, [], From(_dKey[set], first, _c.KeyWidth), first, count, worker);
            a.Lora?.BackwardInput(layer, LoraTarget.Value, [], From(_dValue[set], first, _c.KeyWidth), first, count, worker);
        }

        for (int b = first; b < first + count; b++)
        {
            Span<float> dInput = Block(_dOutput, b, hidden), x = Block(a.Inputs[layer], b, hidden);
            ReadOnlySpan<float> rstd = y.AttentionRstd.Slice(b * L, L);

            // The layer above has used its output's gradient: the buffer now takes this layer's input gradient, panels first.
            RmsNorm.Again(dInput, rstd, x, w.AttentionNorm.Span);
            Keep(_attentionPanels, a, layer, dInput, b, LoraTarget.Query, LoraTarget.Key, LoraTarget.Value);
            if (!toInput)
            {
                continue;
            }

            Block(_dMiddle, b, hidden).CopyTo(dInput);
            RmsNorm.BackwardInput(dInput, Block(_dAttentionNorm, b, hidden), x, rstd, w.AttentionNorm.Span, accumulate: true);
        }
    }

    void AddAttention(List<Action<int>> items, LlamaActivations a, int layer)
    {
        LayerActivations y = a.Layers[layer];
        int p = a.BlocksPerSequence, set = layer % 2;
        for (int item = 0; item < a.Sequences * _c.KeyValueHeads; item++)
        {
            int sequence = item / _c.KeyValueHeads, block = sequence * p, head = item % _c.KeyValueHeads;
            items.Add(worker => Attention.Backward(
                From(_dQuery[set], block, _c.QueryWidth), From(_dKey[set], block, _c.KeyWidth), From(_dValue[set], block, _c.KeyWidth),
                From(_dAttended, block, _c.QueryWidth), From(y.Attended, block, _c.QueryWidth), y.LogSums.From(block * _c.Heads * L),
                From(y.Query, block, _c.QueryWidth), From(y.Key, block, _c.KeyWidth), From(y.Value, block, _c.KeyWidth),
                p, _c.Heads, _c.KeyValueHeads, _c.HeadSize, head, _scratch[worker].Span, a.StartsOf(sequence)));
        }
    }

    static Span<float> Block(FloatBuffer x, int block, int channels) => LlamaForward.Block(x, block, channels);

    static Span<float> From(FloatBuffer x, int block, int channels) => LlamaForward.From(x, block, channels);
}
