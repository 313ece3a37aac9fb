namespace Retort.Model.Tokenizers;

/// <summary>
/// Where a text over characters may be cut into words without changing its ids: before a "▁" that no merge can join to what stands before it.
/// Of the vocabularies in use most join nothing there, so that texts fall into words that can be remembered.
/// </summary>
sealed class SpaceCuts
{
    const char Space = '▁';

    readonly bool[] _joined;

    SpaceCuts(bool[] joined) => _joined = joined;

    /// <summary>The cuts of a tokenizer, or null where it may not be cut: where "▁" is no token, and so would become bytes or unknown.</summary>
    internal static SpaceCuts? Of(TokenizerDefinition definition, Dictionary<string, int> vocabulary)
    {
        if (!vocabulary.ContainsKey(Space.ToString()))
        {
            return null;
        }

        // A merge joins tokens whose spellings end and begin with the two characters, however they came to be.
        bool[] joined = new bool[char.MaxValue + 1];
        joined[Space] = true;
        foreach (Merge merge in definition.Merges)
        {
            string left = definition.Tokens[merge.Left]!, right = definition.Tokens[merge.Right]!;
            if (left.Length == 0 || right.Length == 0)
            {
                return null;
            }

            joined[left[^1]] |= right[0] == Space;
        }

        // A character that is no token stands there as <0xNN> or the unknown token and ends as that does, or is left out.
        string? unknown = definition.Model.Unknown is { } id ? definition.Tokens[id] : null;
        if (joined['>'] || unknown is not { Length: > 0 } || joined[unknown[^1]])
        {
            for (int value = 0; value < joined.Length; value++)
            {
                joined[value] |= !vocabulary.ContainsKey(((char)value).ToString());
            }
        }

        return new SpaceCuts(joined);
    }

    /// <summary>The length of the first word of a text that is not empty.</summary>
    internal int Next(ReadOnlySpan<char> text)
    {
        for (int at = 1; at < text.Length; at++)
        {
            int found = text[at..].IndexOf(Space);
            if (found < 0)
            {
                break;
            }

            at += found;
            if (!_joined[text[at - 1]])
            {
                return at;
            }
        }

        return text.Length;
    }
}
