using Retort.Kernels;
using Retort.Model.Llama;

namespace Retort.Model.Inference;

/// <summary>
/// The forward pass of answering: rows of activations, a row for every token, through all layers; keys and values go to the pages of their
/// sequences. What a token gets does not depend on the batch it comes in, so an answer is the same bits however busy the server is.
/// </summary>
sealed class InferencePass
{
    const int L = MatMul.L;

    /// <summary>Rows of queries one item of attention takes.</summary>
    const int AttentionRows = 16;

    readonly InferenceWeights _weights;
    readonly LlamaConfig _c;
    readonly Workers _workers;
    readonly PagedCache _cache;
    readonly double[] _frequencies;
    readonly float _factor;
    readonly FloatBuffer _stream;
    readonly FloatBuffer _query;
    readonly FloatBuffer _key;
    readonly FloatBuffer _value;
    readonly FloatBuffer _gate;
    readonly FloatBuffer _up;
    readonly FloatBuffer _cos;
    readonly FloatBuffer _sin;
    readonly FloatBuffer[] _scratch;
    readonly FloatBuffer _logits;
    readonly ProductInput _input;
    readonly List<(int Segment, int From, int Count)> _attention = [];
    readonly Product _product = new();
    readonly Action<int, int> _runNorm;
    readonly Action<int, int> _runProduct;
    readonly Action<int, int> _runPlace;
    readonly Action<int, int> _runAttention;
    readonly Action<int, int> _runPrepare;
    readonly Action<int, int> _runGate;
    InferenceBatch _batch = new();
    InferenceLayer _layer;
    int _index;
    float[] _norm = [];
    int _channels;

    /// <param name="rows">Most rows of a pass, a multiple of 32.</param>
    /// <param name="logitRows">Most rows whose logits a pass is asked for.</param>
    public InferencePass(InferenceWeights weights, PagedCache cache, Workers workers, int rows, int logitRows)
    {
        (_weights, _c, _cache, _workers, Rows) = (weights, weights.Config, cache, workers, rows);
        _layer = weights.Layers[0];
        (_frequencies, _factor) = RotaryFrequencies.Of(_c);
        (_stream, _query, _key, _value) = (Channels(_c.Hidden), Channels(_c.QueryWidth), Channels(_c.KeyWidth), Channels(_c.KeyWidth));
        (_gate, _up, _cos, _sin) = (Channels(_c.FeedForward), Channels(_c.FeedForward), Channels(_frequencies.Length), Channels(_frequencies.Length));
        int widest = Math.Max(_c.Hidden, Math.Max(_c.QueryWidth, _c.FeedForward));
        _input = new(Math.Max(rows, logitRows), widest, weights.AnyQuantized, weights.AnyStored);
        int product = WeightMatrix.Scratch(Math.Max(rows, logitRows), widest);
        _scratch = [.. Enumerable.Range(0, workers.Threads).Select(_ => new FloatBuffer(Math.Max(product, PagedAttention.Scratch(Math.Min(cache.Pages, (_c.Context + PagedAttention.Page - 1) / PagedAttention.Page), AttentionRows * _c.Heads / _c.KeyValueHeads, _c.HeadSize))))];
        _logits = new(checked(logitRows * _c.Vocabulary));
        (_runNorm, _runProduct, _runPlace) = (NormRows, ProductRows, PlaceRows);
        (_runAttention, _runPrepare, _runGate) = (AttendRows, PrepareRows, GateRows);

        FloatBuffer Channels(int channels) => new(checked(rows * channels));
    }

    /// <summary>Most rows of a pass.</summary>
    public int Rows { get; }

    /// <summary>Logits of the i-th row they were asked for; may be written.</summary>
    public Span<float> Logits(int i) => _logits.Slice(i * _c.Vocabulary, _c.Vocabulary);

