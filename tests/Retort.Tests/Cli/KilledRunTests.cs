using System.Text.Json.Nodes;
using Retort.Cli;

namespace Retort.Tests.Cli;

/// <summary>A run that is killed at any moment goes on with --resume to the bits of a run that was left alone, and threads change none of them.</summary>
public sealed class KilledRunTests : IDisposable
{
    /// <summary>What appears at the moments of death, in the order of a run: path in the run folder and the how-manieth time.</summary>
    static readonly (string File, int Times, string Step)[] s_moments =
    [
        ("recipe.yaml", 1, "data"),
        ("signals/train.sig.tmp", 1, "signals"),
        ("checkpoints/search-student-0.004.txt", 1, "search"),
        ("checkpoints/student-1.state", 2, "training of the student"),
        ("checkpoints/student-1.state.tmp", 2, "a checkpoint"),
        ("checkpoints/twin-1.state", 3, "training of the twin"),
        ("checkpoints/student-2.state", 1, "training of the second seed"),
        ("checkpoints/twin-2.state", 1, "training of the last twin"),
        ("report.json", 1, "report and export"),
    ];

    readonly TinyWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public void AKilledRunGoesOnToTheSameBits()
    {
        string recipe = Recipe(), whole = _world["whole"], run = _world["run"];
        Assert.Equal(ExitCode.Done, DoorRun.Of("distill", recipe, "--out", whole).Code);

        // The folders are there from the start so that the watch on them is, too.
        Directory.CreateDirectory(Path.Combine(run, "checkpoints"));
        Directory.CreateDirectory(Path.Combine(run, "signals"));
        List<string> survived = [];
        foreach ((string file, int times, string step) in s_moments)
        {
            if (!ProcessRun.KilledAt(run, file, times, "distill", recipe, "--out", run, "--resume"))
            {
                survived.Add(step);
            }
        }

        // The last step takes a few milliseconds, so the signal may come too late there, and only there.
        Assert.Empty(survived.Except(["report and export"]));
        DoorRun last = ProcessRun.Of("distill", recipe, "--out", run, "--resume", "--json");
        Assert.Equal(ExitCode.Done, last.Code);
        Assert.Equal(Sorted(whole), Sorted(run));
        AssertSame(whole, run, "recipe.yaml", "signals/train.sig");
        Assert.Equal(Steps(whole), Steps(run));
        Assert.Equal(Numbers(whole).ToJsonString(), Numbers(JsonNode.Parse(last.Output)!.AsObject()).ToJsonString());
    }

    [Fact]
    public void ThreadsChangeNoBit()
    {
        string recipe = Recipe(), one = _world["one"], two = _world["two"];
        Assert.Equal(ExitCode.Done, DoorRun.Of("distill", recipe, "--out", one).Code);
        Assert.Equal(ExitCode.Done, DoorRun.Of("distill", recipe, "--out", two, "--set", "train.threads=2").Code);
        Assert.Equal((1, 2), (Threads(one), Threads(two)));
        AssertSame(one, two, "signals/train.sig");
    }

    /// <summary>Long enough in every step to be hit there, with a checkpoint every ten optimizer steps.</summary>
    string Recipe() => _world.Recipe("signal: {kind: top_k, k: 12}", tokens: 9000, rate: "[0.002, 0.004]", checkpointSeconds: 0.000001);

    static void AssertSame(string a, string b, params string[] more)
    {
        // The card names the day and the recipe's hash, as the report does.
        string[] files = [.. Directory.GetFiles(Path.Combine(a, "student")).Select(f => $"student/{Path.GetFileName(f)}").Where(f => f != "student/README.md").Order(StringComparer.Ordinal), .. Directory.GetFiles(Path.Combine(a, "checkpoints"), "search-*").Select(f => $"checkpoints/{Path.GetFileName(f)}"), .. more];
        Assert.Contains("student/model.safetensors", files);
        Assert.All(files, f => Assert.True(File.ReadAllBytes(Path.Combine(a, f)).AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(b, f))), f));
        Assert.Equal(Numbers(a).ToJsonString(), Numbers(b).ToJsonString());
    }

    static string[] Sorted(string folder) => [.. Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(folder, f)).Order(StringComparer.Ordinal)];

    static string[] Steps(string folder) => [.. JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "manifest.json")))!["steps"]!.AsArray().Select(s => (string)s!["step"]!)];

    static int Threads(string folder) => (int)JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "report.json")))!["run"]!["threads"]!;

    static JsonObject Numbers(string folder) => Numbers(JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "report.json")))!.AsObject());

    /// <summary>The report without what depends on the hour, the clock and the number of threads.</summary>
    static JsonObject Numbers(JsonObject report)
    {
        foreach (string name in (string[])["speed", "cost", "steps", "files", "export"])
        {
            report.Remove(name);
        }

        foreach (JsonNode? format in report["formats"]!.AsArray())
        {
            format!.AsObject().Remove("decode");
        }

        JsonObject run = report["run"]!.AsObject();
        foreach (string name in (string[])["date", "threads", "recipe_hash"])
        {
            run.Remove(name);
        }

        Assert.True(report["results"]!["student"]!["mean"]!["cross_entropy"]!.GetValue<double>() > 0);
        Assert.Equal(2, report["curves"]!.AsArray().Count);
        return report;
    }
}
