using Retort.Cli;
using System.Text.Json.Nodes;
using Retort.Distill;
using Retort.Tests.Cli;

namespace Retort.Tests.Distill;

/// <summary>A run stopped anywhere and resumed leaves the same lines and the same student as one that was not.</summary>
public sealed class ResumeTests : IDisposable
{
    readonly TinyWorld _world = new();

    public void Dispose() => _world.Dispose();

    /// <summary>Stops after so many reports of progress.</summary>
    bool Run(string folder, int reports, bool resume)
    {
        Recipe recipe = RecipeFile.Read(_world.Recipe(), ["train.tokens=8000", "train.rate=[0.003, 0.01]", "train.checkpoint_seconds=1e-9"], []);
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

    /// <summary>Every line, its keys in order, without the speed, which no two runs share.</summary>
    static string[] Lines(string folder)
    {
        string[] lines = File.ReadAllLines(Path.Combine(folder, "metrics.jsonl"));
        return
        [
            .. lines.Select(line =>
            {
                JsonObject fields = JsonNode.Parse(line)!.AsObject();
                Assert.Equal(["arm", "seed", "step", "tokens", "loss", "held_out", "rate", "gradient_norm", "tokens_per_s"], fields.Select(f => f.Key));
                fields.Remove("tokens_per_s");
                return fields.ToJsonString();
            }),
        ];
    }

    [Fact]
    public void MetricsHaveEveryLineOnce()
    {
        string whole = _world["whole"], parts = _world["parts"];
        Assert.True(Run(whole, -1, resume: false));
        string[] expected = Lines(whole);
        Assert.Equal(expected.Length, expected.Select(l => JsonNode.Parse(l)!).Select(l => $"{l["arm"]} {l["seed"]} {l["step"]}").Distinct().Count());
        Assert.Equal(6 * 10, expected.Count(l => JsonNode.Parse(l)!["held_out"] is not null));
        int stops = 0;
        while (!Run(parts, 9 + stops, resume: stops > 0))
        {
            Assert.True(++stops < 100);
            string[] soFar = File.Exists(Path.Combine(parts, "metrics.jsonl")) ? Lines(parts) : [];
            Assert.Equal(expected.Take(soFar.Length), soFar);
        }

        Assert.True(stops > 2, $"{stops} stops");
        Assert.Equal(expected, Lines(parts));
        Assert.Equal(File.ReadAllBytes(Path.Combine(whole, "student", "model.safetensors")), File.ReadAllBytes(Path.Combine(parts, "student", "model.safetensors")));
        Assert.Empty(Directory.GetFiles(parts, "*.tmp", SearchOption.AllDirectories));
    }

    [Fact]
    public void ADivergedNumberIsStillALine()
    {
        string path = _world["metrics.jsonl"];
        RunMetrics metrics = new(path);
        metrics.Put("student", 1, [new TrainPoint(10, 640, double.PositiveInfinity, 1e-3, 2, 1000, double.NaN)]);
        metrics.Put("student", 1, [new TrainPoint(10, 640, double.PositiveInfinity, 1e-3, 2, 1000), new TrainPoint(20, 1280, 2.5, 1e-3, 2, 1000, 3)]);
        metrics.Save();
        string[] lines = File.ReadAllLines(path);
        Assert.Equal("""{"arm":"student","seed":1,"step":10,"tokens":640,"loss":"Infinity","held_out":null,"rate":0.001,"gradient_norm":2,"tokens_per_s":1000}""", lines[0]);
        Assert.Equal(2, lines.Length);
    }
}
