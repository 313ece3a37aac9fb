using Retort.Kernels;

namespace Retort.Model.Llama;

/// <summary>
/// Decoding with a key-value cache: a step takes one token of each of <c>lanes</c> sequences and gives the logits of the next. With one
/// lane activations are plain vectors and the weights are read at the speed of memory. With 32 they are [channels, 32], a lane for every
/// sequence, so the products are those of one token block; sequences may have different lengths and start at any step, and what a lane
/// computes does not depend on the others.
/// </summary>
public sealed class LlamaDecoder
{
    const int L = MatMul.L;

    /// <summary>Token blocks of a prompt that pass through the layers together.</summary>
    const int PromptBlocks = 16;

    /// <summary>Weights, or keys and values, from which one phase of a step is dealt out to threads: a megabyte, whose reading takes many times
    /// what the threads' meeting does. Finer phases lose more than they gain as soon as anything else runs on the machine.</summary>
    const long Dealt = 1 << 18;

    readonly LlamaWeights _weights;
    readonly LlamaConfig _c;
    readonly Workers _workers;
    readonly KeyValueCache _cache;
    readonly bool _deal;
    readonly int _lanes;
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
    readonly FloatBuffer? _panels;
    readonly FloatBuffer[] _scratch;
    readonly float[] _row;
    readonly int[] _tokens;
    int _slot;
    int _span;

    /// <param name="weights">The model.</param>
    /// <param name="lanes">1 or 32 sequences.</param>
    /// <param name="capacity">Longest sequence in tokens, at most the model's context.</param>
    /// <param name="workers">Who shares the work of a step, when the model is large enough for that.</param>
    public LlamaDecoder(LlamaWeights weights, int lanes, int capacity, Workers workers)
    {
        (_weights, _c, _workers, _lanes) = (weights, weights.Config, workers, lanes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(capacity, _c.Context);
        _cache = new(_c, lanes, capacity);
        Capacity = capacity;
        _deal = workers.Threads > 1;
        _lengths = new int[lanes];
        _attends = new float[lanes];
        (_frequencies, _rotaryFactor) = RotaryFrequencies.Of(_c);
        FloatBuffer Channels(int channels) => new(checked(channels * lanes));
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
        _panels = lanes == 1 ? null : new(MatMul.PanelLength(_c.Vocabulary, 1));
        int scratch = lanes == 1 ? CachedAttention.VectorScratch(_cache.Capacity) : CachedAttention.LanesScratch(_cache.Capacity);
        _scratch = [.. Enumerable.Range(0, _deal ? workers.Threads : 1).Select(_ => new FloatBuffer(scratch))];
        _row = lanes == 1 ? [] : new float[_c.Vocabulary];
        _tokens = new int[lanes];
    }

    /// <summary>Longest sequence in tokens.</summary>
    public int Capacity { get; }

    /// <summary>Tokens of a lane's sequence that are in the cache.</summary>
    public int Length(int lane) => _lengths[lane];

    /// <summary>Empties a lane for a new sequence.</summary>
    public void Start(int lane) => _lengths[lane] = 0;

    /// <summary>Reads a prompt into an empty decoder of one lane, many tokens at a time, in memory that does not grow with the prompt but for
    /// the cache. The logits of the token after it are then ready.</summary>
    public void Prefill(ReadOnlySpan<int> tokens)
    {
        if (_lanes != 1 || _lengths[0] != 0 || tokens.IsEmpty || tokens.Length > Capacity)
        {
            throw new InvalidOperationException($"Prefill of {tokens.Length} tokens at position {_lengths[0]} of {Capacity} in {_lanes} lanes.");
        }

        int blocks = (tokens.Length + L - 1) / L, last = (tokens.Length - 1) % L;
        int[] padded = new int[blocks * L];
        tokens.CopyTo(padded);
        for (int first = 0; first < blocks; first += PromptBlocks)
        {
            int count = Math.Min(PromptBlocks, blocks - first);
            LlamaActivations a = new(_c, 1, count, _workers, keep: false, before: first);
            LlamaForward.Extend(_cache, _weights.Parts, a, padded.AsMemory(first * L, count * L), _workers);
            if (first + count == blocks)
            {
                Span<float> final = LlamaForward.Block(a.Final, count - 1, _c.Hidden), normed = _normed.Span;
                for (int c = 0; c < normed.Length; c++)
                {
                    normed[c] = final[(c * L) + last];
                }
            }
        }

        _lengths[0] = tokens.Length;
        Product(_normed, false, (_logits, _weights.Head));
    }

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
            if (_panels is not null)
            {
                MatMul.Panels(_panels.Span, _logits.Span, _c.Vocabulary, 1, 0);
            }
        }

        for (int lane = 0; lane < _lanes; lane++)
        {
            _lengths[lane] = tokens[lane] < 0 ? 0 : _lengths[lane] + 1;
        }

