using System.Text.RegularExpressions;
using Retort.Model;
using Retort.Model.Tokenizers;

namespace Retort.Tests.Model.Tokenizers;

/// <summary>The quick paths from text to words and from words to ids, beside the slow ones they stand for.</summary>
public class WordTests
{
    [Theory]
    [InlineData(SplitPattern.Gpt2)]
    [InlineData(SplitPattern.Llama3)]
    [InlineData(SplitPattern.Qwen2)]
    public void ScannersFindWhatTheExpressionsFind(string pattern)
    {
        const string letters = "aſbestDLMRTVré漢١ⅷ½0123456789''''      \t\r\n\n\u0085\u00a0\u2028.,-!?$\u0301\u200d\0";
        var regex = new Regex(PatternTranslation.Translate(pattern, "here"), RegexOptions.CultureInvariant);
        WordScanner scanner = WordScanner.Of(SplitPattern.Expression(pattern, "here"))!;
        var random = new RandomStream(21);
        for (int round = 0; round < 20_000; round++)
        {
            string text = string.Concat(Enumerable.Range(0, 1 + random.NextInt(30)).Select(_ => random.NextInt(8) > 0 ? letters[random.NextInt(letters.Length)] : (char)random.NextInt(0xD800)));
            List<string> words = [];
            for (int start = 0, end; start < text.Length; start = end)
            {
                end = scanner.End(text, start);
                words.Add(text[start..end]);
            }

            Assert.Equal(regex.Matches(text).Select(match => match.Value), words);
        }
    }

    /// <summary>Beside what huggingface/tokenizers removes when it splits by the pattern.</summary>
    [Theory]
    [InlineData("'(?i:[sdmt]|ll|ve|re)", "x'\u017Fa'Ss", "x|a|s")]
    [InlineData("(?i:'s|(?:b)s)x", "y'\u017FxyB\u017Fxy", "y|y|y")]
    [InlineData("(?i:a)s", "yAsyA\u017Fy", "y|yA\u017Fy")]
    [InlineData("(?i:[^s]y)", "\u017FyyAy", "\u017F")]
    [InlineData("(?i:[a-z]k)", "\u017F\u212A.", ".")]
    [InlineData("(?i:[st]k)", "\u017Fk.Tk,SK", ".|,")]
    public void TheLongSIsAnS(string pattern, string text, string rest)
    {
        List<(int Start, int Length)> matches = [];
        SplitPattern.Expression(pattern, "here").Find(text, matches);
        char[] left = text.ToCharArray();
        foreach (var (start, length) in matches)
        {
            left.AsSpan(start, length).Fill('|');
        }

        Assert.Equal(rest, string.Join('|', new string(left).Split('|', StringSplitOptions.RemoveEmptyEntries)));
    }

    [Fact]
    public void MoreWordsThanAreRememberedKeepTheirIds()
    {
        Tokenizer busy = Samples.Trained(), idle = Samples.Trained();
        string text = string.Join(' ', Enumerable.Range(0, 70_000).Select(i => $"w{(char)('a' + (i % 26))}{(char)('a' + (i / 26 % 26))}{(char)('a' + (i / 676 % 26))}{(char)('a' + (i / 17576 % 26))}"));
        int[] first = busy.Encode(text);
        Assert.Equal(first, busy.Encode(text));
        Assert.Equal(text, busy.Decode(first));
        string last = text[^4000..];
        Assert.Equal(idle.Encode(last), busy.Encode(last));
    }

    [Fact]
    public void WordsOfOneHashKeepApart()
    {
        var memory = new WordMemory();
        List<int> ids = [];
        for (int i = 0; i < 20; i++)
        {
            memory.Add($"word {i}", 77, Enumerable.Range(i, i % 3).ToArray());
        }

        for (int i = 0; i < 20; i++)
        {
            ids.Clear();
            bool known = memory.TryAppend($"word {i}", 77, ids);
            Assert.Equal(i < 16, known);
            Assert.Equal(known ? Enumerable.Range(i, i % 3) : [], ids);
        }
    }
}
