using System.Collections.Concurrent;
using System.Text;

namespace Retort.Model.Tokenizers;

/// <summary>Turns words into ids: characters or bytes to their tokens, merges, and a bounded memory of words met before.</summary>
sealed class WordEncoder
{
    const int RememberedWords = 1 << 16, LongestRemembered = 48, StackSymbols = 512;

    readonly MergeTable _merges;
    readonly BytePairModel _model;
    readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _vocabulary;
    readonly int[]? _byteTokens;
    readonly int[]? _fallback;
    readonly bool _byteLevel;
    readonly bool _cutAtSpaces;
    readonly ConcurrentDictionary<string, int[]> _memory = new(StringComparer.Ordinal);
    readonly ConcurrentDictionary<string, int[]>.AlternateLookup<ReadOnlySpan<char>> _remembered;
    int _rememberedCount;

    internal WordEncoder(TokenizerDefinition definition)
    {
        _merges = new MergeTable(definition.Merges);
        _model = definition.Model;
        _byteLevel = definition.IsByteLevel;
        var vocabulary = new Dictionary<string, int>(definition.Tokens.Length, StringComparer.Ordinal);
        for (int id = 0; id < definition.Tokens.Length; id++)
        {
            if (definition.Tokens[id] is { } token && !definition.AddedOnly.Contains(id))
            {
                vocabulary.Add(token, id);
            }
        }

        _vocabulary = vocabulary.GetAlternateLookup<ReadOnlySpan<char>>();
        _remembered = _memory.GetAlternateLookup<ReadOnlySpan<char>>();
        if (_byteLevel)
        {
            _byteTokens = [.. Enumerable.Range(0, 256).Select(value => vocabulary.GetValueOrDefault(ByteAlphabet.Character((byte)value).ToString(), -1))];
        }

        if (_model.ByteFallback)
        {
            _fallback = [.. Enumerable.Range(0, 256).Select(value => vocabulary.GetValueOrDefault($"<0x{value:X2}>", -1))];
        }

        // Where no merge can cross from another character to "▁", cutting there changes nothing and lets words be remembered.
        _cutAtSpaces = !_byteLevel && !_model.IgnoreMerges && vocabulary.ContainsKey("▁")
            && definition.Merges.All(merge => !Crosses(definition.Tokens[merge.Result]!));
    }

    /// <summary>Appends the ids of one word. Well-formed text only.</summary>
    internal void Encode(ReadOnlySpan<char> word, List<int> ids)
    {
        if (!_cutAtSpaces)
        {
            Remember(word, ids);
            return;
        }

        int start = 0;
        for (int i = 1; i < word.Length; i++)
        {
            if (word[i] == '▁' && word[i - 1] != '▁')
            {
                Remember(word[start..i], ids);
                start = i;
            }
        }

        Remember(word[start..], ids);
    }

    static bool Crosses(string token)
    {
        for (int i = 1; i < token.Length; i++)
        {
            if (token[i] == '▁' && token[i - 1] != '▁')
            {
                return true;
            }
        }

        return false;
    }

    void Remember(ReadOnlySpan<char> word, List<int> ids)
    {
        if (word.Length > LongestRemembered)
        {
            Compute(word, ids);
            return;
        }

        if (_remembered.TryGetValue(word, out int[]? known))
        {
            ids.AddRange(known);
            return;
        }

        int first = ids.Count;
        Compute(word, ids);
        if (_rememberedCount < RememberedWords && _remembered.TryAdd(word, [.. ids[first..]]))
        {
            Interlocked.Increment(ref _rememberedCount);
        }
    }

    void Compute(ReadOnlySpan<char> word, List<int> ids)
    {
        int most = word.Length * 3;
        Span<int> symbols = most <= StackSymbols ? stackalloc int[StackSymbols] : new int[most];
        if (_byteLevel)
        {
            Span<byte> bytes = most <= StackSymbols ? stackalloc byte[StackSymbols] : new byte[most];
            bytes = bytes[..Encoding.UTF8.GetBytes(word, bytes)];
            if (_model.IgnoreMerges && Whole(bytes, ids))
            {
                return;
            }

            ByteSymbols(bytes, ref symbols);
        }
        else
        {
            if (_model.IgnoreMerges && _vocabulary.TryGetValue(word, out int whole))
            {
                ids.Add(whole);
                return;
            }

            CharacterSymbols(word, ref symbols);
        }

        ids.AddRange(symbols[.._merges.Apply(symbols)]);
    }

    bool Whole(ReadOnlySpan<byte> bytes, List<int> ids)
    {
        Span<char> spelling = bytes.Length <= StackSymbols ? stackalloc char[bytes.Length] : new char[bytes.Length];
        for (int i = 0; i < bytes.Length; i++)
        {
            spelling[i] = ByteAlphabet.Character(bytes[i]);
        }

        if (!_vocabulary.TryGetValue(spelling, out int id))
        {
            return false;
        }

        ids.Add(id);
        return true;
    }

    void ByteSymbols(ReadOnlySpan<byte> bytes, ref Span<int> symbols)
    {
        int count = 0;
        bool fused = false;
        foreach (byte value in bytes)
        {
            Symbol(_byteTokens![value], symbols, ref count, ref fused);
        }

        symbols = symbols[..count];
    }

    void CharacterSymbols(ReadOnlySpan<char> word, ref Span<int> symbols)
    {
        int count = 0, at = 0;
        bool fused = false;
        Span<byte> bytes = stackalloc byte[4];
        foreach (Rune rune in word.EnumerateRunes())
        {
            int id = _vocabulary.TryGetValue(word.Slice(at, rune.Utf16SequenceLength), out int known) ? known : -1;
            at += rune.Utf16SequenceLength;
            if (id < 0 && _fallback is not null)
            {
                Span<byte> encoded = bytes[..rune.EncodeToUtf8(bytes)];
                if (HasAll(encoded))
                {
                    fused = false;
                    foreach (byte value in encoded)
                    {
                        symbols[count++] = _fallback[value];
                    }

                    continue;
                }
            }

            Symbol(id, symbols, ref count, ref fused);
        }

        symbols = symbols[..count];
    }

    bool HasAll(ReadOnlySpan<byte> bytes)
    {
        foreach (byte value in bytes)
        {
            if (_fallback![value] < 0)
            {
                return false;
            }
        }

        return true;
    }

    void Symbol(int id, Span<int> symbols, ref int count, ref bool fused)
    {
        if (id >= 0)
        {
            symbols[count++] = id;
            fused = false;
        }
        else if (_model.Unknown is { } unknown && !(fused && _model.FuseUnknown))
        {
            symbols[count++] = unknown;
            fused = true;
        }
    }
}
