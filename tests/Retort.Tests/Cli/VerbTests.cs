using System.Text.Json;
using Retort.Cli;
using Retort.Distill;
using Retort.Model.Files;
using Retort.Model.Llama;

namespace Retort.Tests.Cli;

public sealed class VerbTests : IDisposable
{
    readonly TinyWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public void ConvertGoesThereAndBack()
    {
        DoorRun half = DoorRun.Of("convert", _world.Teacher, _world["half"], "--type", "bf16", "--json");
        Assert.Equal(ExitCode.Done, half.Code);
        Assert.True(half.Json.GetProperty("tokenizer").GetBoolean());
        Assert.Equal(ExitCode.Done, DoorRun.Of("convert", _world["half"], _world["whole"]).Code);
        OpenModel first = ModelReference.Open(_world["half"]), second = ModelReference.Open(_world["whole"]), teacher = ModelReference.Open(_world.Teacher);
        foreach ((WeightSlice a, WeightSlice b, WeightSlice original) in first.Weights.Slices().Zip(second.Weights.Slices(), teacher.Weights.Slices()))
        {
            Assert.True(a.Span.SequenceEqual(b.Span));
            Assert.True(Math.Abs(a.Span[0] - original.Span[0]) <= Math.Abs(original.Span[0]) / 256);
        }

        Assert.NotNull(second.TokenizerPath);
        DoorRun.Of("convert", _world["half"], _world["whole"]).Refused(_world["whole"], "not empty");
        Assert.Equal(ExitCode.Done, DoorRun.Of("convert", _world["half"], _world["whole"], "--type", "f16", "--force").Code);
        Assert.Empty(Directory.GetFileSystemEntries(_world.Folder, "*.tmp"));
    }

    [Fact]
    public void AConversionThatFailsLeavesNothing()
    {
        LlamaWeights weights = ModelReference.Open(_world.Teacher).Weights;
        weights.Embedding.Span[5] = 1e30f;
        ModelFolder.Write(_world["large"], weights, NumberType.F32);
        string[] before = Directory.GetFileSystemEntries(_world.Folder);
        Assert.Equal(ExitCode.BadInput, DoorRun.Of("convert", _world["large"], _world["out"], "--type", "f16").Code);
        Assert.Equal(before.Order(), Directory.GetFileSystemEntries(_world.Folder).Order());
    }

    [Fact]
    public void GenerateStreamsTheSameTextThatJsonGives()
    {
        string[] line = ["generate", _world.Teacher, "--prompt", "Who has the red kite", "--max-tokens", "12", "--seed", "7", "--top-k", "9"];
        DoorRun text = DoorRun.Of(line), json = DoorRun.Of([.. line, "--json"]);
        Assert.Equal(json.Json.GetProperty("text").GetString() + "\n", text.Output);
        Assert.Equal(["text", "tokens", "finish_reason", "prompt_tokens", "completion_tokens", "tokens_per_s"], json.Json.EnumerateObject().Select(p => p.Name));
        Assert.Equal(json.Json.GetProperty("completion_tokens").GetInt32(), json.Json.GetProperty("tokens").GetArrayLength());
    }

    [Fact]
    public void EvaluateAModelAgainstItself()
    {
        JsonElement alone = DoorRun.Of("evaluate", _world.Teacher, "--text", _world.Text, "--json").Json;
        Assert.Equal(JsonValueKind.Null, alone.GetProperty("forward_kl").ValueKind);
        JsonElement beside = DoorRun.Of("evaluate", _world.Teacher, "--teacher", _world.Teacher, "--prompts", _world.Prompts, "--threads", "1", "--json").Json;
        Assert.Equal(0, beside.GetProperty("forward_kl").GetDouble(), 6);
        Assert.Equal(1, beside.GetProperty("top_agreement").GetDouble());
        Assert.Equal(beside.GetProperty("cross_entropy").GetDouble(), beside.GetProperty("teacher_cross_entropy").GetDouble(), 9);
        Assert.Equal(Math.Exp(beside.GetProperty("cross_entropy").GetDouble()), beside.GetProperty("perplexity").GetDouble(), 9);
        Assert.Contains("perplexity", DoorRun.Of("evaluate", _world.Teacher, "--text", _world.Text).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("16,1,2,1,24")]
    [InlineData("teacher")]
    public void TheRecipeOfInitIsAcceptedAndRuns(string student)
    {
        string recipe = _world["made.yaml"];
        DoorRun made = DoorRun.Of("init", "--teacher", _world.Teacher, "--student", student == "teacher" ? _world.Teacher : student, "--prompts", _world.Prompts, "-o", recipe);
        Assert.Equal((ExitCode.Done, ""), (made.Code, made.Error));
        Recipe read = RecipeFile.Read(recipe, [], []);
        Assert.Equal((_world.Teacher, _world.Prompts), (read.Teacher, Assert.Single(read.Data.Prompts!)));
        Assert.Equal(student == "teacher", read.Student is StudentRecipe.From);
        Assert.True(read.Train.Context <= 64 && read.Twin is { EqualCompute: true });
        DoorRun.Of("init", "--teacher", _world.Teacher, "--student", "16,1,2,1,24", "--prompts", _world.Prompts, "-o", recipe).Refused(recipe, "there is a file of that name");
        Assert.Equal(ExitCode.Done, DoorRun.Of("distill", recipe, "--out", _world["run"], "--set", "terms={teacher: own-model, student: own-model}", "--set", "train.tokens=200", "--set", "train.seeds=1", "--set", "train.rate=0.001", "--set", "train.threads=1").Code);
    }

    [Fact]
    public void BenchTrainGivesWhatItsPeerGives()
    {
        JsonElement r = DoorRun.Of("bench", "train", "--student", "16,1,2,1,24,40", "--teacher", "16,1,2,1,24", "--context", "32", "--batch", "2", "--steps", "2", "--threads", "1", "--json").Json;
        Assert.Equal(4, r.GetProperty("losses").GetArrayLength());
        Assert.All(["tokens_per_s", "peak_mib", "parameters", "gflop_per_s"], name => Assert.True(r.GetProperty(name).GetDouble() > 0));
    }

    [Fact]
    public void BenchGenerateGivesTwoRates()
    {
        JsonElement r = DoorRun.Of("bench", "generate", _world.Teacher, "--prompt-tokens", "8", "--tokens", "8", "--threads", "1", "--json").Json;
        Assert.Equal(["prompt_tokens_per_s", "decode_tokens_per_s"], r.EnumerateObject().Select(p => p.Name));
    }
}
