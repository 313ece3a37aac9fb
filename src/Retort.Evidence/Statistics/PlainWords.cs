using System.Text;

namespace Retort.Evidence.Statistics;

/// <summary>A word of a text.</summary>
/// <param name="Start">Where it begins, in UTF-16 units of the text.</param>
/// <param name="Hash">64 bits of its normalised spelling.</param>
public readonly record struct PlainWord(int Start, int Length, ulong Hash);

/// <summary>
/// The words of a text, for comparing texts that differ in case, punctuation and white space alone. A word is a run of letters, digits and the marks on
/// them, compared in lower case; everything else parts words, but an apostrophe within one, which is passed over. In scripts that put no space between
/// words (Han, kana, Thai and its neighbours) each character is one. Composed and decomposed spellings of an accent are different words.
/// </summary>
public static class PlainWords
{
    const ulong Offset = 0xCBF29CE484222325, Prime = 0x100000001B3;

    public static IReadOnlyList<PlainWord> Of(string text)
    {
        List<PlainWord> words = new(text.Length / 6);
        int start = -1, end = 0;
        ulong hash = Offset;
        void Close()
        {
            if (start >= 0)
            {
                words.Add(new(start, end - start, Mix(hash)));
                (start, hash) = (-1, Offset);
            }
        }

        for (int at = 0; at < text.Length;)
        {
            bool whole = Rune.TryGetRuneAt(text, at, out Rune rune);
            int length = whole ? rune.Utf16SequenceLength : 1;
            if (whole && IsPart(rune))
            {
                bool alone = IsAlone(rune.Value);
                if (alone)
                {
                    Close();
                }

                start = start < 0 ? at : start;
                end = at + length;
                hash = (hash ^ (uint)Rune.ToLowerInvariant(rune).Value) * Prime;
                if (alone)
                {
                    Close();
                }
            }
            else if (!whole || rune.Value is not ('\'' or '\u2019'))
            {
                Close();
            }

            at += length;
        }

        Close();
        return words;
    }

    /// <summary>64 bits of a text, as it is.</summary>
    public static ulong Hash(string text)
    {
        ulong hash = 0;
        foreach (char c in text)
        {
            hash = Mix(hash + c);
        }

        return hash;
    }

    /// <summary>Spreads a hash over all its bits; a bijection.</summary>
    public static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    static bool IsPart(Rune rune) => rune.IsAscii
        ? char.IsAsciiLetterOrDigit((char)rune.Value)
        : Rune.IsLetterOrDigit(rune) || Rune.GetUnicodeCategory(rune) is System.Globalization.UnicodeCategory.NonSpacingMark or System.Globalization.UnicodeCategory.SpacingCombiningMark or System.Globalization.UnicodeCategory.LetterNumber;

    /// <summary>Thai to Lao, Myanmar, Khmer, kana, Han with its extensions.</summary>
    static bool IsAlone(int value) =>
        value is (>= 0x0E00 and <= 0x0EFF) or (>= 0x1000 and <= 0x109F) or (>= 0x1780 and <= 0x17FF) or (>= 0x3040 and <= 0x30FF) or (>= 0x3400 and <= 0x4DBF) or (>= 0x4E00 and <= 0x9FFF) or (>= 0xF900 and <= 0xFAFF) or (>= 0x20000 and <= 0x323AF);
}
