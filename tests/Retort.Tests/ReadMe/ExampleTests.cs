using System.Diagnostics;
using System.Text.RegularExpressions;
using Retort.Cli;
using Retort.Distill;
using Retort.Model.Files;
using Retort.Tests.Cli;
using Retort.Tests.Model.Files;

namespace Retort.Tests.ReadMe;

/// <summary>
/// Every command of the README is run in a copy of what it names, and does what the README says. What would take minutes is run on a budget cut
/// down by further --set changes; the benchmark of the kernels is stopped once it has begun.
/// </summary>
public sealed class ExampleTests : IDisposable
{
    /// <summary>Few documents, one step a run, no gold tasks.</summary>
    static readonly string[] s_cutDown =
    [
        .. new[] { "train.tokens=1000", "train.seeds=[1, 2]", "data.documents=12", "data.held_out=3", "data.validation=2", "evaluate.gold_items=1", "evaluate.max_tokens=4", "evaluate.samples=0" }
            .SelectMany(change => new[] { "--set", change }),
    ];

    readonly WorkingCopy _copy = new();
    readonly Dictionary<string, Action<string[]>> _bodies;

    public ExampleTests() => _bodies = new(StringComparer.Ordinal)
    {
        ["./retort distill recipes/tales.yaml"] = words => Distills(words, "runs/tales", 200_000, 5),
        ["./test"] = _ => Tests(),
        ["./retort generate models/tales-teacher --prompt \"Once there was\" --max-tokens 200"] = words => Assert.True(Done(words).Output.Length > 100),
        ["./retort evaluate models/tales-teacher --text story.txt"] = words => Assert.Contains("perplexity", Done(words).Output, StringComparison.Ordinal),
        ["./retort convert models/tales-teacher out-f32 --type f32"] = Converts,
        ["./retort convert models/tales-teacher teacher.gguf --type q8_0"] = words =>
        {
            Done(words);
            Assert.Equal(ModelReference.Open(_copy["models/tales-teacher"]).Weights.Config.Parameters, ModelReference.Open(_copy["teacher.gguf"]).Weights.Config.Parameters);
        },
        ["./retort init --teacher models/tales-teacher --student 96,4,4,2,192 --prompts prompts.jsonl -o recipe.yaml"] = Begins,
        ["./retort init --teacher https://api.deepseek.com/v1#deepseek-chat --student models/tales-teacher --prompts prompts.jsonl -o asking.yaml"] = words =>
        {
            Done(words);
            Recipe recipe = RecipeFile.Read(_copy["asking.yaml"], [], []);
            Assert.Equal(("https://api.deepseek.com/v1#deepseek-chat", "DEEPSEEK_API_KEY"), (recipe.Teacher, recipe.Ask!.Key));
        },
        ["./retort distill recipes/tales.yaml --set train.tokens=100000 --set \"train.seeds=[1,2]\" --out runs/short"] = words => Distills(words, "runs/short", 100_000, 2),
        ["./retort pull karpathy/tinyllamas --to models/tinyllamas"] = words => PullsAsync(words).GetAwaiter().GetResult(),
        ["./retort bench kernels"] = BeginsToMeasure,
        ["./retort bench train --student 64,5,8,4,172,512 --context 256 --batch 16"] = words => Assert.Contains("tokens/s", Done([.. words, "--steps", "1"]).Output, StringComparison.Ordinal),
        ["./retort bench train --student 64,5,8,4,172,512 --context 256 --batch 16 --lora 8 --base q8_0"] = words => Assert.Contains("tokens/s", Done([.. words, "--steps", "1"]).Output, StringComparison.Ordinal),
        ["./retort distill recipes/tales-adapter.yaml"] = Adapts,
        ["./retort serve models/tales-teacher"] = words => Serves(words, url => Assert.Matches("^http://127[.]0[.]0[.]1:[0-9]+$", url)),
        ["./retort distill recipes/tales-facts.yaml"] = words => Serves(["serve", "models/tales-teacher"], url => DistillsFacts(words, url)),
        ["./retort convert models/tales-teacher merged --adapter runs/tales-adapter/student/adapter"] = words =>
        {
            Adapts(["distill", "recipes/tales-adapter.yaml"]);
            Done(words);
            Assert.NotEqual(ModelReference.Open(_copy["models/tales-teacher"]).Weights.Layers[0].Query.Span.ToArray(), ModelReference.Open(_copy["merged"]).Weights.Layers[0].Query.Span.ToArray());
        },
        ["./retort generate models/tales-teacher --prompt \"Once there was\" --format q8_0 --temperature 0"] = words => Assert.True(Done(words).Output.Length > 20),
        ["./retort bench generate models/tales-teacher --prompt-tokens 128 --tokens 64 --format q8_0 --streams 8"] = words => Assert.Contains("decoded tokens/s", Done(words).Output, StringComparison.Ordinal),
        ["./retort terms list"] = words => Assert.Contains("deepseek-r1-weights", Done(words).Output, StringComparison.Ordinal),
        ["./retort terms check https://api.openai.com/v1#gpt-5"] = words =>
        {
            DoorRun run = _copy.Retort(words);
            Assert.Equal((ExitCode.Negative, ""), (run.Code, run.Error));
            Assert.Contains("section 3.3 (e)", run.Output, StringComparison.Ordinal);
        },
        ["./retort verify runs/tales"] = words => Assert.EndsWith("\nholds\n", Made(words).Output, StringComparison.Ordinal),
        ["./retort verify runs/tales --retrain"] = words => Assert.Contains("the weights in student/ are the same", Made(words).Output, StringComparison.Ordinal),
        ["./retort ledger show runs/tales --entries"] = words => Assert.Contains("step        export", Made(words).Output, StringComparison.Ordinal),
        ["./retort ledger prove runs/tales --step report --open -o report.tlog-proof"] = words => Assert.Contains("wrote/report.json", Made(words).Output, StringComparison.Ordinal),
        ["./retort ledger verify report.tlog-proof --key runs/tales/ledger.pub"] = words =>
        {
            Made(["ledger", "prove", "runs/tales", "--step", "report", "--open", "-o", "report.tlog-proof"]);
            Assert.EndsWith("\nholds\n", Done(words).Output, StringComparison.Ordinal);
        },
        ["./retort ledger witness runs/tales --request-time request.tsq"] = words =>
        {
            Made(words);
            Assert.True(File.Exists(_copy["request.tsq"]));
        },
        ["./retort bench ledger"] = words => Assert.Contains("entries audited", Done([.. words, "--entries", "500"]).Output, StringComparison.Ordinal),
        ["./retort bench watermark models/tales-teacher --prompts prompts.jsonl --answers 4"] = words =>
        {
            string output = Done([.. words, "--max-tokens", "8"]).Output;
            Assert.All((string[])["none", "tournament", "green-list"], arm => Assert.Matches($"(?m)^{arm} +80 ", output));
        },
        ["./retort bench tokenize models/tales-teacher story.txt"] = words => Assert.Contains("MB/s", Done(words).Output, StringComparison.Ordinal),
    };

