using System.Runtime.InteropServices;
using Retort.Evidence.Statistics;

namespace Retort.Distill;

/// <summary>Words that a row shares with an evaluation set.</summary>
/// <param name="Set">The set's name.</param>
/// <param name="Item">One item of it that has them.</param>
/// <param name="Gram">Words of the n-grams that are equal.</param>
/// <param name="InAnswer">Whether the row's answer has them; else its question.</param>
/// <param name="Words">The first run of them, as the row has it.</param>
public sealed record Overlap(string Set, string Item, int Gram, bool InAnswer, string Words)
{
    /// <summary>For a list of what is left out.</summary>
    public string Sentence => $"its {(InAnswer ? "answer" : "question")} shares with {Item}: {Words}";
}

/// <summary>
/// Finds what evaluation sets and rows have in common: n-grams of <see cref="PlainWords"/>, hashed to 64 bits, of both questions and answers at both ends.
/// <para>
/// A text shorter than n words is compared as a whole with other such texts; but an item's answer shorter than the shortest n counts for nothing, since "yes" and
/// "42" are everybody's. An n-gram that stands in more than ten items of a set, or in more than a quarter of four and more, belongs to the wording that its items
/// share and is passed over (GPT-3's own check passes over what stands in more than ten documents: Brown et al., arXiv 2005.14165, appendix C), and counted in
/// <see cref="SharedWording"/>; an item that has no other keeps those it shares with the fewest.
/// </para>
/// </summary>
public sealed class Contamination
{
    const ulong Factor = 0x9E3779B97F4A7C15;
    const int MostItems = 10, FewestItems = 4, MostCharacters = 240;

    readonly Index[] _indexes;

    /// <param name="grams">Lengths in words.</param>
    public Contamination(IReadOnlyList<EvaluationSet> sets, IReadOnlyList<int> grams)
    {
        (Sets, Grams) = (sets, grams);
        SharedWording = [.. new int[sets.Count]];
        _indexes = [.. grams.Select(n => new Index(n))];
        int shortest = grams.Min();
        for (int set = 0; set < sets.Count; set++)
        {
            foreach (Index index in _indexes)
            {
                SharedWording[set] += index.Add(set, [.. sets[set].Items.Select(i => Keys(i, index.Words, shortest).ToArray())]);
            }
        }
    }

    /// <param name="set">What a run itself tests on.</param>
    /// <param name="wording">Of the whole run.</param>
    internal Contamination(EvaluationSet set, IReadOnlyList<int> grams, RunWording wording)
    {
        (Sets, Grams) = ([set], grams);
        _indexes = [.. grams.Select(n => new Index(n))];
        SharedWording = [_indexes.Sum(index => wording.PassedOver(index.Words, index.AddAll(0, [.. set.Items.Select(i => wording.Own(i, index.Words))])))];
    }

    public IReadOnlyList<EvaluationSet> Sets { get; }

    public IReadOnlyList<int> Grams { get; }

    /// <summary>For each set the n-grams that are passed over, of all lengths.</summary>
    public int[] SharedWording { get; }

    /// <summary>What a row shares with each set, a length of n-gram and a side once.</summary>
    public IReadOnlyList<Overlap> Of(string question, string answer) => [.. Of(question, false), .. Of(answer, true)];

    IEnumerable<Overlap> Of(string text, bool isAnswer)
    {
        IReadOnlyList<PlainWord> words = PlainWords.Of(text);
        foreach (Index index in _indexes)
        {
            ulong[] keys = Keys(words, index.Words);
            Dictionary<int, (int First, int Last, int Item)> runs = [];
            for (int i = 0; i < keys.Length; i++)
            {
                foreach ((int set, int item) in index.At(keys[i]))
                {
                    ref (int First, int Last, int Item) run = ref CollectionsMarshal.GetValueRefOrAddDefault(runs, set, out bool known);
                    run = !known ? (i, i, item) : run.Last == i - 1 ? run with { Last = i } : run;
                }
            }

            foreach ((int set, (int first, int last, int item)) in runs)
            {
                PlainWord end = words[Math.Min(words.Count, last + index.Words) - 1];
                int length = end.Start + end.Length - words[first].Start;
                string shared = $"{text.AsSpan(words[first].Start, Math.Min(length, MostCharacters))}{(length > MostCharacters ? "…" : "")}";
                yield return new(Sets[set].Name, Sets[set].Items[item].Where, index.Words, isAnswer, shared.ReplaceLineEndings(" "));
            }
        }
    }

