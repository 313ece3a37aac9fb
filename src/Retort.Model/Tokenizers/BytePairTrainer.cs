using System.Runtime.InteropServices;
using System.Text;

namespace Retort.Model.Tokenizers;

/// <summary>
/// Trains a byte-level byte-pair encoding (Sennrich et al. 2016; over bytes as in GPT-2, Radford et al. 2019). Words are cut by GPT-2's pattern,
/// which llama.cpp knows as pre-tokenizer "gpt-2". Ids: the special tokens in the order given, then all 256 bytes in the order of their
/// characters in GPT-2's alphabet ("!" first), then the merged tokens in the order they were found.
/// </summary>
public static class BytePairTrainer
{
    /// <summary>
    /// The most frequent adjacent pair of tokens becomes a token, again and again; of equally frequent pairs, the one with the smaller left id,
    /// then the smaller right id. The same texts in any order give the same tokenizer. It is smaller than asked only when no pair is left.
    /// </summary>
    /// <param name="texts">What to train on. Special tokens spelled there are passed over.</param>
    /// <param name="vocabularySize">All tokens together, special ones included.</param>
    /// <exception cref="ArgumentException">
    /// The size is less than 256 and the special tokens, or a special token is empty, repeated, not well-formed, or the spelling of a byte.
    /// </exception>
    public static Tokenizer Train(IEnumerable<string> texts, int vocabularySize, IReadOnlyList<string> specialTokens)
    {
        ArgumentNullException.ThrowIfNull(texts);
        ArgumentOutOfRangeException.ThrowIfLessThan(vocabularySize, 256 + specialTokens.Count);
        var tokens = new List<string>(vocabularySize);
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (string token in (IEnumerable<string>)[.. specialTokens, .. ByteAlphabet.Ordered.Select(character => character.ToString())])
        {
            if (token.Length == 0 || TokenizerFile.WellFormed(token) != token || !ids.TryAdd(token, tokens.Count))
            {
                throw new ArgumentException($"\"{token}\" is empty, repeated, not well-formed or the spelling of a byte.", nameof(specialTokens));
            }

            tokens.Add(token);
        }

        AddedToken[] added = [.. specialTokens.Select((text, id) => new AddedToken(
            id, text, Special: true, Normalized: false, SingleWord: false, StripLeft: false, StripRight: false))];
        SplitStep[] splits = [new SplitStep.ByteLevel(AddPrefixSpace: false, UseRegex: true)];
        var merges = new Corpus(Words(texts, added, splits), ids).Merge(tokens, ids, vocabularySize, specialTokens.Count);
        return new Tokenizer(new TokenizerDefinition(
            "trained",
            [.. tokens],
            added,
            new HashSet<int>(),
            merges,
            new BytePairModel(Unknown: null, FuseUnknown: false, ByteFallback: false, IgnoreMerges: false),
            Normalizer: [],
            splits,
            new DecoderRule.ByteLevel(),
            Prefix: [],
            Suffix: [],
            Begin: null,
            TokenizerDefinition.CustomaryEnd(added)));
    }

    static Dictionary<string, long> Words(IEnumerable<string> texts, AddedToken[] added, SplitStep[] splits)
    {
        var finder = new AddedTokenFinder(added.Select(token => (token.Text, token)));
        var splitter = new WordSplitter(splits);
        var words = new Dictionary<string, long>(StringComparer.Ordinal);
        var lookup = words.GetAlternateLookup<ReadOnlySpan<char>>();
        foreach (string given in texts)
        {
            string text = TokenizerFile.WellFormed(given);
            for (int from = 0; from < text.Length;)
            {
                finder.Next(text, from, out int start, out int end);
                splitter.Split(
                    text.AsSpan(from, start - from),
                    atStart: from == 0,
                    static (word, counts) => CollectionsMarshal.GetValueRefOrAddDefault(counts, word, out _)++,
                    lookup);
                from = end;
            }
        }

        return words;
    }

