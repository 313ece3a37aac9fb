using Retort.Kernels;
using Retort.Model.Marks;

namespace Retort.Model.Llama;

/// <summary>
/// Chooses the next token from logits. The order is that of Hugging Face's generate, so the same settings mean the same there and here:
/// repetition penalty, temperature, top-k, top-p, min-p. A green list's bias follows the penalty, in units of the temperature; a tournament is played among what the
/// filters left. The penalty acts on raw logits, whose sign it reads; the temperature comes before
/// the filters, so top-p and min-p measure the distribution that is drawn from; each filter sees what the one before it left, renormalised.
/// Equally probable tokens rank by id, the lowest first. A sampler owns scratch memory and serves one thread.
/// </summary>
public sealed class Sampler
{
    readonly SamplingOptions _options;
    readonly int[] _ids;
    readonly int[] _seenIn;
    int _calls;

    /// <param name="options">Validated options.</param>
    /// <param name="vocabulary">Largest number of logits.</param>
    public Sampler(SamplingOptions options, int vocabulary)
    {
        _options = options;
        _ids = new int[vocabulary];
        _seenIn = options.RepetitionPenalty == 1 ? [] : new int[vocabulary];
    }

    /// <summary>Whether the likeliest token is taken and none is drawn.</summary>
    internal bool IsGreedy => _options.Temperature == 0;

    /// <summary>The next token. Takes one draw from the stream, none when greedy.</summary>
    /// <param name="logits_V">Logits; used up.</param>
    /// <param name="random">The sequence's own stream.</param>
    /// <param name="prompt">What the repetition penalty counts as seen.</param>
    /// <param name="generated">And this.</param>
    /// <param name="mark">The mark the token gets, or null. It takes no further draws.</param>
    /// <exception cref="UserError">The logits hold no number to choose by.</exception>
    public int Next(Span<float> logits_V, RandomStream random, ReadOnlySpan<int> prompt, ReadOnlySpan<int> generated, MarkedAnswer? mark = null)
    {
        if (_options.RepetitionPenalty != 1)
        {
            _calls++;
            Penalize(logits_V, prompt);
            Penalize(logits_V, generated);
        }

        mark?.Bias(logits_V, _options.Temperature, prompt, generated);
        float max = Softmax.Max(logits_V);
        int best = logits_V.IndexOf(max);
        if (best < 0 || !float.IsFinite(max))
        {
            throw new UserError("the model's logits are not numbers", "sampling", "The weights are damaged or overflow; check or fetch the model again.");
        }

        if (_options.Temperature == 0)
        {
            return best;
        }

        float total = Softmax.Exponentials(logits_V, max, (float)Math.Min(1 / _options.Temperature, float.MaxValue));
        bool all = _options is { TopK: 0, TopP: 1, MinP: 0 };
        if (mark is not null && mark.Plays(prompt, generated))
        {
            return mark.Winner(all ? Likely(logits_V, total) : Kept(logits_V, total), logits_V, random.NextDouble());
        }

        return all
            ? DrawFromAll(logits_V, random.NextDouble() * total, best)
            : DrawFrom(Kept(logits_V, total), logits_V, random.NextDouble());
    }

    void Penalize(Span<float> logits, ReadOnlySpan<int> tokens)
    {
        float penalty = (float)_options.RepetitionPenalty;
        foreach (int id in tokens)
        {
            if (id < logits.Length && _seenIn[id] != _calls)
            {
                _seenIn[id] = _calls;
                logits[id] = logits[id] > 0 ? logits[id] / penalty : logits[id] * penalty;
            }
        }
    }

    /// <summary>The first id at which the running sum passes the target; the most probable one should rounding let none.</summary>
    static int DrawFromAll(ReadOnlySpan<float> weights, double target, int best)
    {
        double sum = 0;
        for (int id = 0; id < weights.Length; id++)
        {
            sum += weights[id];
            if (sum > target)
            {
                return id;
            }
        }

        return best;
    }

    /// <summary>All tokens but those that together weigh less than a float's rounding, in order of id.</summary>
    Span<int> Likely(ReadOnlySpan<float> weights, double total)
    {
        double least = total / weights.Length / (1L << 32);
        int count = 0;
        for (int id = 0; id < weights.Length; id++)
        {
            if (weights[id] > least)
            {
                _ids[count++] = id;
            }
        }

        return _ids.AsSpan(0, count);
    }

