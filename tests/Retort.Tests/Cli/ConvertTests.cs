using System.Text.Json;
using Retort.Cli;
using Retort.Model.Files;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Cli;

public sealed class ConvertTests : IDisposable
{
    readonly TinyWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Theory]
    [InlineData("f32")]
    [InlineData("f16")]
    [InlineData("bf16")]
    public void ANarrowModelComesThroughAWideOneUnchanged(string type)
    {
        Done("convert", _world.Teacher, _world["first"], "--type", type);
        Done("convert", _world["first"], _world["wide"], "--type", "f32");
        Done("convert", _world["wide"], _world["again"], "--type", type);
        Assert.All(Directory.GetFiles(_world["first"]).Select(f => Path.GetFileName(f)!), f => Assert.Equal(File.ReadAllBytes(Path.Combine(_world["first"], f)), File.ReadAllBytes(Path.Combine(_world["again"], f))));
        Assert.Equal(type == "f32", File.ReadAllBytes(Path.Combine(_world["first"], "model.safetensors")).AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(_world.Teacher, "model.safetensors"))));
    }

    /// <summary>A model of llama2.c writes the same text as the folder made of it, and scores the same.</summary>
    [Fact]
    public void ALlama2cModelAndItsFolderAreOne()
    {
        string stories = Shared.Folder("teachers/stories260K/stories260K.bin");
        Done("convert", stories, _world["stories"]);
        string[] prompt = ["--prompt", "Once upon a time", "--temperature", "0", "--max-tokens", "40", "--json"];
        JsonElement file = DoorRun.Of(["generate", stories, .. prompt]).Json, folder = DoorRun.Of(["generate", _world["stories"], .. prompt]).Json;
        Assert.Equal(file.GetProperty("text").GetString(), folder.GetProperty("text").GetString());
        Assert.Equal(file.GetProperty("tokens").GetRawText(), folder.GetProperty("tokens").GetRawText());
        Assert.StartsWith(file.GetProperty("text").GetString()!, File.ReadAllText(Shared.Folder("teachers/stories260K/greedy-once-upon-a-time-256.txt"))["Once upon a time".Length..], StringComparison.Ordinal);

        JsonElement beside = DoorRun.Of("evaluate", _world["stories"], "--teacher", stories, "--text", _world.Text, "--json").Json;
        Assert.Equal((0.0, 1.0), (Math.Round(beside.GetProperty("forward_kl").GetDouble(), 9), beside.GetProperty("top_agreement").GetDouble()));
    }

    [Fact]
    public void WithoutATokenizerItSaysSo()
    {
        File.WriteAllBytes(_world["m.bin"], Llama2cTests.Model(10));
        DoorRun run = DoorRun.Of("convert", _world["m.bin"], _world["m"]);
        Assert.Equal(ExitCode.Done, run.Code);
        Assert.Contains("name one with --tokenizer FILE", run.Output, StringComparison.Ordinal);
        Assert.Null(ModelReference.Open(_world["m"]).TokenizerPath);
        DoorRun.Of("generate", _world["m"], "--prompt", "a").Refused(_world["m"], "no tokenizer beside the model");
        DoorRun.Of("evaluate", _world["m"], "--text", _world.Text).Refused(_world["m"], "no tokenizer beside the model");
    }

    [Theory]
    [InlineData("--text", false)]
    [InlineData("--text", true)]
    [InlineData("--prompts", false)]
    [InlineData("--prompts", true)]
    public void EvaluateScoresTextAndAnswersWithAndWithoutATeacher(string kind, bool teacher)
    {
        Done("convert", _world.Teacher, _world["rough"], "--type", "bf16");
        string[] line = ["evaluate", _world["rough"], kind, kind == "--text" ? _world.Text : _world.Prompts, .. teacher ? (string[])["--teacher", _world.Teacher] : []];
        JsonElement r = DoorRun.Of([.. line, "--json"]).Json;
        Assert.Equal(teacher ? JsonValueKind.Number : JsonValueKind.Null, r.GetProperty("forward_kl").ValueKind);
        Assert.Equal(teacher ? JsonValueKind.Number : JsonValueKind.Null, r.GetProperty("teacher_cross_entropy").ValueKind);
        if (teacher)
        {
            Assert.InRange(r.GetProperty("forward_kl").GetDouble(), 1e-12, 1e-3);
            Assert.InRange(r.GetProperty("top_agreement").GetDouble(), 0.9, 1);
            Assert.InRange(Math.Abs(r.GetProperty("teacher_cross_entropy").GetDouble() - r.GetProperty("cross_entropy").GetDouble()), 0, 0.01);
        }

        string text = DoorRun.Of(line).Output;
        Assert.Equal(teacher, text.Contains("forward KL", StringComparison.Ordinal));
        Assert.Contains($"{r.GetProperty("tokens").GetInt64():n0} tokens scored", text, StringComparison.Ordinal);
    }

    static void Done(params string[] line) => Assert.Equal((ExitCode.Done, ""), (DoorRun.Of(line) is var run ? run.Code : 0, run.Error));
}
