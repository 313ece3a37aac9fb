using System.Security.Cryptography;
using Retort.Model.Files;
using Retort.Model.Llama;

namespace Retort.Tests.Model.Files;

public sealed class ModelReferenceTests : IDisposable
{
    readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void OpensAFolderWithTheHashOfItsShards()
    {
        ModelFolder.Write(_scratch.Folder, Scratch.Weights(Scratch.Tiny(LlamaFamily.Qwen3, true)), NumberType.BF16, shardBytes: 5000);
        byte[] all = [.. Directory.GetFiles(_scratch.Folder, "*.safetensors").Order(StringComparer.Ordinal).SelectMany(File.ReadAllBytes)];

        OpenModel model = ModelReference.Open(_scratch.Folder);
        Assert.Equal((Convert.ToHexStringLower(SHA256.HashData(all)), (long)all.Length), (model.Hash, model.Bytes));
        Assert.Null(model.TokenizerPath);

        _scratch.Write("tokenizer.json", "{}");
        Assert.Equal(_scratch.Folder, ModelReference.Open(_scratch.Folder).TokenizerPath);
    }

    [Fact]
    public void OpensALlama2cFileWithTheTokenizerBesideIt()
    {
        byte[] bytes = Llama2cTests.Model(10);
        string path = _scratch.Write("m.bin", bytes);
        OpenModel model = ModelReference.Open(path);
        Assert.Equal((Convert.ToHexStringLower(SHA256.HashData(bytes)), (long)bytes.Length, null), (model.Hash, model.Bytes, model.TokenizerPath));

        string one = _scratch.Write("tokenizer.bin", "");
        Assert.Equal(one, ModelReference.Open(path).TokenizerPath);
        string other = _scratch.Write("tok99.bin", "");
        Assert.Contains("2 tokenizers", Assert.Throws<UserError>(() => ModelReference.Open(path)).What, StringComparison.Ordinal);
        Assert.Equal(other, ModelReference.Open(path, other).TokenizerPath);
        string fits = _scratch.Write("tok10.bin", "");
        Assert.Equal(fits, ModelReference.Open(path).TokenizerPath);
        Assert.Throws<UserError>(() => ModelReference.Open(path, _scratch["none"]));
    }

    [Fact]
    public void OpensTheRealTeacher()
    {
        OpenModel model = ModelReference.Open(Shared.Folder("teachers/stories260K/stories260K.bin"));
        Assert.Equal("tok512.bin", Path.GetFileName(model.TokenizerPath));
    }

    [Theory]
    [InlineData("https://user:secret@api.example.com/v1?key=secret#gpt", "An endpoint as a model is not supported yet", "https://api.example.com/v1")]
    [InlineData("https://[", "An endpoint as a model is not supported yet", "the model reference")]
    [InlineData("no-such-folder", "There is no such model", "no-such-folder")]
    public void OtherReferencesAreRefusedByName(string reference, string what, string where)
    {
        UserError e = Assert.Throws<UserError>(() => ModelReference.Open(reference));
        Assert.Equal((what, where), (e.What, e.Where));
    }

    [Fact]
    public void AHubNameIsToldHowToBePulled() =>
        Assert.Contains("retort pull Qwen/Qwen3-0.6B@main", Assert.Throws<UserError>(() => ModelReference.Open("Qwen/Qwen3-0.6B@main")).Hint, StringComparison.Ordinal);
}
