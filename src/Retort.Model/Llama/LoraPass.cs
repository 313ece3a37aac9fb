using Retort.Kernels;

namespace Retort.Model.Llama;

// Shapes: T = B token blocks of L = 32 tokens; x [B, K, L] the input of a matrix, y [B, N, L] its output, t and u [B, r, L].

/// <summary>
/// What an adapter adds to the passes. Forward: t = s·A·x, y += B·t. Backward: u = s·Bᵀ·dy, dx += Aᵀ·u, dB += dy·tᵀ, dA += u·xᵀ. Both gradients
/// are taken with the wide side as rows, so that only t and u, r channels each, are turned into panels.
/// </summary>
public sealed class LoraPass
{
    const int L = MatMul.L;

    readonly LlamaActivations _a;
    readonly int _rank;
    readonly float _scale;
    readonly double _dropout;
    readonly int[] _sums;

    // By layer, then target: t is kept for the backward pass.
    readonly FloatBuffer?[][] _t;
    readonly FloatBuffer?[] _tPanels;
    readonly FloatBuffer?[] _uPanels;

    // By target: x as A sees it. Without dropout query, key and value share theirs, and so do gate and up; attended heads lie in the activations.
    readonly FloatBuffer?[] _inputs;
    readonly FloatBuffer[] _scratch;

    /// <param name="adapter">The factors.</param>
    /// <param name="a">The activations of the model it belongs to.</param>
    /// <param name="workers">One scratch area each.</param>
    /// <param name="gradients">Where the factors' gradients accumulate; null for passes without training, in which nothing drops out.</param>
    public LoraPass(LoraAdapter adapter, LlamaActivations a, Workers workers, LoraAdapter? gradients = null)
    {
        (Adapter, Gradients, _a) = (adapter, gradients, a);
        (_rank, _scale) = (adapter.Options.Rank, adapter.Options.Scale);
        _dropout = gradients is null ? 0 : adapter.Options.Dropout;
        _sums = WeightGradients.Sums(Enumerable.Range(0, a.Blocks), a.BlocksPerSequence);
        LlamaConfig c = adapter.Config;
        int targets = LoraOptions.AllTargets.Count, tokens = a.Blocks * L;
        FloatBuffer?[] Each(Func<LoraTarget, FloatBuffer> make) =>
            [.. LoraOptions.AllTargets.Select(t => gradients is not null && adapter.Options.Targets.Contains(t) ? make(t) : null)];
        _t = [.. Enumerable.Range(0, c.Layers).Select(_ => Each(_ => new(checked(tokens * _rank))))];
        _tPanels = Each(_ => new(MatMul.PanelLength(_rank, a.Blocks)));
        _uPanels = Each(_ => new(MatMul.PanelLength(_rank, a.Blocks)));
        FloatBuffer? attention = null, feedForward = null;
        _inputs = Each(t => (t, _dropout > 0) switch
        {
            (LoraTarget.Query or LoraTarget.Key or LoraTarget.Value, false) => attention ??= new(checked(tokens * c.Hidden)),
            (LoraTarget.Gate or LoraTarget.Up, false) => feedForward ??= new(checked(tokens * c.Hidden)),
            (LoraTarget.Output, false) => new(0),
            _ => new(checked(tokens * LoraOptions.ShapeOf(c, t).Inputs)),
        });
        int widest = _dropout > 0 ? Math.Max(Math.Max(c.Hidden, c.QueryWidth), c.FeedForward) : 0;
        _scratch = [.. Enumerable.Range(0, workers.Threads).Select(_ => new FloatBuffer((a.Group * _rank * L) + (widest * L)))];
    }

    public LoraAdapter Adapter { get; }

    public LoraAdapter? Gradients { get; }

    /// <summary>What the next pass's dropout follows from: the run's seed, the optimizer's step, and the place of the batch's first row within the
    /// step, so that a step drops the same places however its rows are split into batches.</summary>
    public (ulong Seed, int Step, int FirstRow) Draw { get; set; }