    static IEnumerable<ulong> Keys(EvaluationItem item, int gram, int shortest)
    {
        IReadOnlyList<PlainWord> answer = item.Answer is null ? [] : PlainWords.Of(item.Answer);
        return Keys(PlainWords.Of(item.Question), gram).Concat(answer.Count < shortest ? [] : Keys(answer, gram)).Distinct();
    }

    /// <summary>A polynomial in the words' hashes, rolled along; of a text shorter than that one over all of it.</summary>
    internal static ulong[] Keys(IReadOnlyList<PlainWord> words, int gram)
    {
        if (words.Count < gram)
        {
            ulong whole = (ulong)words.Count;
            foreach (PlainWord word in words)
            {
                whole = (whole * Factor) + word.Hash;
            }

            return words.Count == 0 ? [] : [~whole];
        }

        ulong[] keys = new ulong[words.Count - gram + 1];
        ulong hash = 0, leaving = 1;
        for (int i = 0; i < words.Count; i++)
        {
            hash = (hash * Factor) + words[i].Hash - (i >= gram ? leaving * words[i - gram].Hash : 0);
            leaving = i < gram ? leaving * Factor : leaving;
            if (i >= gram - 1)
            {
                keys[i - gram + 1] = hash;
            }
        }

        return keys;
    }

    /// <summary>For each n-gram the sets that have it, each with the first item that does.</summary>
    sealed class Index(int words)
    {
        readonly Dictionary<ulong, int> _first = [];
        readonly List<(int Set, int Item, int Next)> _entries = [];

        public int Words => words;

        /// <returns>How many are passed over.</returns>
        public int Add(int set, ulong[][] items)
        {
            Dictionary<ulong, int> counts = [];
            foreach (ulong key in items.SelectMany(k => k))
            {
                CollectionsMarshal.GetValueRefOrAddDefault(counts, key, out _)++;
            }

            bool Common(int count) => count > MostItems || (count >= FewestItems && count > items.Length / 4);
            HashSet<ulong> kept = [];
            foreach ((int item, ulong[] keys) in items.Index())
            {
                int fewest = keys.Length == 0 ? 0 : keys.Min(k => counts[k]);
                foreach (ulong key in keys.Where(k => !Common(counts[k]) || (Common(fewest) && counts[k] == fewest)).Where(kept.Add))
                {
                    Add(set, item, key);
                }
            }

            return counts.Count - kept.Count;
        }

        /// <returns>How many different ones there are.</returns>
        public int AddAll(int set, IEnumerable<ulong>[] items)
        {
            HashSet<ulong> kept = [];
            foreach ((int item, IEnumerable<ulong> keys) in items.Index())
            {
                foreach (ulong key in keys.Where(kept.Add))
                {
                    Add(set, item, key);
                }
            }

            return kept.Count;
        }

        void Add(int set, int item, ulong key)
        {
            _entries.Add((set, item, _first.GetValueOrDefault(key, -1)));
            _first[key] = _entries.Count - 1;
        }

        public IEnumerable<(int Set, int Item)> At(ulong key) => _first.TryGetValue(key, out int entry) ? Entries(entry) : [];

        IEnumerable<(int Set, int Item)> Entries(int entry)
        {
            for (; entry >= 0; entry = _entries[entry].Next)
            {
                yield return (_entries[entry].Set, _entries[entry].Item);
            }
        }
    }
}
