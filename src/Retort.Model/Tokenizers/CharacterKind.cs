using System.Globalization;
using System.Text;

namespace Retort.Model.Tokenizers;

/// <summary>What the word patterns of GPT-2 and its successors tell characters apart by.</summary>
enum CharacterKind : byte
{
    /// <summary>Neither of the others: punctuation, symbols, marks, control characters.</summary>
    Other,

    /// <summary>\p{L}.</summary>
    Letter,

    /// <summary>\p{N}.</summary>
    Number,

    /// <summary>\s but for the line ends.</summary>
    Space,

    /// <summary>\r or \n.</summary>
    LineEnd,

    /// <summary>Half of a character beyond U+FFFF, whose kind the two halves have together.</summary>
    Half,
}

static class CharacterKinds
{
    static readonly CharacterKind[] s_kinds = [.. Enumerable.Range(0, 0x10000).Select(value => char.IsSurrogate((char)value) ? CharacterKind.Half : Of((char)value, CharUnicodeInfo.GetUnicodeCategory((char)value)))];

    /// <summary>The kind of the character at <paramref name="at"/> of well-formed text, and how many UTF-16 units it has.</summary>
    internal static CharacterKind At(ReadOnlySpan<char> text, int at, out int length)
    {
        CharacterKind kind = s_kinds[text[at]];
        length = 1;
        if (kind != CharacterKind.Half)
        {
            return kind;
        }

        Rune.DecodeFromUtf16(text[at..], out Rune rune, out length);
        return Of('\uFFFD', Rune.GetUnicodeCategory(rune));
    }

    /// <summary>The end of the run of one kind that begins at <paramref name="at"/>, perhaps empty, of at most so many characters.</summary>
    internal static int RunEnd(ReadOnlySpan<char> text, int at, CharacterKind kind, int most = int.MaxValue)
    {
        for (; most > 0 && at < text.Length; most--)
        {
            CharacterKind found = s_kinds[text[at]];
            int length = 1;
            if ((found == CharacterKind.Half ? At(text, at, out length) : found) != kind)
            {
                break;
            }

            at += length;
        }

        return at;
    }

    static CharacterKind Of(char value, UnicodeCategory category) => value switch
    {
        '\r' or '\n' => CharacterKind.LineEnd,
        '\t' or '\v' or '\f' or '\u0085' => CharacterKind.Space,
        _ => category switch
        {
            UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter => CharacterKind.Letter,
            UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => CharacterKind.Number,
            UnicodeCategory.SpaceSeparator or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator => CharacterKind.Space,
            _ => CharacterKind.Other,
        },
    };
}
