using System.Text.Json;
using Retort.Cli;
using Retort.Distill;

namespace Retort.Tests.Cli;

public sealed class DistillTests : IDisposable
{
    readonly TinyWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public void ARunWritesItsFilesIsResumedAndNotOverwritten()
    {
        string recipe = _world.Recipe(), run = _world["run"];
        DoorRun first = DoorRun.Of("distill", recipe, "--out", run);
        Assert.Equal(ExitCode.Done, first.Code);
        Assert.Contains("INCONCLUSIVE", first.Output, StringComparison.Ordinal);
        Assert.Contains(Path.Combine(run, "report.html"), first.Output, StringComparison.Ordinal);
        Assert.All(["report.json", "report.html", "student/config.json", "student/model.safetensors", "student/tokenizer.json"], name => Assert.True(File.Exists(Path.Combine(run, name)), name));
        byte[] student = File.ReadAllBytes(Path.Combine(run, "student", "model.safetensors"));

        DoorRun.Of("distill", recipe, "--out", run).Refused(run, "already holds a run");
        DoorRun.Of("distill", recipe, "--out", run, "--resume", "--set", "train.tokens=700").Refused(run, "another recipe");

        DoorRun again = DoorRun.Of("distill", recipe, "--out", run, "--resume", "--json");
        Assert.Equal(ExitCode.Done, again.Code);
        JsonElement report = again.Json;
        Assert.Equal(2, report.GetProperty("run").GetProperty("seeds").GetArrayLength());
        Assert.Equal(Path.Combine(run, "student"), report.GetProperty("files").GetProperty("student").GetString());
        Assert.Equal(student, File.ReadAllBytes(Path.Combine(run, "student", "model.safetensors")));
        Assert.Equal(ExitCode.Done, DoorRun.Of("generate", Path.Combine(run, "student"), "--prompt", "Who", "--max-tokens", "3").Code);
    }

    [Fact]
    public void TheFolderHoldsTheResolvedRecipeAndTheRunCanBeMadeFromItAgain()
    {
        string run = _world["run"], again = _world["again"];
        Assert.Equal(ExitCode.Done, DoorRun.Of("distill", _world.Recipe(), "--out", run, "--set", "train.seeds=[4]").Code);
        string recipe = Path.Combine(run, "recipe.yaml");
        Assert.Equal(ExitCode.Done, DoorRun.Of("distill", recipe, "--out", again).Code);
        Assert.Equal(File.ReadAllText(recipe), File.ReadAllText(Path.Combine(again, "recipe.yaml")));
        Assert.Equal(File.ReadAllBytes(Path.Combine(run, "student", "model.safetensors")), File.ReadAllBytes(Path.Combine(again, "student", "model.safetensors")));
        Assert.Equal(ExitCode.Done, DoorRun.Of("distill", recipe, "--out", run, "--resume").Code);
        Assert.Equal(Manifest.FileHash(recipe), ReportJson.Read(File.ReadAllText(Path.Combine(run, "report.json")), "report.json").Run.RecipeHash);
    }

    [Fact]
    public void WithoutATwinThereIsNoComparison()
    {
        JsonElement report = DoorRun.Of("distill", _world.Recipe(), "--out", _world["run"], "--no-twin", "--json").Json;
        Assert.Equal(JsonValueKind.Null, report.GetProperty("results").GetProperty("twin").ValueKind);
        Assert.Empty(report.GetProperty("comparisons").EnumerateArray());
    }

    [Fact]
    public void AnInterruptedRunSaysHowToGoOn()
    {
        using CancellationTokenSource stop = new();
        stop.Cancel();
        string recipe = _world.Recipe(), run = _world["run"];
        DoorRun stopped = DoorRun.Of(stop.Token, "distill", recipe, "--out", run);
        Assert.Equal((ExitCode.Interrupted, ""), (stopped.Code, stopped.Output));
        Assert.EndsWith($"retort distill {recipe} --out {run} --resume\n", stopped.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Done, DoorRun.Of("distill", recipe, "--out", run, "--resume").Code);
    }
}
