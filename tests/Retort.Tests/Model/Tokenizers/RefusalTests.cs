using System.Text;
using System.Text.Json.Nodes;
using Retort.Model.Tokenizers;

namespace Retort.Tests.Model.Tokenizers;

public class RefusalTests
{
    [Theory]
    [InlineData("model.type", "\"Unigram\"", "Unigram", "model.type")]
    [InlineData("model.continuing_subword_prefix", "\"##\"", "continuing_subword_prefix", "model.continuing_subword_prefix")]
    [InlineData("model.dropout", "0.1", "dropout", "model.dropout")]
    [InlineData("model.unk_token", "\"<nowhere>\"", "<nowhere>", "model.unk_token")]
    [InlineData("model.byte_fallback", "\"yes\"", "expected true or false", "model.byte_fallback")]
    [InlineData("model.vocab", "[]", "expected an object", "model.vocab")]
    [InlineData("model.vocab", "{\"a\": 0, \"b\": 0}", "same id 0", "model")]
    [InlineData("model.vocab", "{\"a\": -1}", "negative", "model.vocab")]
    [InlineData("model.vocab", "{\"a\": 2000000000}", "far beyond", "model")]
    [InlineData("model.vocab", "{\"a\": 1.5}", "whole number", "model.vocab")]
    [InlineData("model.vocab", "{\"a\": 4000000000}", "whole number", "model.vocab")]
    [InlineData("model.vocab", "{}", "not in the vocabulary", "model.merges[0]")]
    [InlineData("model.merges", "[[\"a\", \"b\"], [\"a\", \"nowhere\"]]", "not in the vocabulary", "model.merges[")]
    [InlineData("model.merges", "[\"ab\"]", "two tokens", "model.merges[0]")]
    [InlineData("model.merges", "[[\"a\", \"b\", \"c\"]]", "two tokens", "model.merges[0]")]
    [InlineData("model.merges", "[7]", "expected a list", "model.merges[0]")]
    [InlineData("model.merges", "{}", "expected a list", "model.merges")]
    [InlineData("normalizer", "{\"type\": \"Lowercase\"}", "Lowercase", "normalizer")]
    [InlineData("normalizer", "{\"type\": \"Sequence\", \"normalizers\": [{\"type\": \"NFC\"}, {\"type\": \"NFKC\"}]}", "NFKC", "normalizer.normalizers[1]")]
    [InlineData("pre_tokenizer", "{\"type\": \"BertPreTokenizer\"}", "BertPreTokenizer", "pre_tokenizer")]
    [InlineData("pre_tokenizer", "{\"type\": \"Split\", \"pattern\": {\"Regex\": \"(\"}, \"behavior\": \"Isolated\"}", "malformed", "pre_tokenizer.pattern.Regex")]
    [InlineData("pre_tokenizer", "{\"type\": \"Split\", \"pattern\": {\"Regex\": \"\\\\p{Han}+\"}, \"behavior\": \"Isolated\"}", "\\p{Han}", "pre_tokenizer.pattern.Regex")]
    [InlineData("pre_tokenizer", "{\"type\": \"Split\", \"pattern\": {\"Regex\": \"[a&&b]\"}, \"behavior\": \"Isolated\"}", "class within", "pre_tokenizer.pattern.Regex")]
    [InlineData("pre_tokenizer", "{\"type\": \"Split\", \"pattern\": {\"Regex\": \"a\"}, \"behavior\": \"Sideways\"}", "Sideways", "pre_tokenizer.behavior")]
    [InlineData("pre_tokenizer", "{\"type\": \"Split\", \"pattern\": {\"String\": \"\"}, \"behavior\": \"Isolated\"}", "empty", "pre_tokenizer.pattern.String")]
    [InlineData("post_processor", "{\"type\": \"BertProcessing\"}", "BertProcessing", "post_processor")]
    [InlineData("post_processor", "{\"type\": \"TemplateProcessing\", \"single\": [], \"special_tokens\": {}}", "does not contain", "post_processor")]
    [InlineData("post_processor", "{\"type\": \"TemplateProcessing\", \"single\": [{\"SpecialToken\": {\"id\": \"x\"}}], \"special_tokens\": {}}", "\"x\" is missing", "post_processor.special_tokens")]
    [InlineData("post_processor", "{\"type\": \"TemplateProcessing\", \"single\": [{\"SpecialToken\": {\"id\": \"x\"}}], \"special_tokens\": {\"x\": {\"ids\": [99999]}}}", "99999", "post_processor.special_tokens.x.ids[0]")]
    [InlineData("decoder", "null", "without a decoder", "tokenizer.json")]
    [InlineData("decoder", "{\"type\": \"WordPiece\"}", "WordPiece", "decoder")]
    [InlineData("decoder", "{\"type\": \"Sequence\", \"decoders\": [{\"type\": \"Fuse\"}, {\"type\": \"ByteFallback\"}]}", "ByteFallback", "decoder.decoders[1]")]
    [InlineData("added_tokens", "[{\"id\": 5, \"content\": \"<|new|>\"}]", "vocabulary says otherwise", "added_tokens[0]")]
    [InlineData("added_tokens", "[{\"id\": -5, \"content\": \"<|new|>\"}]", "negative", "added_tokens[0]")]
    [InlineData("added_tokens", "[{\"id\": 400, \"content\": \"\"}]", "empty", "added_tokens[0]")]
    [InlineData("added_tokens", "[{\"id\": 400, \"content\": \"n\\ud800\"}]", "surrogate", "added_tokens[0].content")]
    [InlineData("added_tokens", "[{\"id\": 400, \"content\": \"n\"}, {\"id\": 401, \"content\": \"n\"}]", "n", "added_tokens[")]
    [InlineData("added_tokens", "[{\"content\": \"n\"}]", "\"id\" is missing", "added_tokens[0]")]
    public void WhatIsWrongIsNamedWithItsPlace(string field, string value, string what, string where)
    {
        using var folder = new ScratchFolder();
        JsonNode json = TokenizerJsonTests.Bytes();
        string[] path = field.Split('.');
        JsonNode parent = path.Length == 1 ? json : json[path[0]]!;
        parent[path[^1]] = "replaced";
        File.WriteAllText(folder["tokenizer.json"], json.ToJsonString().Replace($"\"{path[^1]}\":\"replaced\"", $"\"{path[^1]}\":{value}", StringComparison.Ordinal));
        var error = Assert.Throws<UserError>(() => Tokenizer.Open(folder.Root));
        Assert.Contains(what, error.What, StringComparison.Ordinal);
        Assert.Contains(where, error.Where, StringComparison.Ordinal);
        Assert.StartsWith(folder.Root, error.Where, StringComparison.Ordinal);
    }

