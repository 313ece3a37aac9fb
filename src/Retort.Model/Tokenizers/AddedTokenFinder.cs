using System.Buffers;
using System.Text;

namespace Retort.Model.Tokenizers;

/// <summary>Finds added tokens in text: the leftmost, and of those at one place the longest.</summary>
sealed class AddedTokenFinder
{
    readonly SearchValues<char> _firsts;

    /// <summary>A trie: the node after a node and a character, and the token that ends at a node.</summary>
    readonly Dictionary<(int Node, char Next), int> _nodes = [];
    readonly List<(AddedToken? Token, int Length)> _ends = [(null, 0)];

    /// <param name="tokens">Each token with the text to look for, which normalization may have changed. Of two with the same text the first counts.</param>
    internal AddedTokenFinder(IEnumerable<(string Text, AddedToken Token)> tokens)
    {
        var firsts = new HashSet<char>();
        foreach (var (text, token) in tokens)
        {
            if (text.Length == 0)
            {
                continue;
            }

            firsts.Add(text[0]);
            int node = 0;
            foreach (char c in text)
            {
                if (!_nodes.TryGetValue((node, c), out int next))
                {
                    next = _ends.Count;
                    _nodes.Add((node, c), next);
                    _ends.Add((null, 0));
                }

                node = next;
            }

            if (_ends[node].Token is null)
            {
                _ends[node] = (token, text.Length);
            }
        }

        _firsts = SearchValues.Create([.. firsts]);
    }

    /// <summary>The next token at or after <paramref name="from"/>, with the stretch of text it takes up.</summary>
    internal AddedToken? Next(ReadOnlySpan<char> text, int from, out int start, out int end)
    {
        int earliest = from;
        while (from < text.Length && text[from..].IndexOfAny(_firsts) is >= 0 and var skip)
        {
            from += skip;
            if (Longest(text[from..]) is (AddedToken token, var length))
            {
                (start, end) = (from, from + length);
                if (!token.SingleWord || !(EndsInWord(text[..start]) || BeginsWithWord(text[end..])))
                {
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

                from = end - 1;
            }

            from++;
        }

        (start, end) = (text.Length, text.Length);
        return null;
    }

    /// <summary>The longest token that the text begins with.</summary>
    (AddedToken? Token, int Length) Longest(ReadOnlySpan<char> text)
    {
        (AddedToken?, int) longest = (null, 0);
        int node = 0;
        foreach (char c in text)
        {
            if (!_nodes.TryGetValue((node, c), out node))
            {
                break;
            }

            if (_ends[node].Token is not null)
            {
                longest = _ends[node];
            }
        }

        return longest;
    }

    static bool EndsInWord(ReadOnlySpan<char> text) => Rune.DecodeLastFromUtf16(text, out Rune last, out _) == OperationStatus.Done && IsWord(last);

    static bool BeginsWithWord(ReadOnlySpan<char> text) => Rune.DecodeFromUtf16(text, out Rune first, out _) == OperationStatus.Done && IsWord(first);

    static bool IsWord(Rune rune) => Rune.IsLetterOrDigit(rune) || Rune.GetUnicodeCategory(rune) is
        System.Globalization.UnicodeCategory.ConnectorPunctuation or System.Globalization.UnicodeCategory.NonSpacingMark
        or System.Globalization.UnicodeCategory.SpacingCombiningMark or System.Globalization.UnicodeCategory.EnclosingMark
        or System.Globalization.UnicodeCategory.LetterNumber;
}
