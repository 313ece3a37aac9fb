using Retort.Kernels;

namespace Retort.Model.Llama;

/// <summary>
/// The backward pass, written out by hand. Walking down the layers, each is two phases: row-wise work dealt out by token blocks (the end
/// of the layer above, then the feed-forward of this one), and one mixed list of attention gradients and matrix gradients.
/// </summary>
public sealed class LlamaBackward
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
    readonly FloatBuffer _attendedPanels;
    readonly FloatBuffer _gatedPanels;
    readonly FloatBuffer _attentionPanels;
    readonly FloatBuffer _feedForwardPanels;

    // Two sets: attention of one layer runs beside the matrix gradients of the layer above.
    readonly FloatBuffer[] _dQuery;
    readonly FloatBuffer[] _dKey;
    readonly FloatBuffer[] _dValue;
    readonly FloatBuffer[]? _dNormedQuery;
    readonly FloatBuffer[]? _dNormedKey;
    readonly FloatBuffer[] _scratch;

    public LlamaBackward(LlamaConfig config, LlamaActivations a, Workers workers)
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
        _attendedPanels = Panels(config.QueryWidth);
        _gatedPanels = Panels(config.FeedForward);
        _attentionPanels = Panels(config.Hidden);
        _feedForwardPanels = Panels(config.Hidden);
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

    /// <summary>Gradient of <see cref="LlamaActivations.Final"/>, which <see cref="LlamaHead"/> writes and <see cref="Run"/> reads.</summary>
    public FloatBuffer DFinal { get; }

    /// <summary>Adds the gradient of every weight below the head.</summary>
    public void Run(LlamaWeights weights, LlamaWeights gradients, LlamaActivations a, ReadOnlyMemory<int> tokens, Workers workers)
    {
        int layers = _c.Layers;
        for (int layer = layers - 1; layer >= -1; layer--)
        {
            int here = layer;
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
                    BelowAttention(weights, a, here + 1, first, count);
                }

                if (here >= 0)
                {
                    AboveAttention(weights, a, here, first, count, _scratch[worker]);
                }
            });
            List<Action<int>> items = [];
            if (here >= 0)
            {
                AddAttention(items, a, here);
                AddUpper(items, gradients.Layers[here], a.Layers[here]);
            }

            if (here < layers - 1)
            {
                AddLower(items, gradients.Layers[here + 1], a.Layers[here + 1], a.Inputs[here + 1], (here + 1) % 2);
            }

            if (here == -1)
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
    void AboveAttention(LlamaWeights weights, LlamaActivations a, int layer, int first, int count, FloatBuffer scratch)
    {
        LayerWeights w = weights.Layers[layer];
        LayerActivations y = a.Layers[layer];
        int hidden = _c.Hidden, wide = _c.FeedForward, q = _c.QueryWidth;

        // output = middle + down · gated
        Span<float> gated = scratch.Slice(0, count * wide * L);
        MatMul.BackwardInput(gated, w.Down.Span, From(_dOutput, first, hidden), hidden, wide, count);

        // gated = gate · σ(gate) · up
        SwiGlu.Backward(gated, From(_dGate, first, wide)[..gated.Length], From(_dUp, first, wide)[..gated.Length], gated, From(y.Gate, first, wide)[..gated.Length], From(y.Up, first, wide)[..gated.Length]);
        for (int i = 0; i < count; i++)
        {
            MatMul.Panels(_gatedPanels.Span, gated.Slice(i * wide * L, wide * L), wide, _blocks, first + i);
            MatMul.Panels(_attendedPanels.Span, Block(y.Attended, first + i, q), q, _blocks, first + i);
        }

        // gate = Wg · n, up = Wu · n, n = RmsNorm(middle)
        MatMul.BackwardInput(From(_dFeedForwardNorm, first, hidden), w.Gate.Span, From(_dGate, first, wide), wide, hidden, count);
        MatMul.BackwardInput(From(_dFeedForwardNorm, first, hidden), w.Up.Span, From(_dUp, first, wide), wide, hidden, count, accumulate: true);
        for (int b = first; b < first + count; b++)
        {
            Span<float> dMiddle = Block(_dMiddle, b, hidden), normed = scratch.Slice(0, hidden * L);
            ReadOnlySpan<float> rstd = y.FeedForwardRstd.Slice(b * L, L);
            Block(_dOutput, b, hidden).CopyTo(dMiddle);
            RmsNorm.BackwardInput(dMiddle, Block(_dFeedForwardNorm, b, hidden), Block(y.Middle, b, hidden), rstd, w.FeedForwardNorm.Span, accumulate: true);
            RmsNorm.Again(normed, rstd, Block(y.Middle, b, hidden), w.FeedForwardNorm.Span);
            MatMul.Panels(_feedForwardPanels.Span, normed, hidden, _blocks, b);
        }

        // middle = input + output projection · attended
        MatMul.BackwardInput(From(_dAttended, first, q), w.Output.Span, From(_dMiddle, first, hidden), hidden, q, count);
    }

    /// <summary>From the gradients of query, key and value down to the layer's input.</summary>
    void BelowAttention(LlamaWeights weights, LlamaActivations a, int layer, int first, int count)
    {
        LayerWeights w = weights.Layers[layer];
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
        MatMul.BackwardInput(From(_dAttentionNorm, first, hidden), w.Query.Span, From(_dQuery[set], first, _c.QueryWidth), _c.QueryWidth, hidden, count);
        MatMul.BackwardInput(From(_dAttentionNorm, first, hidden), w.Key.Span, From(_dKey[set], first, _c.KeyWidth), _c.KeyWidth, hidden, count, accumulate: true);
        MatMul.BackwardInput(From(_dAttentionNorm, first, hidden), w.Value.Span, From(_dValue[set], first, _c.KeyWidth), _c.KeyWidth, hidden, count, accumulate: true);
        for (int b = first; b < first + count; b++)
        {
            Span<float> dInput = Block(_dOutput, b, hidden), x = Block(a.Inputs[layer], b, hidden);
            ReadOnlySpan<float> rstd = y.AttentionRstd.Slice(b * L, L);

            // The layer above has used its output's gradient: the buffer now takes this layer's input gradient, panels first.
            RmsNorm.Again(dInput, rstd, x, w.AttentionNorm.Span);
            MatMul.Panels(_attentionPanels.Span, dInput, hidden, _blocks, b);
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

    /// <summary>Matrix gradients of feed-forward and output projection.</summary>
    void AddUpper(List<Action<int>> items, LayerWeights g, LayerActivations y)
    {
        WeightGradients.Add(items, g.Down, _dOutput, _gatedPanels, _sums);
        WeightGradients.Add(items, g.Gate, _dGate, _feedForwardPanels, _sums);
        WeightGradients.Add(items, g.Up, _dUp, _feedForwardPanels, _sums);
        WeightGradients.Add(items, g.Output, _dMiddle, _attendedPanels, _sums);
        WeightGradients.AddNorm(items, g.FeedForwardNorm, _dFeedForwardNorm, y.Middle, y.FeedForwardRstd, _sums);
    }

    /// <summary>Matrix gradients of query, key and value.</summary>
    void AddLower(List<Action<int>> items, LayerWeights g, LayerActivations y, FloatBuffer input, int set)
    {
        WeightGradients.Add(items, g.Query, _dQuery[set], _attentionPanels, _sums);
        WeightGradients.Add(items, g.Key, _dKey[set], _attentionPanels, _sums);
        WeightGradients.Add(items, g.Value, _dValue[set], _attentionPanels, _sums);
        WeightGradients.AddNorm(items, g.AttentionNorm, _dAttentionNorm, input, y.AttentionRstd, _sums);
        if (g.QueryBias is { } bias)
        {
            WeightGradients.AddBias(items, bias, _dQuery[set], _sums);
            WeightGradients.AddBias(items, g.KeyBias!, _dKey[set], _sums);
            WeightGradients.AddBias(items, g.ValueBias!, _dValue[set], _sums);
        }

        if (g.QueryNorm is { } norm)
        {
            WeightGradients.AddHeadNorm(items, norm, _dNormedQuery![set], y.RawQuery!, y.QueryRstd!, _c.Heads, _sums);
            WeightGradients.AddHeadNorm(items, g.KeyNorm!, _dNormedKey![set], y.RawKey!, y.KeyRstd!, _c.KeyValueHeads, _sums);
        }
    }

    static Span<float> Block(FloatBuffer x, int block, int channels) => LlamaForward.Block(x, block, channels);

    static Span<float> From(FloatBuffer x, int block, int channels) => LlamaForward.From(x, block, channels);
}
