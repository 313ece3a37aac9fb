using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Retort.Model.Tokenizers;

/// <summary>
/// A pattern of a tokenizer.json, given as Oniguruma's regular expression or as literal text, and where it matches. Code points beyond
/// U+FFFF are matched by their general category, which a .NET expression would not do: each stands in as one character of the category.
/// </summary>
sealed class SplitPattern
{
    /// <summary>GPT-2's word pattern (Radford et al. 2019), which llama.cpp calls "gpt-2".</summary>
    internal const string Gpt2 = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    /// <summary>The word pattern of Llama 3 and cl100k.</summary>
    internal const string Llama3 =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>The word pattern of Qwen 2 and 3.</summary>
    internal const string Qwen2 =
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    const int TimeoutSeconds = 60;

    readonly string _where;
    readonly Regex? _regex;

    SplitPattern(string text, bool isRegex, Regex? regex, string where)
    {
        (Text, IsRegex, _regex, _where) = (text, isRegex, regex, where);
        Scanner = WordScanner.Of(this);
    }

    /// <summary>The pattern as its file spells it.</summary>
    internal string Text { get; }

    internal bool IsRegex { get; }

    /// <summary>Code that finds the same words, for the patterns that most models have.</summary>
    internal WordScanner? Scanner { get; }

    internal static SplitPattern Literal(string text, string where) => text.Length > 0
        ? new(text, isRegex: false, regex: null, where)
        : throw new UserError("the pattern is empty", where, "Give the text to split on.");

    /// <exception cref="UserError">The expression is malformed or uses what is not supported, which is named.</exception>
    internal static SplitPattern Expression(string text, string where)
    {
        if (text is Gpt2 or Llama3 or Qwen2)
        {
            return new(text, isRegex: true, regex: null, where);
        }

        string translated = PatternTranslation.Translate(text, where);
        try
        {
            return new(text, isRegex: true, new Regex(translated, RegexOptions.CultureInvariant, TimeSpan.FromSeconds(TimeoutSeconds)), where);
        }
        catch (ArgumentException error)
        {
            throw new UserError($"the regular expression is malformed ({error.Message.TrimEnd('.')})", where, "Correct the pattern.");
        }
    }

    /// <summary>Adds where the pattern matches in <paramref name="text"/>, as starts and lengths in order, empty matches left out.</summary>
    internal void Find(ReadOnlySpan<char> text, List<(int Start, int Length)> matches)
    {
        if (!IsRegex)
        {
            for (int from = 0; text[from..].IndexOf(Text, StringComparison.Ordinal) is >= 0 and var at; from += at + Text.Length)
            {
                matches.Add((from + at, Text.Length));
            }

            return;
        }

        if (Scanner is not null)
        {
            for (int start = 0; start < text.Length;)
            {
                int end = Scanner.End(text, start);
                matches.Add((start, end - start));
                start = end;
            }

            return;
        }

        int first = matches.Count;
        bool wide = text.IndexOfAnyInRange('\uD800', '\uDFFF') >= 0;
        char[] stand = wide ? new char[text.Length] : [];
        ReadOnlySpan<char> subject = wide ? stand.AsSpan(0, StandIn(text, stand)) : text;
        try
        {
            foreach (ValueMatch match in _regex!.EnumerateMatches(subject))
            {
                if (match.Length > 0)
                {
                    matches.Add((match.Index, match.Length));
                }
            }
        }
        catch (RegexMatchTimeoutException)
        {
            throw new UserError($"the regular expression took over {TimeoutSeconds} seconds on one text", _where, "Use a pattern that does not backtrack so.");
        }

        if (wide)
        {
            Widen(text, matches, first);
        }
    }

    /// <summary>The category's stand-in: one rare character of the basic plane with the same general category.</summary>
    internal static char StandIn(UnicodeCategory category) => category switch
    {
        UnicodeCategory.UppercaseLetter => '\uA7B6',
        UnicodeCategory.LowercaseLetter => '\uA7B7',
        UnicodeCategory.TitlecaseLetter => '\u1FBC',
        UnicodeCategory.ModifierLetter => '\uA9CF',
        UnicodeCategory.OtherLetter => '\uA000',
        UnicodeCategory.NonSpacingMark => '\uA8C4',
        UnicodeCategory.SpacingCombiningMark => '\uA880',
        UnicodeCategory.EnclosingMark => '\u20DD',
        UnicodeCategory.DecimalDigitNumber => '\uA8D0',
        UnicodeCategory.LetterNumber => '\uA6E6',
        UnicodeCategory.OtherNumber => '\uA830',
        UnicodeCategory.ConnectorPunctuation => '\uFE4D',
        UnicodeCategory.DashPunctuation => '\u2E3A',
        UnicodeCategory.OpenPunctuation => '\u2E22',
        UnicodeCategory.ClosePunctuation => '\u2E23',
        UnicodeCategory.InitialQuotePunctuation => '\u2E02',
        UnicodeCategory.FinalQuotePunctuation => '\u2E03',
        UnicodeCategory.OtherPunctuation => '\uA8CE',
        UnicodeCategory.MathSymbol => '\u2A00',
        UnicodeCategory.CurrencySymbol => '\uA838',
        UnicodeCategory.ModifierSymbol => '\uA700',
        UnicodeCategory.OtherSymbol => '\uA828',
        UnicodeCategory.Format => '\uFFF9',
        UnicodeCategory.PrivateUse => '\uE000',
        _ => '\uFFFF',
    };

    static int StandIn(ReadOnlySpan<char> text, Span<char> stand)
    {
        int count = 0;
        for (int i = 0; i < text.Length; i++, count++)
        {
            stand[count] = text[i];
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
            {
                stand[count] = StandIn(Rune.GetUnicodeCategory(new Rune(text[i], text[i + 1])));
                i++;
            }
        }

        return count;
    }

    static void Widen(ReadOnlySpan<char> text, List<(int Start, int Length)> matches, int first)
    {
        int narrow = 0, wide = 0;
        for (int m = first; m < matches.Count; m++)
        {
            var (start, length) = matches[m];
            int wideStart = Advance(text, start, ref narrow, ref wide);
            matches[m] = (wideStart, Advance(text, start + length, ref narrow, ref wide) - wideStart);
        }
    }

    static int Advance(ReadOnlySpan<char> text, int to, ref int narrow, ref int wide)
    {
        for (; narrow < to; narrow++)
        {
            wide += char.IsHighSurrogate(text[wide]) && wide + 1 < text.Length && char.IsLowSurrogate(text[wide + 1]) ? 2 : 1;
        }

        return wide;
    }
}
