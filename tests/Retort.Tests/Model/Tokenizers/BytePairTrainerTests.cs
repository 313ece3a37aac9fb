using System.Text;
using System.Text.RegularExpressions;
using FsCheck;
using FsCheck.Fluent;
using Retort.Model;
using Retort.Model.Tokenizers;

namespace Retort.Tests.Model.Tokenizers;

public class BytePairTrainerTests
{
    static readonly Tokenizer Trained = Samples.Trained(420, "<|user|>", "<|end|>", "<|é|>");

    [Fact]
    public void MergesAreThoseOfCountingEveryTimeAnew()
    {
        for (ulong seed = 0; seed < 12; seed++)
        {
            var random = new RandomStream(seed, purpose: 3);
            string[] texts = [.. Enumerable.Range(0, 20).Select(_ => string.Concat(Enumerable.Range(0, random.NextInt(40)).Select(_ => " aab c\n1"[random.NextInt(8)])))];
            int size = 256 + 1 + random.NextInt(60);
            Tokenizer trained = BytePairTrainer.Train(texts, size, ["<|end|>"]);
            Assert.Equal(NaiveTokens(texts, size - 1), Enumerable.Range(257, trained.VocabularySize - 257).Select(trained.TokenText));
        }
    }

    [Fact]
    public void IdsAreSpecialsThenBytesThenMerges()
    {
        Assert.Equal(["<|user|>", "<|end|>", "<|é|>", "!", "\""], Enumerable.Range(0, 5).Select(Trained.TokenText));
        Assert.Equal(420, Trained.VocabularySize);
        Assert.Equal(256, Enumerable.Range(3, 256).Select(id => Trained.TokenBytes(id)[0]).Distinct().Count());
        Assert.All(Enumerable.Range(259, 161), id => Assert.True(Trained.TokenBytes(id).Length > 1));
    }

    [Fact]
    public void OrderOfTextsDoesNotMatter() =>
        Assert.Equal(Trained.Hash, BytePairTrainer.Train(Samples.Texts.Reverse(), 420, ["<|user|>", "<|end|>", "<|é|>"]).Hash);

    [Fact]
    public void SpecialTokensAreNotTrainedOn()
    {
        Tokenizer trained = BytePairTrainer.Train(Enumerable.Repeat("<|end|>ab<|end|>", 9), 300, ["<|end|>"]);
        Assert.Equal(258, trained.VocabularySize);
        Assert.Equal("ab", trained.TokenText(257));
    }

    [Fact]
    public void NoMergeSpellsASpecialToken()
    {
        Tokenizer trained = BytePairTrainer.Train(["and andy band"], 300, ["an"]);
        Assert.Single(Enumerable.Range(0, trained.VocabularySize), id => trained.TokenText(id) == "an");
        Assert.Equal("and", trained.Decode(trained.Encode("and", parseSpecial: false)));
    }

    [Fact]
    public void BadSpecialTokensAreTheCallersFault()
    {
        Assert.Throws<ArgumentException>(() => Samples.Trained(300, ""));
        Assert.Throws<ArgumentException>(() => Samples.Trained(300, "x", "x"));
        Assert.Throws<ArgumentException>(() => Samples.Trained(300, "a"));
        Assert.Throws<ArgumentException>(() => Samples.Trained(300, "bad\ud800"));
        Assert.Throws<ArgumentOutOfRangeException>(() => Samples.Trained(256, "<|end|>"));
    }

    [Fact]
    public void AnyTextComesBack()
    {
        Gen<string> piece = Gen.OneOf(
            Gen.Choose(0, 0x7F).Select(unit => ((char)unit).ToString()),
            Gen.Choose(0, 0xFFFF).Select(unit => ((char)unit).ToString()),
            Gen.Choose(0x10000, 0x10FFFF).Select(char.ConvertFromUtf32),
            Gen.Elements("<|user|>", "<|end|>", "<|00e9|>", "<|", "|>", " ", "the", "\n"));
        Arbitrary<string> texts = piece.ListOf().Select(string.Concat).ToArbitrary();
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(500).WithQuietOnSuccess(true), Prop.ForAll(texts, Returns));
    }

    [Fact]
    public void TextsOfEveryKindComeBack()
    {
        var random = new RandomStream(5);
        foreach (string text in Samples.Texts.Concat(Enumerable.Range(0, 2000).Select(_ => Samples.RandomText(random, 40) + "<|user|><|é|>")))
        {
            Assert.True(Returns(text), text);
        }
    }

    [Fact]
    public void LoneSurrogatesBecomeTheReplacementCharacter()
    {
        Assert.Equal("a\uFFFDb\uFFFD", Trained.Decode(Trained.Encode("a\ud800b\udc00")));
        Assert.Equal("\U0001F642", Trained.Decode(Trained.Encode("\ud83d\ude42")));
    }

    [Fact]
    public void SpecialTokensInTextAreOneTokenOrPlainText()
    {
        Assert.Equal([0, .. Trained.Encode("hi"), 1], Trained.Encode("<|user|>hi<|end|>"));
        Assert.Equal("hi", Trained.Decode(Trained.Encode("<|user|>hi<|end|>")));
        Assert.DoesNotContain(Trained.Encode("<|user|>hi<|end|>", parseSpecial: false), Trained.IsSpecial);
    }

    /// <summary>Every way of encoding and decoding gives the text back, with lone surrogates replaced.</summary>
    static bool Returns(string text)
    {
        string expected = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
        return Trained.Decode(Trained.Encode(text), skipSpecial: false) == expected
            && Trained.Decode(Trained.Encode(text, parseSpecial: false)) == expected;
    }

    static List<string> NaiveTokens(string[] texts, int size)
    {
        var words = texts
            .SelectMany(text => Regex.Matches(text, @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+").Select(match => match.Value))
            .Select(word => word.Replace(' ', 'Ġ').Replace('\n', 'Ċ').Select(letter => letter.ToString()).ToList())
            .ToList();
        List<string> found = [];
        List<string> order = [.. Enumerable.Range('!', 94).Select(letter => ((char)letter).ToString()), "Ċ", "Ġ"];
        while (256 + found.Count < size)
        {
            var pairs = words
                .SelectMany(word => word.Zip(word.Skip(1)))
                .GroupBy(pair => pair)
                .OrderByDescending(group => group.Count())
                .ThenBy(group => Rank(group.Key.First))
                .ThenBy(group => Rank(group.Key.Second))
                .ToList();
            if (pairs.Count == 0)
            {
                break;
            }

            var (left, right) = pairs[0].Key;
            if (!found.Contains(left + right))
            {
                found.Add(left + right);
            }

            foreach (List<string> word in words)
            {
                for (int i = 0; i + 1 < word.Count; i++)
                {
                    if (word[i] == left && word[i + 1] == right)
                    {
                        word[i] += right;
                        word.RemoveAt(i + 1);
                    }
                }
            }
        }

        return found;

        int Rank(string token) => token.Length == 1 ? order.IndexOf(token) : 1000 + found.IndexOf(token);
    }
}