    /// <summary>What the filters leave, the most probable first.</summary>
    Span<int> Kept(ReadOnlySpan<float> weights, double total)
    {
        Span<int> ranked = Rank(weights, total, out double sum);
        int kept = ranked.Length;
        if (_options.TopP < 1)
        {
            double enough = _options.TopP * sum, reached = 0;
            kept = 0;
            while (kept < ranked.Length && reached < enough)
            {
                reached += weights[ranked[kept++]];
            }
        }

        while (kept > 1 && weights[ranked[kept - 1]] < _options.MinP)
        {
            kept--;
        }

        return ranked[..kept];
    }

    /// <summary>One of some tokens by their weights; the first should rounding let none.</summary>
    static int DrawFrom(ReadOnlySpan<int> ids, ReadOnlySpan<float> weights, double draw)
    {
        double mass = 0;
        foreach (int id in ids)
        {
            mass += weights[id];
        }

        double target = draw * mass, running = 0;
        foreach (int id in ids)
        {
            running += weights[id];
            if (running > target)
            {
                return id;
            }
        }

        return ids[0];
    }

    /// <summary>Candidates, most probable first, cut to the k best, and the sum of weights that top-p is a part of.</summary>
    Span<int> Rank(ReadOnlySpan<float> weights, double total, out double sum)
    {
        // Tokens lighter than (1 − p)/n of the whole weigh less than 1 − p together, so the others reach p without them. After top-k the
        // whole is another one. Min-p alone is a threshold as it stands; the largest weight is e⁰ = 1.
        int limit = _options.TopK == 0 ? weights.Length : Math.Min(_options.TopK, weights.Length);
        double floor = limit < weights.Length ? 0 : (1 - _options.TopP) / weights.Length * total * 0.999;
        float least = (float)(_options.TopP < 1 ? floor : Math.Max(floor, _options.MinP));
        int count = 0;
        for (int id = 0; id < weights.Length; id++)
        {
            if (weights[id] >= least && weights[id] > 0)
            {
                _ids[count++] = id;
            }
        }

        Span<int> candidates = _ids.AsSpan(0, count);
        if (limit < candidates.Length)
        {
            candidates = Best(candidates, weights, limit);
        }

        Sort(candidates, weights);
        sum = total;
        if (limit < weights.Length)
        {
            sum = 0;
            foreach (int id in candidates)
            {
                sum += weights[id];
            }
        }

        return candidates;
    }

    /// <summary>Moves the k first by rank to the front (Hoare's selection).</summary>
    static Span<int> Best(Span<int> ids, ReadOnlySpan<float> weights, int k)
    {
        int low = 0, high = ids.Length - 1;
        while (low < high)
        {
            int pivot = ids[low + ((high - low) / 2)], i = low, j = high;
            while (i <= j)
            {
                while (Before(ids[i], pivot, weights))
                {
                    i++;
                }

                while (Before(pivot, ids[j], weights))
                {
                    j--;
                }

                if (i <= j)
                {
                    (ids[i], ids[j]) = (ids[j], ids[i]);
                    i++;
                    j--;
                }
            }

            if (k - 1 <= j)
            {
                high = j;
            }
            else if (k - 1 >= i)
            {
                low = i;
            }
            else
            {
                break;
            }
        }

        return ids[..k];
    }

    static bool Before(int a, int b, ReadOnlySpan<float> weights) => weights[a] > weights[b] || (weights[a] == weights[b] && a < b);

    static void Sort(Span<int> ids, ReadOnlySpan<float> weights)
    {
        float[] keys = new float[ids.Length];
        for (int i = 0; i < keys.Length; i++)
        {
            keys[i] = -weights[ids[i]];
        }

        keys.AsSpan().Sort(ids);

        // The sort is not stable: runs of equal weight are put in order of id.
        for (int start = 0; start < keys.Length;)
        {
            int end = start + 1;
            while (end < keys.Length && keys[end] == keys[start])
            {
                end++;
            }

            if (end - start > 1)
            {
                ids[start..end].Sort();
            }

            start = end;
        }
    }
}
