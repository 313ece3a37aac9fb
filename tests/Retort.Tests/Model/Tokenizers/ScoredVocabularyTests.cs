using System.Text;
using Retort.Model;
using Retort.Model.Tokenizers;

namespace Retort.Tests.Model.Tokenizers;

public class ScoredVocabularyTests
{
    const string Tok512 = "teachers/stories260K/tok512.bin";

    [Fact]
    public void StoriesVocabularyEncodesAsRunC()
    {
        string path = SharedFiles.Find(Tok512);
        var naive = new NaiveLlama2c(File.ReadAllBytes(path));
        Tokenizer tokenizer = Tokenizer.Open(path);
        Assert.Equal(512, tokenizer.VocabularySize);
        Assert.Equal((1, 2), (tokenizer.BeginToken, tokenizer.EndToken));
        var random = new RandomStream(1);
        foreach (string text in Samples.Texts.Concat(Enumerable.Range(0, 500).Select(_ => Samples.RandomText(random, 60))))
        {
            string plain = text.Replace('▁', '_');
            Assert.Equal(naive.Encode(plain), tokenizer.Encode(plain, parseSpecial: false));
            Assert.Equal(plain, tokenizer.Decode(tokenizer.Encode(plain, parseSpecial: false)));
        }
    }

    [Theory]
    [InlineData("greedy-256.txt")]
    [InlineData("greedy-once-upon-a-time-256.txt")]
    [InlineData("greedy-tom-256.txt")]
    public void StoriesRoundTrip(string story)
    {
        Tokenizer tokenizer = Tokenizer.Open(SharedFiles.Find(Tok512));
        string text = File.ReadAllText(SharedFiles.Find($"teachers/stories260K/{story}"));
        int[] ids = tokenizer.Encode(text);
        Assert.Equal(text, tokenizer.Decode(ids));
        Assert.True(ids.Length * 2 < text.Length);
    }

    [Fact]
    public void SavedStoriesVocabularyIsTheSame()
    {
        Tokenizer tokenizer = Tokenizer.Open(SharedFiles.Find(Tok512));
        using var folder = new ScratchFolder();
        tokenizer.Save(folder.Root);
        Tokenizer again = Tokenizer.Open(folder.Root);
        Assert.Null(Tokenizer.FirstDifference(tokenizer, again));
        Assert.Equal(tokenizer.Hash, again.Hash);
        Assert.Equal((1, 2), (again.BeginToken, again.EndToken));
        var random = new RandomStream(2);
        foreach (string text in Samples.Texts.Concat(Enumerable.Range(0, 300).Select(_ => Samples.RandomText(random, 60))))
        {
            Assert.Equal(tokenizer.Encode(text), again.Encode(text));
        }
    }

    [Theory]
    [InlineData(3)]
    [InlineData(40)]
    public void RandomVocabulariesEncodeAsRunCWithEqualScores(int scores)
    {
        using var folder = new ScratchFolder();
        for (ulong seed = 0; seed < 40; seed++)
        {
            var random = new RandomStream(seed, purpose: (ulong)scores);
            byte[] file = Samples.Scored(Samples.RandomPieces(random, 60, scores));
            File.WriteAllBytes(folder["tok.bin"], file);
            var naive = new NaiveLlama2c(file);
            Tokenizer tokenizer = Tokenizer.Open(folder["tok.bin"]);
            for (int length = 0; length < 120; length += 7)
            {
                string text = string.Concat(Enumerable.Range(0, length).Select(_ => " aaabbbccéd"[random.NextInt(11)]));
                Assert.Equal(naive.Encode(text), tokenizer.Encode(text));
            }
        }
    }

    [Fact]
    public void TokensAreSpelledAsSentencePieceDoes()
    {
        using var folder = new ScratchFolder();
        File.WriteAllBytes(folder["tok.bin"], Samples.Scored((" ", -9), ("a", -8), (" a", -1)));
        Tokenizer tokenizer = Tokenizer.Open(folder["tok.bin"]);
        Assert.Equal(["<unk>", "<s>", "</s>", "<0x00>"], Enumerable.Range(0, 4).Select(tokenizer.TokenText));
        Assert.Equal("▁a", tokenizer.TokenText(261));
        Assert.Equal(" a", Encoding.UTF8.GetString(tokenizer.TokenBytes(261)));
        Assert.Equal([0x0A], tokenizer.TokenBytes(13).ToArray());
        Assert.Equal([1, 261], tokenizer.Encode("a"));
        Assert.Equal([1, 259, 261], tokenizer.Encode(" a"));
        Assert.Equal([1, 259, 3 + 0xC3, 3 + 0xA9], tokenizer.Encode("é"));
        Assert.Equal([261, 2, 261], tokenizer.Encode("a</s>a", addSpecial: false));
        Assert.Equal("a a", tokenizer.Decode([1, 261, 2, 261]));
        Assert.Equal("<s> a", tokenizer.Decode([1, 261], skipSpecial: false));
        Assert.Equal("\uFFFD\uFFFDa", tokenizer.Decode([3 + 0xE2, 3 + 0x96, 260]));
        Assert.Equal([1], tokenizer.Encode(""));
    }

    [Fact]
    public void DamageIsNamedWithItsPlace()
    {
        byte[] good = Samples.Scored((" ", -9), ("a", -8));
        Fails(good[..2], "offset 0");
        Fails(good[..^1], "token 260");
        Fails(good[..40], "token");
        Fails([.. BitConverter.GetBytes(-1), .. good[4..]], "offset 0");
        Fails([.. good[..8], .. BitConverter.GetBytes(int.MaxValue), .. good[12..]], "token 0");
        Fails([.. good[..8], .. BitConverter.GetBytes(-5), .. good[12..]], "token 0");
        Fails([.. good[..^1], 0xFF], "token 260");
        Fails([.. good, .. good[^9..]], "token 261");
        Fails([.. good[..4], .. BitConverter.GetBytes(float.NaN), .. good[8..]], "token 0");
    }

    static void Fails(byte[] file, params string[] places)
    {
        using var folder = new ScratchFolder();
        File.WriteAllBytes(folder["tok.bin"], file);
        var error = Assert.Throws<UserError>(() => Tokenizer.Open(folder["tok.bin"]));
        Assert.StartsWith(folder["tok.bin"], error.Where, StringComparison.Ordinal);
        Assert.Contains(places, place => error.Where.Contains(place, StringComparison.Ordinal));
    }
}