    /// <summary>The distinct words as tokens, how often each pair occurs, and in which words it may.</summary>
    sealed class Corpus
    {
        readonly List<(int[] Symbols, int Length, long Count)> _words = [];
        readonly Dictionary<long, long> _counts = [];
        readonly Dictionary<long, HashSet<int>> _holders = [];
        readonly PriorityQueue<long, (long Negated, long Pair)> _queue = new();

        internal Corpus(Dictionary<string, long> words, Dictionary<string, int> ids)
        {
            int[] byteIds = [.. Enumerable.Range(0, 256).Select(value => ids[ByteAlphabet.Character((byte)value).ToString()])];
            foreach (var (word, count) in words)
            {
                int[] symbols = Array.ConvertAll(Encoding.UTF8.GetBytes(word), value => byteIds[value]);
                for (int i = 0; i + 1 < symbols.Length; i++)
                {
                    Count(MergeTable.Pair(symbols[i], symbols[i + 1]), count, _words.Count);
                }

                _words.Add((symbols, symbols.Length, count));
            }

            foreach (var (pair, count) in _counts)
            {
                _queue.Enqueue(pair, (-count, pair));
            }
        }

        internal List<Merge> Merge(List<string> tokens, Dictionary<string, int> ids, int size, int specials)
        {
            var merges = new List<Merge>();
            var merged = new HashSet<long>();
            while (tokens.Count < size && _queue.TryDequeue(out long pair, out var priority))
            {
                long count = _counts.GetValueOrDefault(pair);
                if (count != -priority.Negated)
                {
                    if (count > 0)
                    {
                        _queue.Enqueue(pair, (-count, pair));
                    }

                    continue;
                }

                int left = (int)(pair >> 32), right = (int)pair;
                string token = tokens[left] + tokens[right];
                if (!ids.TryGetValue(token, out int result))
                {
                    ids.Add(token, result = tokens.Count);
                    tokens.Add(token);
                }
                else if (result < specials)
                {
                    _counts.Remove(pair);
                    continue;
                }

                if (merged.Add(pair))
                {
                    merges.Add(new Merge(left, right, result, merges.Count));
                }

                Replace(pair, left, right, result);
            }

            return merges;
        }

        void Replace(long pair, int left, int right, int result)
        {
            _counts.Remove(pair);
            if (!_holders.Remove(pair, out HashSet<int>? holders))
            {
                return;
            }

            var changed = new HashSet<long>();
            foreach (int index in holders)
            {
                ref var word = ref CollectionsMarshal.AsSpan(_words)[index];
                int[] symbols = word.Symbols;
                int kept = 0;
                for (int i = 0; i < word.Length; i++)
                {
                    bool merged = symbols[i] == left && i + 1 < word.Length && symbols[i + 1] == right;
                    if (merged)
                    {
                        if (kept > 0)
                        {
                            Count(MergeTable.Pair(symbols[kept - 1], left), -word.Count, index);
                            changed.Add(Count(MergeTable.Pair(symbols[kept - 1], result), word.Count, index));
                        }

                        if (i + 2 < word.Length)
                        {
                            Count(MergeTable.Pair(right, symbols[i + 2]), -word.Count, index);
                            changed.Add(Count(MergeTable.Pair(result, symbols[i + 2]), word.Count, index));
                        }

                        i++;
                    }

                    symbols[kept++] = merged ? result : symbols[i];
                }

                word.Length = kept;
            }

            _counts.Remove(pair);
            foreach (long other in changed)
            {
                if (_counts.TryGetValue(other, out long count) && count > 0)
                {
                    _queue.Enqueue(other, (-count, other));
                }
            }
        }

        long Count(long pair, long change, int word)
        {
            ref long count = ref CollectionsMarshal.GetValueRefOrAddDefault(_counts, pair, out _);
            count += change;
            if (change > 0)
            {
                ref HashSet<int>? holders = ref CollectionsMarshal.GetValueRefOrAddDefault(_holders, pair, out _);
                (holders ??= []).Add(word);
            }

            return pair;
        }
    }
}
