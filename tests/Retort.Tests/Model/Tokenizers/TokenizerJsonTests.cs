using System.Text.Json.Nodes;
using Retort.Model.Tokenizers;

namespace Retort.Tests.Model.Tokenizers;

public class TokenizerJsonTests
{
    static readonly JsonArray Cases = JsonNode.Parse(File.ReadAllText(GoldenFiles.Find("cases.json")))!.AsArray();
    static readonly string[] Texts = [.. JsonNode.Parse(File.ReadAllText(GoldenFiles.Find("texts.json")))!.AsArray().Select(text => text!.GetValue<string>())];

    public static TheoryData<string> Names => [.. Cases.Select(one => one!["name"]!.GetValue<string>())];

    [Theory]
    [MemberData(nameof(Names))]
    public void EncodesAndDecodesAsTheReference(string name)
    {
        using var folder = new ScratchFolder();
        JsonNode one = Write(name, folder["tokenizer.json"]);
        Agrees(Tokenizer.Open(folder.Root), one);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void SavedTokenizerIsTheSame(string name)
    {
        using var folder = new ScratchFolder();
        JsonNode one = Write(name, folder["tokenizer.json"]);
        Tokenizer tokenizer = Tokenizer.Open(folder.Root);
        tokenizer.Save(folder["again.json"]);
        Tokenizer again = Tokenizer.Open(folder["again.json"]);
        Assert.Null(Tokenizer.FirstDifference(tokenizer, again));
        Assert.Equal(tokenizer.Hash, again.Hash);
        Assert.Equal((tokenizer.BeginToken, tokenizer.EndToken), (again.BeginToken, again.EndToken));
        Agrees(again, one);
    }

    [Fact]
    public void EveryDeclaredDifferenceChangesTheHash()
    {
        using var folder = new ScratchFolder();
        var hashes = new HashSet<string>(StringComparer.Ordinal);
        foreach (JsonNode? one in Cases)
        {
            Write(one!["name"]!.GetValue<string>(), folder["tokenizer.json"]);
            Assert.True(hashes.Add(Tokenizer.Open(folder.Root).Hash), one["name"]!.GetValue<string>());
        }
    }

    [Fact]
    public void MergesMayBePairsOrTexts()
    {
        using var folder = new ScratchFolder();
        JsonNode json = Bytes();
        File.WriteAllText(folder["pairs.json"], json.ToJsonString());
        json["model"]!["merges"] = new JsonArray([.. json["model"]!["merges"]!.AsArray().Select(pair => (JsonNode)$"{pair![0]} {pair[1]}")]);
        File.WriteAllText(folder["texts.json"], json.ToJsonString());
        Assert.Equal(Tokenizer.Open(folder["pairs.json"]).Hash, Tokenizer.Open(folder["texts.json"]).Hash);
    }

    [Fact]
    public void ConfigNamesBeginAndEnd()
    {
        using var folder = new ScratchFolder();
        File.WriteAllText(folder["tokenizer.json"], Bytes().ToJsonString());
        Tokenizer without = Tokenizer.Open(folder.Root);
        Assert.Equal((null, null), (without.BeginToken, without.EndToken));
        File.WriteAllText(folder["tokenizer_config.json"], """{"bos_token": {"content": "<|user|>"}, "eos_token": "<|end|>", "chat_template": "kept"}""");
        Tokenizer with = Tokenizer.Open(folder.Root);
        Assert.Equal((1, 0), (with.BeginToken, with.EndToken));
        Assert.Equal(without.Hash, with.Hash);
        with.Save(folder.Root);
        Tokenizer again = Tokenizer.Open(folder.Root);
        Assert.Equal((1, 0), (again.BeginToken, again.EndToken));
        Assert.Contains("kept", File.ReadAllText(folder["tokenizer_config.json"]), StringComparison.Ordinal);
        Assert.Equal(2, Directory.GetFiles(folder.Root).Length);
        File.WriteAllText(folder["tokenizer_config.json"], """{"eos_token": "<|nowhere|>"}""");
        Assert.Contains("eos_token", Assert.Throws<UserError>(() => Tokenizer.Open(folder.Root)).Where, StringComparison.Ordinal);
    }

    [Fact]
    public void FirstDifferenceNamesTheToken()
    {
        Tokenizer a = Samples.Trained(300, "<|a|>"), b = Samples.Trained(300, "<|b|>"), longer = Samples.Trained(301, "<|a|>");
        Assert.Null(Tokenizer.FirstDifference(a, Samples.Trained(300, "<|a|>")));
        Assert.Equal(new VocabularyDifference(0, "<|a|>", "<|b|>", 300, 300), Tokenizer.FirstDifference(a, b));
        Assert.Equal(new VocabularyDifference(300, null, longer.TokenText(300), 300, 301), Tokenizer.FirstDifference(a, longer));
    }

    [Fact]
    public void IdsOutsideTheVocabularyAreTheCallersFault()
    {
        Tokenizer tokenizer = Samples.Trained(300);
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.Decode([300]));
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.Decode([-1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.TokenText(300));
    }

    [Fact]
    public void ThreadsShareATokenizer()
    {
        Tokenizer shared = Tokenizer.Open(GoldenFiles.Find("bytes.json"));
        int[][] alone = [.. Samples.Texts.Select(text => Tokenizer.Open(GoldenFiles.Find("bytes.json")).Encode(text))];
        int[][] together = [.. Enumerable.Repeat(Samples.Texts, 20).SelectMany(texts => texts).AsParallel().AsOrdered().WithDegreeOfParallelism(4).Select(text => shared.Encode(text))];
        Assert.All(together.Select((ids, at) => (ids, at)), one => Assert.Equal(alone[one.at % alone.Length], one.ids));
    }

    [Fact]
    public void LongWordsMergeAsShortOnes()
    {
        Tokenizer tokenizer = BytePairTrainer.Train([new string('a', 4096)], 264, []);
        Assert.Equal(Enumerable.Repeat(tokenizer.VocabularySize - 1, 32), tokenizer.Encode(new string('a', 32 << (tokenizer.VocabularySize - 256))));
    }

    internal static JsonNode Bytes() => JsonNode.Parse(File.ReadAllText(GoldenFiles.Find("bytes.json")))!;

    static JsonNode Write(string name, string path)
    {
        JsonNode one = Cases.Single(one => one!["name"]!.GetValue<string>() == name)!;
        JsonNode json = JsonNode.Parse(File.ReadAllText(GoldenFiles.Find($"{one["base"]}.json")))!;
        foreach (var (field, value) in one["changes"]!.AsObject())
        {
            if (field == "model")
            {
                foreach (var (setting, changed) in value!.AsObject())
                {
                    json["model"]![setting] = changed?.DeepClone();
                }
            }
            else
            {
                json[field] = value?.DeepClone();
            }
        }

        File.WriteAllText(path, json.ToJsonString());
        return one;
    }

    static void Agrees(Tokenizer tokenizer, JsonNode one)
    {
        foreach (var (text, result) in Texts.Zip(one["results"]!.AsArray()))
        {
            int[] ids = [.. result!["ids"]!.AsArray().Select(id => id!.GetValue<int>())];
            Assert.Equal(ids, tokenizer.Encode(text));
            Assert.Equal(result["decoded"]!.GetValue<string>(), tokenizer.Decode(ids));
            Assert.Equal(result["spelled"]!.GetValue<string>(), tokenizer.Decode(ids, skipSpecial: false));
        }
    }
}
