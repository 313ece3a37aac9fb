namespace Retort.Samples.Tales;

/// <summary>Words as the tales count them: runs of letters, with apostrophes inside, in lower case.</summary>
public static class TaleWords
{
    public static IEnumerable<string> Of(string text)
    {
        for (var at = 0; at < text.Length; at++)
        {
            var start = at;
            while (at < text.Length && (char.IsLetter(text[at]) || (text[at] == '\'' && at > start && at + 1 < text.Length && char.IsLetter(text[at + 1]))))
            {
                at++;
            }
            if (at > start)
            {
                yield return text[start..at].ToLowerInvariant();
            }
        }
    }

    internal static IEnumerable<string> Of(IEnumerable<string> texts) => texts.SelectMany(Of);

    /// <summary>A pattern with its blanks taken out, so that the names of facts do not count as words.</summary>
    internal static string WithoutBlanks(string pattern)
    {
        for (int open; (open = pattern.IndexOf('{', StringComparison.Ordinal)) >= 0;)
        {
            pattern = pattern.Remove(open, pattern.IndexOf('}', open) - open + 1);
        }
        return pattern;
    }
}
