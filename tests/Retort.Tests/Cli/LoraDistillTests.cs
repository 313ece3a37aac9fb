using System.Text.Json;
using Retort.Cli;
using Retort.Distill;
using Retort.Kernels;
using Retort.Model.Files;
using Retort.Model.Llama;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Cli;

/// <summary>A run that trains an adapter: teacher, twin, resuming, report, export, and the adapter beside the merged student.</summary>
public sealed class LoraDistillTests : IDisposable
{
    readonly TinyWorld _world = new();

    public LoraDistillTests()
    {
        LlamaConfig teacher = ModelFolder.ReadConfig(_world.Teacher);
        ModelFolder.Write(_world["base"], Scratch.Weights(teacher with { Hidden = 32, HeadSize = 8, FeedForward = 64 }), NumberType.BF16);
        File.Copy(Path.Combine(_world.Teacher, "tokenizer.json"), Path.Combine(_world["base"], "tokenizer.json"));
        File.WriteAllText(Path.Combine(_world["base"], "chat_template.jinja"), "{{ messages[0]['content'] }}");
        File.WriteAllText(Path.Combine(_world["base"], "generation_config.json"), """{"temperature": 0.6}""");
    }

    public void Dispose() => _world.Dispose();

    string Recipe(string lora = "{rank: 4, dropout: 0.1}", string extra = "", double checkpointSeconds = 30)
    {
        string path = _world.Recipe(extra, tokens: 1500, rate: "[0.003, 0.01]", checkpointSeconds: checkpointSeconds);
        File.WriteAllText(path, File.ReadAllText(path).Replace("shape: {hidden: 16, layers: 1, heads: 2, feed_forward: 24}", $"from: base\n  lora: {lora}", StringComparison.Ordinal));
        return path;
    }

    [Fact]
    public void TheAdapterLiesBesideTheStudentAndMergesIntoIt()
    {
        string run = _world["run"], student = Path.Combine(run, "student"), adapter = Path.Combine(student, "adapter");
        JsonElement report = Done("distill", Recipe(), "--out", run, "--set", "export.type=f32", "--json").Json;
        Assert.Contains("an adapter of rank 4 on all-linear", report.GetProperty("student").GetProperty("shape").GetString(), StringComparison.Ordinal);
        Assert.NotEqual(JsonValueKind.Null, report.GetProperty("results").GetProperty("twin").ValueKind);
        Assert.Contains("student/adapter/adapter_model.safetensors", File.ReadAllText(Path.Combine(run, "manifest.json")), StringComparison.Ordinal);

        // The base is bf16 already, so merging it again gives the exported bits.
        Done("convert", _world["base"], _world["merged"], "--adapter", adapter);
        Assert.Equal(File.ReadAllBytes(Path.Combine(student, "model.safetensors")), File.ReadAllBytes(Path.Combine(_world["merged"], "model.safetensors")));
        Assert.NotEqual(ModelReference.Open(_world["base"]).Hash, ModelReference.Open(student).Hash);
        Done("convert", _world["base"], _world["merged.gguf"], "--adapter", adapter, "--type", "f16");
        foreach (string companion in (string[])["chat_template.jinja", "generation_config.json"])
        {
            Assert.All((string[])[student, _world["merged"]], f => Assert.Equal(File.ReadAllText(Path.Combine(_world["base"], companion)), File.ReadAllText(Path.Combine(f, companion))));
        }

        Done("generate", _world["merged.gguf"], "--prompt", "Who", "--max-tokens", "3");
        Assert.Equal(ExitCode.Done, DoorRun.Of("distill", Recipe(), "--out", run, "--resume", "--set", "export.type=f32").Code);
    }

    /// <summary>Stopped again and again, micro-batches and checkpoints of activations as they come: one student.</summary>
    [Fact]
    public void AResumedRunEndsInTheSameBits()
    {
        string whole = _world["whole"], parts = _world["parts"];
        Assert.True(Run(whole, -1, false));
        int stops = 0;
        while (!Run(parts, 7 + stops, stops > 0))
        {
            Assert.True(++stops < 60);
        }

        Assert.True(stops > 2, $"{stops} stops");
        foreach (string file in (string[])["model.safetensors", "adapter/adapter_model.safetensors", "adapter/adapter_config.json"])
        {
            Assert.Equal(File.ReadAllBytes(Path.Combine(whole, "student", file)), File.ReadAllBytes(Path.Combine(parts, "student", file)));
        }
    }

    [Fact]
    public void TheStudentMayWriteItsShareAndTheBaseBeQ8()
    {
        string run = _world["run"];
        Done(
            "distill", Recipe("{rank: 2, targets: [q_proj, v_proj], base: q8_0}"), "--out", run, "--no-twin", "--set", "train.on_policy={share: 0.5, max_tokens: 8}", "--set", "train.checkpointing=true", "--set", "train.rate=0.01",
            "--set", "train.seeds=[1]", "--set", "export.type=f32");
        using Workers workers = new(1);
        FrozenModel frozen = ModelReference.OpenFrozen(_world["base"], NarrowFormat.Q8_0);
        LlamaWeights expected = frozen.Weights.Widened();
        AdapterFolder.Read(Path.Combine(run, "student", "adapter"), expected.Config, frozen.Hash).MergeInto(expected, workers);
        Assert.All(expected.Slices().Zip(ModelReference.Open(Path.Combine(run, "student")).Weights.Slices()), s => Assert.Equal(s.First.Span, s.Second.Span));
    }

    [Fact]
    public void AWrongAdapterIsOneSentence()
    {
        Done("distill", Recipe(), "--out", _world["run"], "--no-twin", "--set", "train.seeds=[1]", "--set", "train.rate=0.01");
        string adapter = Path.Combine(_world["run"], "student", "adapter");
        DoorRun.Of("convert", _world.Teacher, _world["x"], "--adapter", adapter).Refused(adapter, "trained on another model");
        DoorRun.Of("convert", _world["base"], _world["x"], "--adapter", _world["nowhere"]).Refused(_world["nowhere"], "there is no such folder");
        DoorRun.Of("convert", _world["base"], _world["x"], "--adapter", _world["base"]).Refused(_world["base"], "holds no adapter_config.json");
        Assert.False(Directory.Exists(_world["x"]));
    }

    static DoorRun Done(params string[] arguments)
    {
        DoorRun run = DoorRun.Of(arguments);
        Assert.True(run.Code == ExitCode.Done, run.Error);
        return run;
    }

    bool Run(string folder, int reports, bool resume)
    {
        Recipe recipe = RecipeFile.Read(Recipe(checkpointSeconds: 1e-9), ["train.checkpointing=true", "train.accumulate=2", "train.rows=1"], []);
        using CancellationTokenSource stop = new();
        int seen = 0;
        void Progress(RunProgress p)
        {
            if (++seen == reports)
            {
                stop.Cancel();
            }
        }

        try
        {
            DistillJob.Run(recipe, new DistillOptions(folder, resume, ShippedTerms.Read()), new Dictionary<string, SampleSource>(), Progress, TimeProvider.System, stop.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