        _slot = _slot + 1 == _cache.Capacity ? 0 : _slot + 1;
    }

    /// <summary>A lane's logits after a step or a prompt: valid until the next call, the caller's to change.</summary>
    public Span<float> Logits(int lane)
    {
        if (_panels is null)
        {
            return _logits.Span;
        }

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
        if (tokens.Length != _lanes)
        {
            throw new ArgumentException($"LlamaDecoder.Step: {tokens.Length} tokens for {_lanes} lanes.", nameof(tokens));
        }

        _span = 1;
        for (int lane = 0; lane < _lanes; lane++)
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
                _cos.Span[(p * _lanes) + lane] = (float)cos * _rotaryFactor;
                _sin.Span[(p * _lanes) + lane] = (float)sin * _rotaryFactor;
            }
        }

        if (_lanes == 1)
        {
            _weights.Embedding.Span.Slice(_tokens[0] * _c.Hidden, _c.Hidden).CopyTo(_stream.Span);
        }
        else
        {
            Embedding.Forward(_stream.Span, _weights.Embedding.Span, _tokens, _c.Hidden);
        }
    }

    void Norm(Span<float> y, ReadOnlySpan<float> x, ReadOnlySpan<float> g)
    {
        if (_lanes == 1)
        {
            RmsNorm.ForwardVector(y, x, g, _c.NormEpsilon);
        }
        else
        {
            Span<float> rstd = stackalloc float[L];
            RmsNorm.Forward(y, rstd, x, g, _c.NormEpsilon);
        }
    }

    /// <summary>Bias, head norm and rotation.</summary>
    void Adjust(LayerWeights w)
    {
        Span<float> q = _query.Span, k = _key.Span;
        if (w.QueryBias is { } bias)
        {
            AddBias(q, bias.Span);
            AddBias(k, w.KeyBias!.Span);
            AddBias(_value.Span, w.ValueBias!.Span);
        }

        int head = _c.HeadSize * _lanes;
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

        if (_lanes == 1)
        {
            Rope.TurnVector(q, _cos.Span, _sin.Span, _c.Heads, _c.HeadSize);
            Rope.TurnVector(k, _cos.Span, _sin.Span, _c.KeyValueHeads, _c.HeadSize);
        }
        else
        {
            Rope.Turn(q, _cos.Span, _sin.Span, _c.Heads, _c.HeadSize, L, 0);
            Rope.Turn(k, _cos.Span, _sin.Span, _c.KeyValueHeads, _c.HeadSize, L, 0);
        }
    }

    void AddBias(Span<float> y, ReadOnlySpan<float> b)
    {
        if (_lanes != 1)
        {
            Bias.Forward(y, b);
            return;
        }

        for (int c = 0; c < b.Length; c++)
        {
            y[c] += b[c];
        }
    }

    void Store(FloatBuffer cache, ReadOnlySpan<float> x)
    {
        if (_lanes == 1)
        {
            int position = _lengths[0];
            Span<float> block = LlamaForward.Block(cache, position / L, _c.KeyWidth);
            for (int c = 0; c < x.Length; c++)
            {
                block[(c * L) + (position % L)] = x[c];
            }

            return;
        }

        int head = _c.HeadSize * L;
        for (int g = 0; g < _c.KeyValueHeads; g++)
        {
            x.Slice(g * head, head).CopyTo(cache.Slice(((g * _cache.Capacity) + _slot) * head, head));
        }
    }

    void Attend(FloatBuffer keys, FloatBuffer values)
    {
        int items = _lanes == 1 ? _c.Heads : _c.KeyValueHeads;
        if (_deal && 2L * _span * _c.KeyWidth * _lanes >= Dealt)
        {
            _workers.Run(items, (item, worker) => Attend(keys, values, item, _scratch[worker]));
            return;
        }

        for (int item = 0; item < items; item++)
        {
            Attend(keys, values, item, _scratch[0]);
        }
    }

    void Attend(FloatBuffer keys, FloatBuffer values, int item, FloatBuffer scratch)
    {
        if (_lanes == 1)
        {
            CachedAttention.ForwardVector(_attended.Span, _query.Span, keys.Span, values.Span, _span, _c.Heads, _c.KeyValueHeads, _c.HeadSize, item, scratch.Span);
            return;
        }

        int group = _c.Heads / _c.KeyValueHeads, queries = group * _c.HeadSize * L, ring = _cache.Capacity * _c.HeadSize * L;
        CachedAttention.ForwardLanes(
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
        if (_lanes == 1)
        {
            MatMul.ForwardVector(y.Span, w.Span, x.Slice(0, k), from, to, accumulate);
        }
        else
        {
            MatMul.Forward(y.From(from * L), w.Span[(from * k)..], x.Span, to - from, k, 1, accumulate);
        }
    }
}