    [Fact]
    public void FilesThatAreNoJsonAreRefused()
    {
        Refused("");
        Refused("{");
        Refused("[]");
        Refused("7");
        Refused("null");
        Refused("{\"model\": null}");
        Refused("{\"model\": {}, \"model\": {}}");
        Refused(new string('[', 100_000));
        Refused($"{{\"model\": {string.Concat(Enumerable.Repeat("{\"a\":", 5000))}1{new string('}', 5001)}");
        Refused("{\"model\": {\"vocab\": {\"\\ud800\": 1}, \"merges\": []}}");
        Refused([0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x31, 0x7D]);
    }

    [Fact]
    public void MissingFilesAreRefused()
    {
        using var folder = new ScratchFolder();
        Assert.Throws<UserError>(() => Tokenizer.Open(folder.Root));
        Assert.Throws<UserError>(() => Tokenizer.Open(folder["nowhere.bin"]));
        Assert.Throws<UserError>(() => Tokenizer.Open(folder["no/where/tokenizer.json"]));
        Assert.Throws<UserError>(() => Tokenizer.Open(""));
        Assert.Throws<UserError>(() => Tokenizer.Open("a\0b"));
        File.WriteAllText(folder["file"], "");
        Assert.Throws<UserError>(() => Samples.Trained(300).Save(folder["file/folder"]));
    }

    static void Refused(string content) => Refused(Encoding.UTF8.GetBytes(content));

    static void Refused(byte[] content)
    {
        using var folder = new ScratchFolder();
        File.WriteAllBytes(folder["tokenizer.json"], content);
        Assert.StartsWith(folder["tokenizer.json"], Assert.Throws<UserError>(() => Tokenizer.Open(folder.Root)).Where, StringComparison.Ordinal);
    }
}
