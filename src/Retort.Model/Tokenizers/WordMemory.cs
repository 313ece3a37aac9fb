using System.Numerics;
using System.Runtime.InteropServices;

namespace Retort.Model.Tokenizers;

/// <summary>
/// The ids of words met before: an open-addressed table whose words and ids lie in two arrays. It starts anew when it is full, so that it holds
/// the words of the text at hand. For one thread at a time.
/// </summary>
sealed class WordMemory
{
    /// <summary>In UTF-16 units.</summary>
    internal const int LongestWord = 48;

    const int MostWords = 1 << 16, FirstSlots = 1 << 10, MostProbes = 16;

    struct Slot
    {
        /// <summary>0 where the slot is free.</summary>
        internal ulong Hash;
        internal int Word, Ids;
        internal ushort Length, Count;
    }

    Slot[] _slots = [];
    char[] _words = [];
    int[] _ids = [];
    int _count, _usedWords, _usedIds;

    /// <summary>Appends a word's ids where the word is known.</summary>
    internal bool TryAppend(ReadOnlySpan<char> word, ulong hash, List<int> ids)
    {
        Slot[] slots = _slots;
        for (int probe = 0; probe < MostProbes && slots.Length > 0; probe++)
        {
            ref Slot slot = ref slots[(int)((hash >> 32) + (ulong)probe) & (slots.Length - 1)];
            if (slot.Hash == 0)
            {
                return false;
            }

            if (slot.Hash == hash && word.SequenceEqual(_words.AsSpan(slot.Word, slot.Length)))
            {
                if (slot.Count == 1)
                {
                    ids.Add(slot.Ids);
                }
                else
                {
                    ids.AddRange(_ids.AsSpan(slot.Ids, slot.Count));
                }

                return true;
            }
        }

        return false;
    }

    /// <summary>Remembers a word that is not known yet.</summary>
    internal void Add(ReadOnlySpan<char> word, ulong hash, ReadOnlySpan<int> ids)
    {
        if (_count == MostWords)
        {
            Array.Clear(_slots);
            (_count, _usedWords, _usedIds) = (0, 0, 0);
        }

        if (_count * 2 >= _slots.Length)
        {
            Grow();
        }

        Slot slot = new() { Hash = hash, Word = _usedWords, Length = (ushort)word.Length, Ids = ids.Length == 1 ? ids[0] : _usedIds, Count = (ushort)ids.Length };
        if (!Place(slot))
        {
            return;
        }

        _count++;
        Append(ref _words, ref _usedWords, word);
        if (ids.Length != 1)
        {
            Append(ref _ids, ref _usedIds, ids);
        }
    }

    /// <summary>Multiplies four characters at a time into the hash, the last four perhaps twice; never 0.</summary>
    internal static ulong Hash(ReadOnlySpan<char> word)
    {
        const ulong odd = 0x9E3779B97F4A7C15;
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(word);
        ulong hash = (ulong)word.Length * odd;
        if (bytes.Length < 8)
        {
            foreach (char c in word)
            {
                hash = (hash << 16) + c;
            }
        }
        else
        {
            for (int at = 0; at + 8 < bytes.Length; at += 8)
            {
                hash = BitOperations.RotateLeft((hash ^ MemoryMarshal.Read<ulong>(bytes[at..])) * odd, 29);
            }

            hash ^= MemoryMarshal.Read<ulong>(bytes[^8..]);
        }

        hash *= odd;
        return (hash ^ (hash >> 29)) | 1;
    }

    bool Place(Slot slot)
    {
        for (int probe = 0; probe < MostProbes; probe++)
        {
            ref Slot place = ref _slots[(int)((slot.Hash >> 32) + (ulong)probe) & (_slots.Length - 1)];
            if (place.Hash == 0)
            {
                place = slot;
                return true;
            }
        }

        return false;
    }

    void Grow()
    {
        Slot[] old = _slots;
        _slots = new Slot[Math.Max(FirstSlots, old.Length * 2)];
        foreach (Slot slot in old)
        {
            if (slot.Hash != 0)
            {
                Place(slot);
            }
        }
    }

    static void Append<T>(ref T[] values, ref int used, ReadOnlySpan<T> more)
    {
        if (used + more.Length > values.Length)
        {
            Array.Resize(ref values, Math.Max(values.Length * 2, used + more.Length + 4096));
        }

        more.CopyTo(values.AsSpan(used));
        used += more.Length;
    }
}
