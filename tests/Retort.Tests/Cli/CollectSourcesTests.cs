using System.Diagnostics;
using System.Text.Json;
using Retort.Cli;
using Retort.Tests.Asking;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Cli;

/// <summary>Asking what tables, logs and the teacher itself give, one by one and in batches, as a user does it.</summary>
public sealed class CollectSourcesTests : IDisposable
{
    readonly Scratch _scratch = new();
    readonly FakeBatches _server = new();

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _server.Dispose();
        _scratch.Dispose();
    }

    string Recipe(string data, string ask = "", string money = "prompt: 1, completion: 1") =>
        _scratch.Write("r.yaml", $"teacher: {_server.Url}#small\nterms: {{teacher: own-model}}\ndata: {data}\nask: {{max_tokens: 20{ask}}}\nmoney: {{{money}}}\npace: {{attempts: 2}}\n");

    Task<DoorRun> Collect(string recipe, params string[] more) => Task.Run(() => DoorRun.Of(["collect", recipe, "--out", _scratch["run"], .. more]), Stop);

    [Fact]
    public async Task FilesOfAllKindsAreNamedAndAsked()
    {
        _scratch.Write("p.csv", "text,gold\nyes,oui\nno,\n,x\n");
        _scratch.Write("log.jsonl", "{\"request\": {\"body\": {\"messages\": [{\"role\": \"user\", \"content\": \"mail ann@example.com\"}]}}}\n{\"request\": {\"url\": \"/health\"}}\n{\"request\": {\"messages\": [{\"role\": \"user\", \"content\": \"hello\"}]}}\n");
        _scratch.Write("t.jsonl", "{\"turns\": [\"one\", \"two\"]}\n");
        DoorRun run = await Collect(Recipe("{prompts: [p.csv, log.jsonl, t.jsonl], template: \"Translate {text} to French\"}"));
        Assert.True(run.Code == ExitCode.Done, run.Error);
        Assert.Contains("5 prompts from 3 files: 2 from p.csv (CSV), 2 from log.jsonl (a gateway's capture), 1 from t.jsonl (JSON lines)", run.Error, StringComparison.Ordinal);
        Assert.Contains("2 rows hold no prompt: 1 × the column 'text' is empty, 1 × no messages and no text are given to a model; the first at ", run.Error, StringComparison.Ordinal);
        Assert.Contains("1 with mail addresses; left out: 1", run.Error, StringComparison.Ordinal);
        Assert.Contains("5 questions, 5 to ask", run.Error, StringComparison.Ordinal);
        Assert.Contains("5 of 5 questions answered, 5 of them now", run.Output, StringComparison.Ordinal);
        Assert.Contains("the endpoint, as small: no log-probabilities · one answer at a time · seeds repeat · JSON schemas not kept · tokens counted · limits not named", run.Output, StringComparison.Ordinal);

        // The second turn is a question of its own, and its gold would be its own; a damaged file is one sentence.
        DoorRun rows = DoorRun.Of("export-data", _scratch["run"], "--json");
        Assert.True(rows.Json.GetProperty("rows").GetInt32() == 5, rows.Output + File.ReadAllText(Path.Combine(_scratch["run"], "data.jsonl.excluded.jsonl")));
        _scratch.Write("p.csv", "text,gold\nyes\n");
        (await Collect(Recipe("{prompts: p.csv, template: \"{text}\"}"))).Refused(_scratch["p.csv"] + ", line 2", "the row has 1 fields");
    }

    [Fact]
    public async Task AProbeCanBeMadeAloneAndAgain()
    {
        _scratch.Write("p.txt", "a\n");
        DoorRun first = await Collect(Recipe("{prompts: p.txt}"), "--probe", "--json");
        Assert.Equal((6, "small"), (_server.Handled.Count, first.Json.GetProperty("probe").GetProperty("model").GetString()));
        Assert.Equal(0, first.Json.GetProperty("store").GetProperty("answers").GetInt32());
        await Collect(Recipe("{prompts: p.txt}"));
        Assert.Equal(7, _server.Handled.Count);
        await Collect(Recipe("{prompts: p.txt}"), "--probe");
        Assert.Equal(13, _server.Handled.Count);
        DoorRun lacking = await Collect(Recipe("{prompts: p.txt}", ", top_logprobs: 5"));
        Assert.Equal(ExitCode.BadInput, lacking.Code);
        Assert.Contains("the endpoint gives no log-probabilities, and the recipe wants them", lacking.Error, StringComparison.Ordinal);
        Assert.Equal(13, _server.Handled.Count);
    }

    /// <summary>From seeds to new prompts to their answers; a second run asks nothing and makes the same file.</summary>
    [Fact]
    public async Task PromptsAreGrownAndAsked()
    {
        int made = 0;
        string[] subjects = ["rivers", "bread", "clocks", "violins", "glaciers", "taxes", "moths", "bridges", "opera", "volcanoes", "knots", "comets"];
        _server.Chats = asked => asked.StartsWith("Here are", StringComparison.Ordinal)
            ? JsonSerializer.Serialize(subjects[(made++ % 3 * 4)..][..4].Select(s => $"Explain {s} to a child who has never heard of {s}").Append("Write to ann@example.com about it"))
            : $"<{asked}>";
        _scratch.Write("p.txt", "Why is the sky blue?\nName a good book about sailing.\n");
        string recipe = Recipe("{prompts: p.txt, grow: {to: 10, per_request: 4}}");
        DoorRun run = await Collect(recipe, "--json");
        Assert.True(run.Code == ExitCode.Done, run.Error);
        JsonElement growth = run.Json.GetProperty("growth");
        Assert.Equal((10, "enough"), (growth.GetProperty("kept").GetInt32(), growth.GetProperty("ended").GetString()));
        Assert.True(growth.GetProperty("left_out").GetInt32() > 0);
        Assert.Equal(12, run.Json.GetProperty("store").GetProperty("answers").GetInt32());
        string[] grown = File.ReadAllLines(Path.Combine(_scratch["run"], "grown.jsonl"));
        Assert.Equal(10, grown.Length);
        int handled = _server.Handled.Count;
        DoorRun again = await Collect(recipe);
        Assert.Equal(handled, _server.Handled.Count);
        Assert.Equal(grown, File.ReadAllLines(Path.Combine(_scratch["run"], "grown.jsonl")));
        Assert.Contains("10 prompts grown (enough)", again.Output, StringComparison.Ordinal);
        Assert.Contains("diversity: distinct-1 0.", again.Output, StringComparison.Ordinal);
        Assert.Equal(12, DoorRun.Of("export-data", _scratch["run"], "--json").Json.GetProperty("rows").GetInt32());
    }

    /// <summary>The program is killed at each step of a batch, before the endpoint has done it and after; the next run takes it up.</summary>
    [Theory]
    [InlineData("POST /files", true)]
    [InlineData("POST /files", false)]
    [InlineData("POST /batches", true)]
    [InlineData("POST /batches", false)]
    [InlineData("GET /batches/batch-1", true)]
    [InlineData("GET /files/file-2/content", true)]
    public async Task AKilledBatchIsFoundAgain(string at, bool before)
    {
        _scratch.Write("p.txt", string.Concat(Enumerable.Range(0, 20).Select(i => $"question {i}\n")));
        string recipe = Recipe("{prompts: p.txt}", ", batch: true", "prompt: 1, completion: 1, batch_discount: 0.5");
        TaskCompletionSource<Process> started = new(TaskCreationOptions.RunContinuationsAsynchronously);
        int kills = 1;
        bool Kills(string what)
        {
            if (what != at || Interlocked.Decrement(ref kills) < 0)
            {
                return true;
            }

            started.Task.Result.Kill();
            return false;
        }

        _server.Before = what => !before || Kills(what);
        _server.After = what => before || Kills(what);
        using Process killed = ProcessRun.Begin("collect", recipe, "--out", _scratch["run"]);
        started.SetResult(killed);
        await killed.WaitForExitAsync(Stop);
        Assert.Equal(128 + 9, killed.ExitCode);
        DoorRun run = await Collect(recipe, "--json");
        Assert.True(run.Code == ExitCode.Done, run.Error);
        Assert.Equal(20, run.Json.GetProperty("store").GetProperty("answers").GetInt32());
        Assert.Equal(20, Assert.Single(_server.Made).Length);

        // Half the price for the batch, and the probe in full.
        Assert.Equal(20 * 15 * 0.5m / 1_000_000 + (6 * 15m / 1_000_000), run.Json.GetProperty("store").GetProperty("spent").GetDecimal());
    }

    [Theory]
    [InlineData("{prompts: p.txt, format: xml}", "", "data.format must be one of jsonl, csv")]
    [InlineData("{prompts: p.txt, grow: {per_request: 4}}", "", "data.grow.to is missing")]
    [InlineData("{prompts: p.txt, grow: {to: 4, simillarity: 0.5}}", "", "did you mean similarity?")]
    [InlineData("{prompts: p.txt}", ", batch: often", "ask.batch must be true or false")]
    public async Task AFaultOfARecipeIsNamed(string data, string ask, string what)
    {
        _scratch.Write("p.txt", "a\n");
        (await Collect(Recipe(data, ask))).Refused(_scratch["r.yaml"], what);
    }
}
