using System.Runtime.Intrinsics;

namespace Retort.Model.Marks;

/// <summary>An answer while it is marked: what the next token's draw goes by. One answer, one thread.</summary>
public sealed class MarkedAnswer
{
    readonly Watermark _mark;
    readonly MarkHash _hash;
    readonly HashSet<ContextKey> _seen = [];
    readonly int[] _context;
    readonly ulong[] _bits;
    double[] _weights = [];
    ulong[] _chosen = [];
    int _at = -1;
    bool _isMarked;

    MarkedAnswer(Watermark mark, int vocabulary)
    {
        mark.Validate();
        (_mark, _hash, _context, _bits) = (mark, new(mark.Key), new int[mark.Width], new ulong[vocabulary]);
    }

    /// <summary>Begins an answer.</summary>
    /// <param name="mark">Null gives null.</param>
    /// <param name="vocabulary">Largest number of logits.</param>
    public static MarkedAnswer? Begin(Watermark? mark, int vocabulary) => mark is null ? null : new(mark, vocabulary);

    /// <summary>Whether a constraint must take out what may not follow before a token is drawn. Drawing until one may follow, which comes to the same for a
    /// distribution, does not for a tournament: its draws are not independent.</summary>
    internal bool ChoosesAmongAll => _mark is Watermark.Tournament;

    /// <summary>Raises green tokens, in logits that will be divided by the temperature.</summary>
    internal void Bias(Span<float> logits, double temperature, ReadOnlySpan<int> prompt, ReadOnlySpan<int> written)
    {
        if (_mark is not Watermark.GreenList green || !Turn(prompt, written))
        {
            return;
        }

        ulong greens = MarkHash.Greens(green.Gamma);
        float bias = (float)(green.Delta * (temperature == 0 ? 1 : temperature));
        for (int id = 0; id < logits.Length; id++)
        {
            logits[id] += _bits[id] < greens ? bias : 0;
        }
    }

    /// <summary>Whether the next token is the winner of a tournament.</summary>
    internal bool Plays(ReadOnlySpan<int> prompt, ReadOnlySpan<int> written) => _mark is Watermark.Tournament && Turn(prompt, written);

    /// <summary>
    /// The winner of a tournament among tokens, drawn from its closed form: a layer's winner has p′(x) = p(x)·(1 + g(x) − Σ p(v)·g(v)), where g is a bit of each
    /// token, and is one of the two candidates of the next layer.
    /// </summary>
    /// <param name="ids">Candidates, those first that win where rounding lets none.</param>
    /// <param name="weights_V">Of every token, in any unit.</param>
    /// <param name="draw">Uniform in [0, 1).</param>
    internal int Winner(ReadOnlySpan<int> ids, ReadOnlySpan<float> weights_V, double draw)
    {
        // Padded with weights of 0, so that every vector is whole and sums are in one order on every machine.
        int lanes = Vector512<double>.Count, count = (ids.Length + lanes - 1) / lanes * lanes;
        if (_weights.Length < count)
        {
            (_weights, _chosen) = (new double[count], new ulong[count]);
        }

        double total = 0;
        for (int i = 0; i < ids.Length; i++)
        {
            (_weights[i], _chosen[i]) = (weights_V[ids[i]], _bits[ids[i]]);
            total += _weights[i];
        }

        Span<double> weights = _weights.AsSpan(0, count);
        Span<ulong> bits = _chosen.AsSpan(0, count);
        weights[ids.Length..].Clear();
        for (int layer = 0; layer < ((Watermark.Tournament)_mark).Layers; layer++)
        {
            total = Play(weights, bits, layer, total);
        }

        double target = draw * total, running = 0;
        for (int i = 0; i < ids.Length; i++)
        {
            running += weights[i];
            if (running > target)
            {
                return ids[i];
            }
        }

        return ids[0];
    }

    /// <summary>One layer, in place.</summary>
    /// <param name="total">Sum of the weights before; the new one is returned, which rounding may have moved.</param>
    static double Play(Span<double> weights, ReadOnlySpan<ulong> bits, int layer, double total)
    {
        int lanes = Vector512<double>.Count;
        Vector512<ulong> bit = Vector512.Create(1UL << layer);
        Vector512<double> winning = Vector512<double>.Zero;
        for (int i = 0; i < weights.Length; i += lanes)
        {
            Vector512<double> loses = Vector512.Equals(Vector512.Create(bits[i..]) & bit, Vector512<ulong>.Zero).AsDouble();
            winning += Vector512.AndNot(Vector512.Create<double>(weights[i..]), loses);
        }

        double share = Vector512.Sum(winning) / total;
        Vector512<double> win = Vector512.Create(2 - share), lose = Vector512.Create(1 - share), sum = Vector512<double>.Zero;
        for (int i = 0; i < weights.Length; i += lanes)
        {
            Vector512<double> loses = Vector512.Equals(Vector512.Create(bits[i..]) & bit, Vector512<ulong>.Zero).AsDouble();
            Vector512<double> after = Vector512.Create<double>(weights[i..]) * Vector512.ConditionalSelect(loses, lose, win);
            after.CopyTo(weights[i..]);
            sum += after;
        }

        return Vector512.Sum(sum);
    }

    /// <summary>Makes the bits of the next token's context; may be called several times for one token.</summary>
    /// <returns>Whether it is marked: not before there are enough tokens, and in a tournament not after a context that came before.</returns>
    bool Turn(ReadOnlySpan<int> prompt, ReadOnlySpan<int> written)
    {
        if (_at == written.Length)
        {
            return _isMarked;
        }

        _at = written.Length;
        int width = _context.Length;
        _isMarked = prompt.Length + written.Length >= width;
        if (!_isMarked)
        {
            return false;
        }

        for (int i = 0; i < width; i++)
        {
            int from = written.Length - width + i;
            _context[i] = from >= 0 ? written[from] : prompt[prompt.Length + from];
        }

        ContextKey key = _hash.After(_context);
        _isMarked = _mark is Watermark.GreenList || _seen.Add(key);
        if (_isMarked)
        {
            key.Fill(_bits);
        }

        return _isMarked;
    }
}
