namespace Retort.Evidence.Statistics;

/// <summary>A known text that another repeats.</summary>
/// <param name="Text">Its number, in the order in which texts were added.</param>
/// <param name="Similarity">Jaccard's index of their shingles, exact.</param>
public readonly record struct NearDuplicate(int Text, double Similarity);

/// <summary>
/// Finds the known text most like another, at or above a threshold, without comparing all. Signatures of <see cref="MinHash"/> are cut into b bands of r
/// values; texts that agree in any whole band are compared exactly (Indyk and Motwani, STOC 1998; Leskovec, Rajaraman and Ullman, Mining of Massive
/// Datasets, chapter 3). What is returned is therefore never below the threshold, but a pair of similarity s is overlooked with probability (1 − s^r)^b:
/// of r and b the most selective is taken that overlooks at most one in a thousand pairs at the threshold itself, 0.005 % with 25 bands of 5 at 0.8;
/// <see cref="Missed"/> says how many. The same texts in the same order under the same seed give the same answers.
/// </summary>
public sealed class NearDuplicates
{
    const double MostMissed = 0.001;

    readonly MinHash _sketch;
    readonly double _threshold;
    readonly int _bands, _rows;
    readonly Dictionary<ulong, int>[] _last;
    readonly List<ulong[]> _texts = [];

    /// <summary>For every text and band the text before it in the same bucket; −1 for none.</summary>
    readonly List<int> _before = [];

    readonly List<int> _seen = [];
    int _query;

    /// <param name="threshold">In (0, 1]; what is below does not count as a repetition.</param>
    public NearDuplicates(double threshold, ulong seed = 0)
    {
        if (threshold is not (> 0 and <= 1))
        {
            throw new ArgumentOutOfRangeException(nameof(threshold), threshold, "must lie above 0 and at most at 1");
        }

        (_sketch, _threshold) = (new(seed), threshold);
        _rows = Enumerable.Range(1, MinHash.Size).Where(r => Overlooked(threshold, r, MinHash.Size / r) <= MostMissed).DefaultIfEmpty(1).Max();
        _bands = MinHash.Size / _rows;
        _last = [.. Enumerable.Range(0, _bands).Select(_ => new Dictionary<ulong, int>())];
    }

    /// <summary>Texts added so far.</summary>
    public int Count => _texts.Count;

    /// <summary>The probability that a pair just at the threshold is overlooked.</summary>
    public double Missed => Overlooked(_threshold, _rows, _bands);

    /// <summary>The text that this one repeats; null where there is none, and then it is added: the first of several stays.</summary>
    public NearDuplicate? Meet(string text)
    {
        ulong[] shingles = MinHash.Shingles(text), keys = Keys(shingles);
        NearDuplicate? found = Find(shingles, keys, null);
        if (found is null)
        {
            Add(shingles, keys);
        }

        return found;
    }

    /// <summary>The known text most like this one, of several the first.</summary>
    /// <param name="shingles">From <see cref="MinHash.Shingles"/>.</param>
    /// <param name="among">Which of the known count; null for all.</param>
    public NearDuplicate? Find(ulong[] shingles, Predicate<int>? among = null) => Find(shingles, Keys(shingles), among);

    /// <summary>Makes a text known.</summary>
    /// <returns>Its number.</returns>
    public int Add(ulong[] shingles) => Add(shingles, Keys(shingles));

    NearDuplicate? Find(ulong[] shingles, ulong[] keys, Predicate<int>? among)
    {
        NearDuplicate? best = null;
        _query++;
        for (int band = 0; band < _bands; band++)
        {
            for (int text = _last[band].GetValueOrDefault(keys[band], -1); text >= 0; text = _before[(text * _bands) + band])
            {
                if (_seen[text] == _query || (among is not null && !among(text)))
                {
                    continue;
                }

                _seen[text] = _query;
                ulong[] known = _texts[text];
                double most = (double)Math.Min(known.Length, shingles.Length) / Math.Max(known.Length, shingles.Length);
                if (most < _threshold || most < best?.Similarity)
                {
                    continue;
                }

                double similarity = MinHash.Similarity(known, shingles);
                if (similarity >= _threshold && (best is not { } b || similarity > b.Similarity || (similarity == b.Similarity && text < b.Text)))
                {
                    best = new(text, similarity);
                }
            }
        }

        return best;
    }

    int Add(ulong[] shingles, ulong[] keys)
    {
        int text = _texts.Count;
        _texts.Add(shingles);
        _seen.Add(0);
        for (int band = 0; band < _bands; band++)
        {
            _before.Add(_last[band].GetValueOrDefault(keys[band], -1));
            _last[band][keys[band]] = text;
        }

        return text;
    }

    /// <summary>One hash a band.</summary>
    ulong[] Keys(ulong[] shingles)
    {
        ulong[] signature = _sketch.Signature(shingles), keys = new ulong[_bands];
        for (int i = 0; i < _bands * _rows; i++)
        {
            keys[i / _rows] = PlainWords.Mix(keys[i / _rows] + signature[i]);
        }

        return keys;
    }

    static double Overlooked(double similarity, int rows, int bands) => Math.Pow(1 - Math.Pow(similarity, rows), bands);
}