    /// <summary>
    /// 1 tokens' embeddings and angles · in every layer 2 norm · 3 query, key, value · 4 bias, head norm, rotation, into the pages · 5 attention ·
    /// 6 output added · 7 norm · 8 gate and up · 9 gated, down added · and 10 final norm and logits of the rows that want them.
    /// </summary>
    public void Run(InferenceBatch batch)
    {
        batch.Arrange();
        if (batch.Rows == 0 || batch.Rows > Rows || batch.LogitRows.Count * (long)_c.Vocabulary > _logits.Length)
        {
            throw new ArgumentException($"InferencePass.Run: {batch.Rows} rows, {batch.LogitRows.Count} with logits.", nameof(batch));
        }

        _batch = batch;
        Begin();
        _input.Begin(batch.Rows, batch.Blocks);
        for (_index = 0; _index < _c.Layers; _index++)
        {
            _layer = _weights.Layers[_index];
            Norm(_layer.AttentionNorm);
            Multiply(accumulate: false, (_query, _layer.Query), (_key, _layer.Key), (_value, _layer.Value));
            ByRows(_runPlace);
            _workers.Run(_attention.Count * _c.KeyValueHeads, _runAttention);
            _channels = _c.QueryWidth;
            ByRows(_runPrepare);
            Multiply(accumulate: true, (_stream, _layer.Output));
            Norm(_layer.FeedForwardNorm);
            Multiply(accumulate: false, (_gate, _layer.Gate), (_up, _layer.Up));
            ByRows(_runGate);
            Multiply(accumulate: true, (_stream, _layer.Down));
        }

        Finish();
    }

    /// <summary>Embeddings, angles, and the items of attention.</summary>
    void Begin()
    {
        int half = _frequencies.Length;
        for (int row = 0; row < _batch.Rows; row++)
        {
            _weights.Embedding.Row(_stream.Slice(row * _c.Hidden, _c.Hidden), _batch.Tokens[row]);
            for (int p = 0; p < half; p++)
            {
                (double sin, double cos) = Math.SinCos(_batch.Positions[row] * _frequencies[p]);
                _cos.Span[(row * half) + p] = (float)cos * _factor;
                _sin.Span[(row * half) + p] = (float)sin * _factor;
            }
        }

        _attention.Clear();
        for (int i = 0; i < _batch.Segments.Count; i++)
        {
            for (int from = 0; from < _batch.Segments[i].Count; from += AttentionRows)
            {
                _attention.Add((i, from, Math.Min(AttentionRows, _batch.Segments[i].Count - from)));
            }
        }

        // The longest rows first: the last items to be dealt out are then the short ones.
        _attention.Reverse();
    }

    void Finish()
    {
        if (_batch.LogitRows.Count == 0)
        {
            return;
        }

        for (int i = 0; i < _batch.LogitRows.Count; i++)
        {
            RmsNorm.ForwardVector(_input.Row(i, _c.Hidden), _stream.Slice(_batch.LogitRows[i] * _c.Hidden, _c.Hidden), _weights.FinalNorm, _c.NormEpsilon);
        }

        _input.Begin(_batch.LogitRows.Count, 0);
        _input.Prepare(0, _batch.LogitRows.Count, _c.Hidden);
        Multiply(accumulate: false, (_logits, _weights.Head));
    }

    void Norm(float[] weights)
    {
        _norm = weights;
        ByRows(_runNorm);
    }

    /// <summary>Runs what is local to rows, a block of 32 an item; a single token's is not worth a second thread.</summary>
    void ByRows(Action<int, int> body) => _workers.Run((_batch.Rows + L - 1) / L, body);

    (int From, int To) RowsOf(int item) => (item * L, Math.Min((item + 1) * L, _batch.Rows));

    void NormRows(int item, int worker)
    {
        (int from, int to) = RowsOf(item);
        for (int row = from; row < to; row++)
        {
            RmsNorm.ForwardVector(_input.Row(row, _c.Hidden), _stream.Slice(row * _c.Hidden, _c.Hidden), _norm, _c.NormEpsilon);
        }

        _input.Prepare(from, to, _c.Hidden);
    }

    void PrepareRows(int item, int worker)
    {
        (int from, int to) = RowsOf(item);
        _input.Prepare(from, to, _channels);
    }

    void GateRows(int item, int worker)
    {
        (int from, int to) = RowsOf(item);
        int at = from * _c.FeedForward, length = (to - from) * _c.FeedForward;
        SwiGlu.Forward(_input.Raw.Slice(at, length), _gate.Slice(at, length), _up.Slice(at, length));
        _input.Prepare(from, to, _c.FeedForward);
    }