    /// <summary>y += s·B·A·x for blocks <paramref name="first"/> and on.</summary>
    /// <param name="y">Output from that block on.</param>
    /// <param name="x">Input of those blocks.</param>
    /// <param name="again">The pass repeats one whose t is still there.</param>
    internal void Forward(int layer, LoraTarget target, Span<float> y, ReadOnlySpan<float> x, int first, int count, int worker, bool again)
    {
        if (Adapter.Of(layer, target) is not { } factors)
        {
            return;
        }

        int k = factors.Inputs;
        Span<float> t = _t[layer][(int)target] is { } kept ? kept.Slice(first * _rank * L, count * _rank * L) : _scratch[worker].Slice(0, count * _rank * L);
        if (!again)
        {
            if (_dropout > 0)
            {
                Span<float> left = _scratch[worker].Slice(_a.Group * _rank * L, k * L);
                for (int i = 0; i < count; i++)
                {
                    Dropout.Forward(left, x.Slice(i * k * L, k * L), Key(layer, target, first + i), _dropout);
                    MatMul.BackwardInput(t.Slice(i * _rank * L, _rank * L), factors.A.Span, left, k, _rank, 1);
                }
            }
            else
            {
                MatMul.BackwardInput(t, factors.A.Span, x, k, _rank, count);
            }

            Scale(t);
        }

        MatMul.Forward(y, factors.B.Span, t, factors.Outputs, _rank, count, accumulate: true);
    }

    /// <summary>Keeps a block of x for dA.</summary>
    internal void KeepInput(int layer, LoraTarget target, int block, ReadOnlySpan<float> x)
    {
        if (_inputs[(int)target] is not { Length: > 0 } inputs)
        {
            return;
        }

        Span<float> to = inputs.Slice(block * x.Length, x.Length);
        if (_dropout > 0)
        {
            Dropout.Forward(to, x, Key(layer, target, block), _dropout);
        }
        else if (Array.IndexOf(_inputs, inputs) == (int)target)
        {
            x.CopyTo(to);
        }
    }

    /// <summary>dx += s·Aᵀ·Bᵀ·dy for blocks <paramref name="first"/> and on, and what the factors' gradients need of them.</summary>
    /// <param name="dx">From that block on; empty where nobody asks for it.</param>
    /// <param name="dy">From that block on.</param>
    internal void BackwardInput(int layer, LoraTarget target, Span<float> dx, ReadOnlySpan<float> dy, int first, int count, int worker)
    {
        if (Adapter.Of(layer, target) is not { } factors)
        {
            return;
        }

        int k = factors.Inputs, thin = _rank * L;
        Span<float> u = _scratch[worker].Slice(0, count * thin), t = _t[layer][(int)target]!.Slice(first * thin, count * thin);
        MatMul.BackwardInput(u, factors.B.Span, dy, factors.Outputs, _rank, count);
        Scale(u);
        for (int i = 0; i < count; i++)
        {
            MatMul.Panels(_uPanels[(int)target]!.Span, u.Slice(i * thin, thin), _rank, _a.Blocks, first + i);
            MatMul.Panels(_tPanels[(int)target]!.Span, t.Slice(i * thin, thin), _rank, _a.Blocks, first + i);
        }

        if (dx.IsEmpty)
        {
            return;
        }

        if (_dropout == 0)
        {
            MatMul.Forward(dx, factors.A.Span, u, k, _rank, count, accumulate: true);
            return;
        }

        Span<float> before = _scratch[worker].Slice(_a.Group * thin, k * L);
        for (int i = 0; i < count; i++)
        {
            MatMul.Forward(before, factors.A.Span, u.Slice(i * thin, thin), k, _rank, 1);
            Dropout.Backward(dx.Slice(i * k * L, k * L), before, Key(layer, target, first + i), _dropout);
        }
    }

    /// <summary>Adds the items of dA and dB.</summary>
    /// <param name="dy">Gradient of the matrix' output, all blocks.</param>
    /// <param name="attended">The input of the output projection, which is kept elsewhere.</param>
    internal void AddGradients(List<Action<int>> items, int layer, LoraTarget target, FloatBuffer dy, FloatBuffer attended)
    {
        if (Gradients!.Of(layer, target) is not { } gradient)
        {
            return;
        }

        FloatBuffer x = _inputs[(int)target] is { Length: > 0 } kept ? kept : attended;
        WeightGradients.Add(items, gradient.B, dy, _tPanels[(int)target]!, _sums);
        WeightGradients.Add(items, gradient.A, x, _uPanels[(int)target]!, _sums);
    }

    void Scale(Span<float> x)
    {
        foreach (ref float value in x)
        {
            value *= _scale;
        }
    }

    /// <summary>The key of a block's dropout.</summary>
    ulong Key(int layer, LoraTarget target, int block)
    {
        int row = Draw.FirstRow + (block / _a.BlocksPerSequence), within = block % _a.BlocksPerSequence;
        ulong matrix = ((ulong)(uint)layer << 8) | (uint)target, place = ((ulong)(uint)row << 32) | (uint)within;
        return new RandomStream(new RandomStream(Draw.Seed, 0xD80F).Next() ^ (ulong)(uint)Draw.Step, matrix ^ (place * 0x9E3779B97F4A7C15UL)).Next();
    }
}
