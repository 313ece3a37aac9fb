using System.Buffers;
using System.Text;

namespace Retort.Model.Tokenizers;

/// <summary>Finds added tokens in text: the leftmost, and of those at one place the longest.</summary>
sealed class AddedTokenFinder
{
    readonly Dictionary<char, (string Text, AddedToken Token)[]> _byFirst;
    readonly SearchValues<char> _firsts;

    /// <param name="tokens">Each token with the text to look for, which normalization may have changed.</param>
    internal AddedTokenFinder(IEnumerable<(string Text, AddedToken Token)> tokens)
    {
        _byFirst = tokens.Where(token => token.Text.Length > 0)
            .GroupBy(token => token.Text[0])
            .ToDictionary(group => group.Key, group => group.OrderByDescending(token => token.Text.Length).ToArray());
        _firsts = SearchValues.Create([.. _byFirst.Keys]);
    }

    /// <summary>The next token at or after <paramref name="from"/>, with the stretch of text it takes up.</summary>
    internal AddedToken? Next(ReadOnlySpan<char> text, int from, out int start, out int end)
    {
        int earliest = from;
        while (from < text.Length && text[from..].IndexOfAny(_firsts) is >= 0 and var skip)
        {
            from += skip;
            foreach (var (spelling, token) in _byFirst[text[from]])
            {
                if (!text[from..].StartsWith(spelling, StringComparison.Ordinal))
                {
                    continue;
                }

                (start, end) = (from, from + spelling.Length);
                if (token.SingleWord && (EndsInWord(text[..start]) || BeginsWithWord(text[end..])))
                {
                    from = end - 1;
                    break;
                }

                if (token.StripLeft)
                {
                    start = Math.Max(earliest, text[..start].TrimEnd().Length);
                }

                if (token.StripRight)
                {
                    end = text.Length - text[end..].TrimStart().Length;
                }

                return token;
            }

            from++;
        }

        (start, end) = (text.Length, text.Length);
        return null;
    }

    static bool EndsInWord(ReadOnlySpan<char> text) => Rune.DecodeLastFromUtf16(text, out Rune last, out _) == OperationStatus.Done && IsWord(last);

    static bool BeginsWithWord(ReadOnlySpan<char> text) => Rune.DecodeFromUtf16(text, out Rune first, out _) == OperationStatus.Done && IsWord(first);

    static bool IsWord(Rune rune) => Rune.IsLetterOrDigit(rune) || Rune.GetUnicodeCategory(rune) is
        System.Globalization.UnicodeCategory.ConnectorPunctuation or System.Globalization.UnicodeCategory.NonSpacingMark
        or System.Globalization.UnicodeCategory.SpacingCombiningMark or System.Globalization.UnicodeCategory.EnclosingMark
        or System.Globalization.UnicodeCategory.LetterNumber;
}
