namespace Retort.Model.Tokenizers;

/// <summary>
/// The word patterns of GPT-2, Llama 3 and Qwen 2 (<see cref="SplitPattern"/>) as code: the same words as the regular expressions, several
/// times as fast. Their alternatives meet every character, so that words follow one another without a gap.
/// </summary>
sealed class WordScanner
{
    internal static readonly WordScanner Gpt2 = new(digits: int.MaxValue, newer: false), Llama3 = new(digits: 3, newer: true), Qwen2 = new(digits: 1, newer: true);

    readonly int _digits;
    readonly bool _newer;

    /// <param name="digits">Most characters of a number.</param>
    /// <param name="newer">Any character but a line end or number may lead a word, line ends stand apart, and contractions go by either case.</param>
    WordScanner(int digits, bool newer) => (_digits, _newer) = (digits, newer);

    /// <summary>The scanner of a pattern, or null where it has none.</summary>
    internal static WordScanner? Of(SplitPattern pattern) => !pattern.IsRegex ? null : pattern.Text switch
    {
        SplitPattern.Gpt2 => Gpt2,
        SplitPattern.Llama3 => Llama3,
        SplitPattern.Qwen2 => Qwen2,
        _ => null,
    };

    /// <summary>Where the word that begins at <paramref name="start"/> of well-formed text ends.</summary>
    internal int End(ReadOnlySpan<char> text, int start)
    {
        if (text[start] == '\'' && Contraction(text[(start + 1)..]) is > 0 and var letters)
        {
            return start + 1 + letters;
        }

        CharacterKind kind = CharacterKinds.At(text, start, out int length);
        if (kind == CharacterKind.Letter)
        {
            return CharacterKinds.RunEnd(text, start + length, kind);
        }

        int second = start + length;
        bool one = text[start] == ' ', hasSecond = second < text.Length;
        CharacterKind next = hasSecond ? CharacterKinds.At(text, second, out _) : kind;
        if (hasSecond && next == CharacterKind.Letter && (one || (_newer && kind is CharacterKind.Other or CharacterKind.Space)))
        {
            return CharacterKinds.RunEnd(text, second, next);
        }

        if (kind == CharacterKind.Number)
        {
            return CharacterKinds.RunEnd(text, start, kind, _digits);
        }

        if (one && hasSecond && next == CharacterKind.Number && !_newer)
        {
            return CharacterKinds.RunEnd(text, second, next);
        }

        if (kind == CharacterKind.Other || (one && hasSecond && next == CharacterKind.Other))
        {
            int end = CharacterKinds.RunEnd(text, kind == CharacterKind.Other ? start : second, CharacterKind.Other);
            return _newer ? CharacterKinds.RunEnd(text, end, CharacterKind.LineEnd) : end;
        }

        return Space(text, start);
    }

    /// <summary>
    /// White space goes up to its last line end where line ends stand apart; otherwise all of it, but for the last character where something
    /// follows that may want it.
    /// </summary>
    int Space(ReadOnlySpan<char> text, int start)
    {
        int end = start, afterLine = -1;
        for (; end < text.Length; end++)
        {
            CharacterKind kind = CharacterKinds.At(text, end, out _);
            if (kind == CharacterKind.LineEnd)
            {
                afterLine = end + 1;
            }
            else if (kind != CharacterKind.Space)
            {
                break;
            }
        }

        return _newer && afterLine > 0 ? afterLine : end < text.Length && end > start + 1 ? end - 1 : end;
    }

    /// <summary>How many letters after an apostrophe belong to it: s, t, m, d, re, ve, ll.</summary>
    int Contraction(ReadOnlySpan<char> rest)
    {
        char first = rest.Length > 0 ? Fold(rest[0]) : '\0', second = rest.Length > 1 ? Fold(rest[1]) : '\0';
        return (first, second) switch
        {
            ('s' or 't' or 'm' or 'd', _) => 1,
            ('r' or 'v', 'e') or ('l', 'l') => 2,
            _ => 0,
        };
    }

    /// <summary>U+017F, the long s, is the one other character that any of these letters equals without regard to case.</summary>
    char Fold(char letter) => !_newer ? letter : letter == '\u017F' ? 's' : letter is >= 'A' and <= 'Z' ? (char)(letter | 0x20) : letter;
}