    public static TheoryData<string> Commands => [.. ReadMeFile.Commands];

    public void Dispose() => _copy.Dispose();

    [Theory]
    [MemberData(nameof(Commands))]
    public void DoesWhatItSays(string command)
    {
        Assert.True(_bodies.ContainsKey(command), $"{command} is in README.md and no test runs it");
        _bodies[command](ReadMeFile.Words(command)[1..]);
    }

    [Fact]
    public void NoBodyIsLeftWithoutItsExample() => Assert.Equal(ReadMeFile.Commands.Order(), _bodies.Keys.Order());

    DoorRun Done(string[] words)
    {
        DoorRun run = _copy.Retort(words);
        Assert.True(run.Code == ExitCode.Done, run.Error);
        return run;
    }

    void Distills(string[] words, string folder, long tokens, int seeds)
    {
        int set = Array.IndexOf(words, "--set");
        string[] changes = [.. words.Index().Where(w => w.Index > 0 && words[w.Index - 1] == "--set").Select(w => w.Item)];
        Recipe recipe = RecipeFile.Read(_copy[words[1]], set < 0 ? [] : changes, [.. BundledSamples.All.Keys]);
        Assert.Equal((tokens, seeds, true), (recipe.Train.Tokens, recipe.Train.Seeds.Count, recipe.Twin is not null));

        DoorRun run = Done([.. words, .. s_cutDown]);
        Assert.Contains("INCONCLUSIVE", run.Output, StringComparison.Ordinal);
        Assert.All(
            ["report.html", "report.json", "manifest.json", "student/model.safetensors", "student/tokenizer.json", "signals/train.sig", "checkpoints/student-1.state"],
            file => Assert.True(File.Exists(_copy[$"{folder}/{file}"]), file));
    }

    /// <summary>After a small run at runs/tales.</summary>
    DoorRun Made(string[] words)
    {
        Done(["distill", "recipes/tales.yaml", .. s_cutDown]);
        return Done(words);
    }

    void Adapts(string[] words)
    {
        Assert.NotNull(((StudentRecipe.From)RecipeFile.Read(_copy[words[1]], [], [.. BundledSamples.All.Keys]).Student).Lora);
        Done([.. words, .. s_cutDown]);
        Assert.All(["student/model.safetensors", "student/adapter/adapter_config.json", "student/adapter/adapter_model.safetensors"], file => Assert.True(File.Exists(_copy[$"runs/tales-adapter/{file}"]), file));
    }

