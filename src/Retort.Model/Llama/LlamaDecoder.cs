using Retort.Kernels;

namespace Retort.Model.Llama;

/// <summary>
/// Decoding during training, from weights in floats and with a key-value cache: a step takes one token of each of 32 sequences and gives the
/// logits of the next. Activations are [channels, 32], a lane for every sequence, so the products are those of one token block; sequences
/// may have different lengths and start at any step, and what a lane computes does not depend on the others.
/// </summary>
public sealed class LlamaDecoder
{
    const int L = MatMul.L;

    /// <summary>Weights, or keys and values, from which one phase of a step is dealt out to threads: a megabyte, whose reading takes many times
    /// what the threads' meeting does. Finer phases lose more than they gain as soon as anything else runs on the machine.</summary>
    const long Dealt = 1 << 18;

    readonly LlamaWeights _weights;
    readonly LlamaConfig _c;
    readonly Workers _workers;
    readonly KeyValueCache _cache;
    readonly bool _deal;
    readonly int[] _lengths;
    readonly float[] _attends;
    readonly double[] _frequencies;
    readonly float _rotaryFactor;
    readonly FloatBuffer _cos;
    readonly FloatBuffer _sin;
    readonly FloatBuffer _stream;
    readonly FloatBuffer _normed;
    readonly FloatBuffer _query;
    readonly FloatBuffer _key;
    readonly FloatBuffer _value;
    readonly FloatBuffer _attended;
    readonly FloatBuffer _gate;
    readonly FloatBuffer _up;
    readonly FloatBuffer _logits;
    readonly FloatBuffer _panels;
    readonly FloatBuffer[] _scratch;
    readonly float[] _row;
    readonly int[] _tokens;
    int _slot;
    int _span;

    /// <param name="weights">The model.</param>
    /// <param name="capacity">Longest sequence in tokens, at most the model's context.</param>
    /// <param name="workers">Who shares the work of a step, when the model is large enough for that.</param>
    public LlamaDecoder(LlamaWeights weights, int capacity, Workers workers)
    {
        (_weights, _c, _workers) = (weights, weights.Config, workers);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(capacity, _c.Context);
        _cache = new(_c, capacity);
        Capacity = capacity;
        _deal = workers.Threads > 1;
        _lengths = new int[L];
        _attends = new float[L];
        (_frequencies, _rotaryFactor) = RotaryFrequencies.Of(_c);
        FloatBuffer Channels(int channels) => new(checked(channels * L));
        _cos = Channels(_frequencies.Length);
        _sin = Channels(_frequencies.Length);
        _stream = Channels(_c.Hidden);
        _normed = Channels(_c.Hidden);
        _query = Channels(_c.QueryWidth);
        _key = Channels(_c.KeyWidth);
        _value = Channels(_c.KeyWidth);
        _attended = Channels(_c.QueryWidth);
        _gate = Channels(_c.FeedForward);
        _up = Channels(_c.FeedForward);
        _logits = Channels(_c.Vocabulary);
        _panels = new(MatMul.PanelLength(_c.Vocabulary, 1));
        _scratch = [.. Enumerable.Range(0, _deal ? workers.Threads : 1).Select(_ => new FloatBuffer(CachedAttention.Scratch(_cache.Capacity)))];
        _row = new float[_c.Vocabulary];
        _tokens = new int[L];
    }

    /// <summary>Longest sequence in tokens.</summary>
    public int Capacity { get; }

    /// <summary>Tokens of a lane's sequence that are in the cache.</summary>
    public int Length(int lane) => _lengths[lane];

    /// <summary>Empties a lane for a new sequence.</summary>
    public void Start(int lane) => _lengths[lane] = 0;

    /// <summary>One token of each lane.</summary>
    /// <param name="tokens">A token for every lane; a negative one leaves the lane idle and ends its sequence.</param>
    /// <param name="logits">Whether any lane's logits are wanted.</param>
    public void Step(ReadOnlySpan<int> tokens, bool logits = true)
    {
        Place(tokens);
        for (int layer = 0; layer < _c.Layers; layer++)
        {
            LayerWeights w = _weights.Layers[layer];
            Norm(_normed.Span, _stream.Span, w.AttentionNorm.Span);
            Product(_normed, false, (_query, w.Query), (_key, w.Key), (_value, w.Value));
            Adjust(w);
            Store(_cache.Keys[layer], _key.Span);
            Store(_cache.Values[layer], _value.Span);
            Attend(_cache.Keys[layer], _cache.Values[layer]);
            Product(_attended, true, (_stream, w.Output));
            Norm(_normed.Span, _stream.Span, w.FeedForwardNorm.Span);
            Product(_normed, false, (_gate, w.Gate), (_up, w.Up));
            SwiGlu.Forward(_gate.Span, _gate.Span, _up.Span);
            Product(_gate, true, (_stream, w.Down));
        }

        if (logits)
        {
            Norm(_normed.Span, _stream.Span, _weights.FinalNorm.Span);
            Product(_normed, false, (_logits, _weights.Head));
            MatMul.Panels(_panels.Span, _logits.Span, _c.Vocabulary, 1, 0);
        }

        for (int lane = 0; lane < L; lane++)
        {
            _lengths[lane] = tokens[lane] < 0 ? 0 : _lengths[lane] + 1;
        }

        _slot = _slot + 1 == _cache.Capacity ? 0 : _slot + 1;
    }

    /// <summary>A lane's logits after a step: valid until the next call, the caller's to change.</summary>
    public Span<float> Logits(int lane)
    {
        for (int v = 0; v < _row.Length; v += L)
        {
            int count = Math.Min(L, _row.Length - v);
            _panels.Slice((v * L) + (lane * L), count).CopyTo(_row.AsSpan(v));
        }

        return _row;
    }

