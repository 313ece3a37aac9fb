using System.Text.Json;
using Retort.Asking.Runs;
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
        string[] heldOut = File.ReadAllLines(Path.Combine(run, "held-out.jsonl"));
        Assert.Equal(8, heldOut.Length);
        Assert.Subset(File.ReadAllLines(_world.Prompts).Select(l => JsonElement.Parse(l).GetProperty("prompt").GetString()).ToHashSet(), heldOut.Select(l => JsonElement.Parse(l).GetProperty("prompt").GetString()).ToHashSet());

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

    /// <summary>The second twin trains for what the live teacher cost: as many more steps, within the rounding of one.</summary>
    [Fact]
    public void ASecondTwinTrainsAtEqualCompute()
    {
        string[] line = ["distill", _world.Recipe(), "--set", "train.tokens=8000", "--json", "--out"];
        JsonElement compute = DoorRun.Of([.. line, _world["live"]]).Json.GetProperty("compute");
        double factor = compute.GetProperty("factor").GetDouble(), student = compute.GetProperty("student_flops").GetDouble(), teacher = compute.GetProperty("teacher_flops").GetDouble();
        Assert.Equal(factor, (student + teacher) / student, 1e-12);
        Assert.InRange(factor, 1.1, 3);
        JsonElement equal = compute.GetProperty("equal"), comparison = equal.GetProperty("comparisons")[0];
        Assert.Equal(factor, equal.GetProperty("twin_tokens").GetDouble() / compute.GetProperty("tokens").GetDouble(), 0.03);
        Assert.Equal("held-out cross entropy", comparison.GetProperty("metric").GetString());
        Assert.Equal(2, comparison.GetProperty("interval").GetProperty("seeds").GetInt32());
        Assert.True(File.Exists(Path.Combine(_world["live"], "checkpoints", "twin_equal_compute-2.state")));

        JsonElement off = DoorRun.Of([.. line, _world["off"], "--set", "twin.equal_compute=false"]).Json.GetProperty("compute");
        Assert.Equal(factor, off.GetProperty("factor").GetDouble());
        Assert.Equal(JsonValueKind.Null, off.GetProperty("equal").ValueKind);

        JsonElement text = DoorRun.Of([.. line, _world["text"], "--set", "signal.kind=text", "--set", "loss={cross_entropy: 1}"]).Json;
        Assert.Equal(1, text.GetProperty("compute").GetProperty("factor").GetDouble());
        Assert.Contains("the same within 2 %", text.GetProperty("verdict").GetProperty("equal_compute").GetString(), StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(_world["text"], "checkpoints", "twin_equal_compute-1.state")));
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
