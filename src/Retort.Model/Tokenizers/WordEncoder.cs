using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text;

namespace Retort.Model.Tokenizers;

/// <summary>Turns words into ids: characters or bytes to their tokens, merges, and bounded memories of words met before.</summary>
sealed class WordEncoder
{
    const int StackSymbols = 512;

    readonly MergeTable _merges;
    readonly BytePairModel _model;
    readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _vocabulary;
    readonly int[]? _byteTokens;
    readonly int[]? _fallback;
    readonly bool _byteLevel;
    readonly SpaceCuts? _cuts;
    readonly ConcurrentBag<WordMemory> _memories = [];

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
        if (_byteLevel)
        {
            _byteTokens = [.. Enumerable.Range(0, 256).Select(value => vocabulary.GetValueOrDefault(ByteAlphabet.Character((byte)value).ToString(), -1))];
        }

        if (_model.ByteFallback)
        {
            _fallback = [.. Enumerable.Range(0, 256).Select(value => vocabulary.GetValueOrDefault($"<0x{value:X2}>", -1))];
        }

        if (!_byteLevel && !_model.IgnoreMerges)
        {
            _cuts = SpaceCuts.Of(definition, vocabulary);
        }
    }

    /// <summary>A memory for one text, which no other thread has meanwhile.</summary>
    internal WordMemory Borrow() => _memories.TryTake(out WordMemory? memory) ? memory : new WordMemory();

    internal void Return(WordMemory memory) => _memories.Add(memory);

    /// <summary>Appends the ids of one word. Well-formed text only.</summary>
    internal void Encode(ReadOnlySpan<char> word, WordMemory memory, List<int> ids)
    {
        if (_cuts is null)
        {
            Remember(word, memory, ids);
            return;
        }

        while (!word.IsEmpty)
        {
            int end = _cuts.Next(word);
            Remember(word[..end], memory, ids);
            word = word[end..];
        }
    }

    void Remember(ReadOnlySpan<char> word, WordMemory memory, List<int> ids)
    {
        if (word.Length > WordMemory.LongestWord)
        {
            Compute(word, ids);
            return;
        }

        ulong hash = WordMemory.Hash(word);
        if (!memory.TryAppend(word, hash, ids))
        {
            int first = ids.Count;
            Compute(word, ids);
            memory.Add(word, hash, CollectionsMarshal.AsSpan(ids)[first..]);
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