    /// <summary>Embeddings, positions and what each lane attends to. An idle lane computes on token 0 and attends to itself alone.</summary>
    void Place(ReadOnlySpan<int> tokens)
    {
        if (tokens.Length != L)
        {
            throw new ArgumentException($"LlamaDecoder.Step: {tokens.Length} tokens for {L} lanes.", nameof(tokens));
        }

        _span = 1;
        for (int lane = 0; lane < L; lane++)
        {
            bool idle = tokens[lane] < 0;
            if (!idle && _lengths[lane] >= Capacity)
            {
                throw new InvalidOperationException($"LlamaDecoder.Step: lane {lane} is full with {Capacity} tokens.");
            }

            int position = idle ? 0 : _lengths[lane];
            _tokens[lane] = Math.Max(tokens[lane], 0);
            _attends[lane] = position + 1;
            _span = Math.Max(_span, position + 1);
            for (int p = 0; p < _frequencies.Length; p++)
            {
                (double sin, double cos) = Math.SinCos(position * _frequencies[p]);
                _cos.Span[(p * L) + lane] = (float)cos * _rotaryFactor;
                _sin.Span[(p * L) + lane] = (float)sin * _rotaryFactor;
            }
        }

        Embedding.Forward(_stream.Span, _weights.Embedding.Span, _tokens, _c.Hidden);
    }

    void Norm(Span<float> y, ReadOnlySpan<float> x, ReadOnlySpan<float> g)
    {
        Span<float> rstd = stackalloc float[L];
        RmsNorm.Forward(y, rstd, x, g, _c.NormEpsilon);
    }

    /// <summary>Bias, head norm and rotation.</summary>
    void Adjust(LayerWeights w)
    {
        Span<float> q = _query.Span, k = _key.Span;
        if (w.QueryBias is { } bias)
        {
            Bias.Forward(q, bias.Span);
            Bias.Forward(k, w.KeyBias!.Span);
            Bias.Forward(_value.Span, w.ValueBias!.Span);
        }

        int head = _c.HeadSize * L;
        if (w.QueryNorm is { } norm)
        {
            for (int h = 0; h < _c.Heads; h++)
            {
                Norm(q.Slice(h * head, head), q.Slice(h * head, head), norm.Span);
            }

            for (int h = 0; h < _c.KeyValueHeads; h++)
            {
                Norm(k.Slice(h * head, head), k.Slice(h * head, head), w.KeyNorm!.Span);
            }
        }

        Rope.Turn(q, _cos.Span, _sin.Span, _c.Heads, _c.HeadSize, L, 0);
        Rope.Turn(k, _cos.Span, _sin.Span, _c.KeyValueHeads, _c.HeadSize, L, 0);
    }

    void Store(FloatBuffer cache, ReadOnlySpan<float> x)
    {
        int head = _c.HeadSize * L;
        for (int g = 0; g < _c.KeyValueHeads; g++)
        {
            x.Slice(g * head, head).CopyTo(cache.Slice(((g * _cache.Capacity) + _slot) * head, head));
        }
    }

    void Attend(FloatBuffer keys, FloatBuffer values)
    {
        if (_deal && 2L * _span * _c.KeyWidth * L >= Dealt)
        {
            _workers.Run(_c.KeyValueHeads, (item, worker) => Attend(keys, values, item, _scratch[worker]));
            return;
        }

        for (int item = 0; item < _c.KeyValueHeads; item++)
        {
            Attend(keys, values, item, _scratch[0]);
        }
    }

    void Attend(FloatBuffer keys, FloatBuffer values, int item, FloatBuffer scratch)
    {
        int group = _c.Heads / _c.KeyValueHeads, queries = group * _c.HeadSize * L, ring = _cache.Capacity * _c.HeadSize * L;
        CachedAttention.Forward(
            _attended.Slice(item * queries, queries), _query.Slice(item * queries, queries), keys.Slice(item * ring, ring), values.Slice(item * ring, ring),
            _attends, _cache.Capacity, _slot, _span, group, _c.HeadSize, scratch.Span);
    }

    /// <summary>y (+)= W·x for each of several matrices of the same input, all rows together dealt out when they are many.</summary>
    void Product(FloatBuffer x, bool accumulate, params ReadOnlySpan<(FloatBuffer Y, WeightSlice W)> parts)
    {
        long weights = 0;
        foreach ((_, WeightSlice w) in parts)
        {
            weights += w.Length;
        }

        if (!_deal || weights < Dealt)
        {
            foreach ((FloatBuffer y, WeightSlice w) in parts)
            {
                Rows(y, w, x, 0, w.Shape[0], accumulate);
            }

            return;
        }

        (FloatBuffer Y, WeightSlice W)[] all = parts.ToArray();
        int total = all.Sum(p => p.W.Shape[0]), step = Math.Max(8, (total + (4 * _workers.Threads) - 1) / (4 * _workers.Threads));
        _workers.Run((total + step - 1) / step, (item, _) =>
        {
            int start = 0;
            foreach ((FloatBuffer y, WeightSlice w) in all)
            {
                int from = Math.Max((item * step) - start, 0), to = Math.Min(((item + 1) * step) - start, w.Shape[0]);
                if (from < to)
                {
                    Rows(y, w, x, from, to, accumulate);
                }

                start += w.Shape[0];
            }
        });
    }

    void Rows(FloatBuffer y, WeightSlice w, FloatBuffer x, int from, int to, bool accumulate)
    {
        int k = w.Shape[1];
        MatMul.Forward(y.From(from * L), w.Span[(from * k)..], x.Span, to - from, k, 1, accumulate);
    }
}