    /// <summary>The same server on a free port, until what is done with it is done.</summary>
    void Serves(string[] words, Action<string> done)
    {
        using Process server = ProcessRun.Begin([words[0], _copy[words[1]], "--urls", "http://127.0.0.1:0"]);
        try
        {
            string line = server.StandardOutput.ReadLine() ?? server.StandardError.ReadToEnd();
            done(Regex.Match(line, "answers at (http://[^/]+)/v1").Groups[1].Value is { Length: > 0 } url ? url : throw new InvalidOperationException(line));
        }
        finally
        {
            server.Kill();
            server.WaitForExit();
        }
    }

    /// <summary>The first prompts alone.</summary>
    void DistillsFacts(string[] words, string url)
    {
        Recipe recipe = RecipeFile.Read(_copy[words[1]], [], []);
        Assert.Equal((5, 1200), (recipe.Train.Seeds.Count, File.ReadLines(Assert.Single(recipe.Data.Prompts!)).Count()));
        File.WriteAllLines(_copy["recipes/tales-facts.jsonl"], File.ReadLines(_copy["recipes/tales-facts.jsonl"]).Take(30).ToArray());
        DoorRun run = Done([.. words, "--set", $"teacher={url}/v1#tales-teacher", .. s_cutDown, "--set", "data.held_out=6", "--set", "data.validation=4", "--set", "evaluate.max_tokens=120", "--set", "evaluate.gold_items=6"]);
        Assert.Matches("accuracy +[0-9]+[.][0-9] % +[0-9]+[.][0-9] % +[0-9]+[.][0-9] %", run.Output);
        Assert.True(File.Exists(_copy["runs/tales-facts/student/answer_form.json"]));
    }

    void Converts(string[] words)
    {
        Done(words);
        Assert.Equal(ModelReference.Open(_copy["models/tales-teacher"]).Weights.Embedding.Span, ModelReference.Open(_copy["out-f32"]).Weights.Embedding.Span);
    }

    void Begins(string[] words)
    {
        Done(words);
        Recipe recipe = RecipeFile.Read(_copy["recipe.yaml"], [], []);
        Assert.Equal((_copy["models/tales-teacher"], _copy["prompts.jsonl"]), (recipe.Teacher, Assert.Single(recipe.Data.Prompts!)));
    }

    async Task PullsAsync(string[] words)
    {
        await using LoopbackHub hub = new(r => r.Path switch
        {
            "/api/models/karpathy/tinyllamas/revision/main" => HubReply.Text(200, """{"sha": "c0ffee", "siblings": [{"rfilename": "stories260K/stories260K.bin"}]}"""),
            "/karpathy/tinyllamas/resolve/main/stories260K/stories260K.bin" => HubReply.Text(200, "weights"),
            _ => HubReply.Text(404),
        });
        DoorRun run = _copy.Retort(words, ("RETORT_HUB", hub.Address.ToString()));
        Assert.True(run.Code == ExitCode.Done, run.Error);
        Assert.Equal("weights", File.ReadAllText(_copy["models/tinyllamas/stories260K/stories260K.bin"]));
    }

    static void BeginsToMeasure(string[] words)
    {
        using CancellationTokenSource stop = new();
        using StringWriter output = new();
        using StopAtOnce error = new(stop);
        Assert.Equal(ExitCode.Interrupted, Door.Run(words, new Session(output, error, stop.Token)));
        Assert.Contains("multiply-add peak", error.ToString(), StringComparison.Ordinal);
    }

    /// <summary>The script itself, with a dotnet beside it that builds nothing and reports three tests.</summary>
    void Tests()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("./test is a bash script.");
            return;
        }

        File.Copy(Repository.PathOf("test"), _copy["test"]);
        File.WriteAllText(_copy["dotnet"], """
            #!/usr/bin/env bash
            [[ $1 == build ]] || echo '<assemblies><assembly name="a" passed="2" failed="0" errors="0" skipped="1"></assembly></assemblies>' > "$3"
            """);
        File.SetUnixFileMode(_copy["dotnet"], UnixFileMode.UserRead | UnixFileMode.UserExecute);
        DoorRun run = _copy.Run(_copy["test"], [], ("PATH", $"{_copy.Folder}:{Environment.GetEnvironmentVariable("PATH")}"), ("CI", ""));
        Assert.True(run.Code == 0, run.Error);
        Assert.Equal("8 passed, 0 failed, 4 skipped", run.Output.TrimEnd('\n').Split('\n')[^1]);
    }

    /// <summary>Asks for an end as soon as something is written.</summary>
    sealed class StopAtOnce(CancellationTokenSource stop) : StringWriter
    {
        public override void WriteLine(string? value)
        {
            base.WriteLine(value);
            stop.Cancel();
        }
    }
}