    /// <summary>Bias, head norm and rotation; then the token's keys and values go to their page.</summary>
    void PlaceRows(int item, int worker)
    {
        (int from, int to) = RowsOf(item);
        int half = _frequencies.Length, keyPage = PagedAttention.KeyLength(_c.KeyValueHeads, _c.HeadSize), valuePage = PagedAttention.ValueLength(_c.KeyValueHeads, _c.HeadSize);
        int segment = _batch.Segments.FindLastIndex(s => s.Row <= from);
        for (int row = from; row < to; row++)
        {
            while (segment + 1 < _batch.Segments.Count && _batch.Segments[segment + 1].Row <= row)
            {
                segment++;
            }

            Span<float> q = _query.Slice(row * _c.QueryWidth, _c.QueryWidth), k = _key.Slice(row * _c.KeyWidth, _c.KeyWidth), v = _value.Slice(row * _c.KeyWidth, _c.KeyWidth);
            Add(q, _layer.QueryBias);
            Add(k, _layer.KeyBias);
            Add(v, _layer.ValueBias);
            NormHeads(q, _layer.QueryNorm);
            NormHeads(k, _layer.KeyNorm);
            ReadOnlySpan<float> cos = _cos.Slice(row * half, half), sin = _sin.Slice(row * half, half);
            Rope.TurnVector(q, cos, sin, _c.Heads, _c.HeadSize);
            Rope.TurnVector(k, cos, sin, _c.KeyValueHeads, _c.HeadSize);
            int position = _batch.Positions[row], page = _batch.Segments[segment].Pages[position / PagedAttention.Page];
            PagedAttention.Store(_cache.Keys[_index].Slice(page * keyPage, keyPage), _cache.Values[_index].Slice(page * valuePage, valuePage), k, v, position % PagedAttention.Page, _c.KeyValueHeads, _c.HeadSize);
        }
    }

    static void Add(Span<float> x, float[]? bias)
    {
        for (int i = 0; bias is not null && i < x.Length; i++)
        {
            x[i] += bias[i];
        }
    }

    void NormHeads(Span<float> x, float[]? norm)
    {
        for (int at = 0; norm is not null && at < x.Length; at += _c.HeadSize)
        {
            RmsNorm.ForwardVector(x.Slice(at, _c.HeadSize), x.Slice(at, _c.HeadSize), norm, _c.NormEpsilon);
        }
    }

    void AttendRows(int item, int worker)
    {
        (int index, int from, int count) = _attention[item / _c.KeyValueHeads];
        Segment segment = _batch.Segments[index];
        int row = segment.Row + from, at = row * _c.QueryWidth, length = count * _c.QueryWidth;
        PagedAttention.Forward(
            _input.Raw.Slice(at, length), _query.Slice(at, length), _cache.Keys[_index].Span, _cache.Values[_index].Span, segment.Pages, segment.First + from, count,
            _c.Heads, _c.KeyValueHeads, _c.HeadSize, item % _c.KeyValueHeads, _scratch[worker].Span);
    }

    /// <summary>Products of the prepared rows with several matrices, the rows of all of them dealt out together.</summary>
    void Multiply(bool accumulate, params ReadOnlySpan<(FloatBuffer Y, WeightMatrix W)> parts)
    {
        _product.Set(accumulate, parts, _workers.Threads);
        _workers.Run(_product.Items, _runProduct);
    }

    void ProductRows(int item, int worker)
    {
        int at = item * _product.Step, end = at + _product.Step;
        foreach ((FloatBuffer y, WeightMatrix w) in _product.Parts)
        {
            int from = Math.Max(at, 0), to = Math.Min(end, w.Rows);
            if (from < to)
            {
                w.Multiply(y.Span, w.Rows, _input, from, to, _product.Accumulate, _scratch[worker].Span);
            }

            // Matrices follow each other from whole groups of rows on, so that no group is cut.
            int rows = (w.Rows + QuantizedMatMul.Group - 1) / QuantizedMatMul.Group * QuantizedMatMul.Group;
            (at, end) = (at - rows, end - rows);
            if (end <= 0)
            {
                return;
            }
        }
    }

    /// <summary>One product phase: which matrices, and how many of their rows an item takes.</summary>
    sealed class Product
    {
        public List<(FloatBuffer Y, WeightMatrix W)> Parts { get; } = [];

        public bool Accumulate { get; private set; }

        public int Step { get; private set; }

        public int Items { get; private set; }

        public void Set(bool accumulate, ReadOnlySpan<(FloatBuffer Y, WeightMatrix W)> parts, int threads)
        {
            const int Group = QuantizedMatMul.Group;
            Parts.Clear();
            Accumulate = accumulate;
            int groups = 0;
            foreach ((FloatBuffer Y, WeightMatrix W) part in parts)
            {
                Parts.Add(part);
                groups += (part.W.Rows + Group - 1) / Group;
            }

            Step = Math.Max(1, (groups + (4 * threads) - 1) / (4 * threads)) * Group;
            Items = ((groups * Group) + Step - 1) / Step;
        }
    }
}
