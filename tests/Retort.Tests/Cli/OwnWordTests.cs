using System.Text.Json;
using Retort.Cli;
using Retort.Tests.Asking;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Cli;

/// <summary>An endpoint's own word, as a user meets it: it closes what the register opens, and never opens what the register closes.</summary>
public sealed class OwnWordTests : IDisposable
{
    const string Yes = "\"is_trainable_text\": true", No = "\"distillationPolicy\": {\"status\": \"disallowed\", \"label\": \"Barred\"}, \"is_trainable_text\": true";

    readonly Scratch _scratch = new();

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => _scratch.Dispose();

    static async Task<DoorRun> Door(params string[] arguments) => await Task.Run(() => DoorRun.Of(arguments), Stop);

    string Recipe(ListingEndpoint server, string more = "", string terms = "own-model")
    {
        _scratch.Write("p.jsonl", string.Concat(Enumerable.Range(0, 24).Select(i => $"{{\"prompt\": \"the weather of day number {i}\"}}\n")));
        return _scratch.Write("r.yaml", $$"""
            teacher: {{server.Url}}#small
            terms: {teacher: {{terms}}}
            student: {shape: {hidden: 16, layers: 1, heads: 2, feed_forward: 24}, train_tokenizer: 280}
            data: {prompts: p.jsonl, held_out: 4, validation: 2}
            ask: {max_tokens: 16}
            train: {tokens: 200, rows: 1, context: 64, rate: 0.003, seeds: [1], threads: 1}
            evaluate: {gold_items: 0, samples: 0}
            {{more}}
            """);
    }

    [Theory]
    [InlineData("collect")]
    [InlineData("distill")]
    public async Task WhatTheEndpointForbidsIsNotAsked(string verb)
    {
        using ListingEndpoint server = new(ListingEndpoint.With(No));
        DoorRun closed = await Door(verb, Recipe(server), "--out", _scratch["run"]);
        Assert.True(closed.Code == ExitCode.Negative, closed.Error);
        Assert.Contains("distillationPolicy.status: disallowed", closed.Output, StringComparison.Ordinal);
        Assert.Contains($"{server.Url}/models", closed.Output.ReplaceLineEndings("").Replace("    ", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Equal(0, server.Chats);

        // Not asked, so not probed either; and where the endpoint cannot be reached later, its word still holds.
        server.Lists = _ => new(500, "");
        Assert.Equal(ExitCode.Negative, (await Door(verb, Recipe(server), "--out", _scratch["run"])).Code);
        Assert.Equal(0, server.Chats);
    }

    [Theory]
    [InlineData(200, """{"data": []}""")]
    [InlineData(404, "")]
    [InlineData(200, "<html>")]
    public async Task WhatCannotBeReadChangesNothing(int status, string list)
    {
        using ListingEndpoint server = new(_ => new(status, list));
        DoorRun asked = await Door("collect", Recipe(server), "--out", _scratch["run"]);
        Assert.True(asked.Code == ExitCode.Done, asked.Error);
        Assert.Contains("was not read, which changes nothing", asked.Output, StringComparison.Ordinal);
        Assert.StartsWith("GET", server.Lines.First(), StringComparison.Ordinal);
    }

    /// <summary>A yes of the endpoint does not open what nobody declared, nor what is closed.</summary>
    [Fact]
    public async Task AYesLoosensNothing()
    {
        using ListingEndpoint server = new(ListingEndpoint.With(Yes));
        Assert.Equal(ExitCode.Negative, (await Door("collect", Recipe(server, terms: "openai-api"), "--out", _scratch["run"])).Code);
        Assert.Equal(ExitCode.Negative, (await Door("collect", Recipe(server), "--set", "terms={}", "--out", _scratch["run"])).Code);
        Assert.Empty(server.Requests);
    }

    /// <summary>What was read, when and its hash stands in the run's papers, and binds training and handing over without the network.</summary>
    [Fact]
    public async Task TheWordIsInTheRunsPapersAndBindsWhatFollows()
    {
        ListingEndpoint server = new(ListingEndpoint.With(Yes));
        string run = _scratch["run"], recipe = Recipe(server);
        DoorRun made = await Door("distill", recipe, "--out", run);
        Assert.True(made.Code == ExitCode.Done, made.Error);
        JsonElement own = JsonElement.Parse(File.ReadAllBytes(Path.Combine(run, "terms.json"))).GetProperty("uses")[0].GetProperty("own");
        Assert.Equal((server.Url + "/models", "is_trainable_text: true"), (own.GetProperty("address").GetString(), own.GetProperty("field").GetString()));
        string hash = own.GetProperty("sha256").GetString()!;
        Assert.Matches("^[0-9a-f]{64}$", hash);
        Assert.True(own.GetProperty("read").GetDateTimeOffset() > DateTimeOffset.UnixEpoch);

        // Every answer's entry in the ledger names it, and the run verifies.
        Assert.All(File.ReadLines(Path.Combine(run, "transcripts.jsonl")), l => Assert.EndsWith($"is_trainable_text: true {hash}", JsonElement.Parse(l).GetProperty("terms").GetString(), StringComparison.Ordinal));
        DoorRun verified = DoorRun.Of("verify", run);
        Assert.True(verified.Code == ExitCode.Done, verified.Output);
        Assert.Equal(ExitCode.Done, DoorRun.Of("export-data", run).Code);

        // It changes its mind, which is heard when it is asked the next time; from then on, the network gone, nothing is trained or handed out.
        server.Lists = _ => new(200, ListingEndpoint.With(No));
        Assert.Equal(ExitCode.Negative, (await Door("collect", recipe, "--out", run)).Code);
        server.Dispose();
        int heard = server.Requests.Length;
        foreach (string[] arguments in (string[][])[["distill", recipe, "--out", run, "--resume"], ["distill", recipe, "--out", run, "--resume", "--no-ask"], ["export-data", run]])
        {
            DoorRun closed = DoorRun.Of(arguments);
            Assert.True(closed.Code == ExitCode.Negative, closed.Output + closed.Error);
            Assert.Contains("distillationPolicy.status: disallowed", closed.Output, StringComparison.Ordinal);
        }

        Assert.Equal(heard, server.Requests.Length);
    }

    [Fact]
    public async Task AJudgesEndpointIsReadBeforeTheTeacherIsAsked()
    {
        using ListingEndpoint teacher = new(ListingEndpoint.With(Yes)), judge = new(ListingEndpoint.With(No));
        Environment.SetEnvironmentVariable("RETORT_TEST_JUDGE_KEY", "sk-judge-secret");
        DoorRun closed = await Door("distill", Recipe(teacher, $"admit: {{judge: {{model: \"{judge.Url}#small\", rubric: good, threshold: 1, terms: own-model, key: RETORT_TEST_JUDGE_KEY}}}}"), "--out", _scratch["run"]);
        Assert.True(closed.Code == ExitCode.Negative, closed.Error);
        Assert.Contains("as judge", closed.Output, StringComparison.Ordinal);
        Assert.Equal((0, 0), (teacher.Chats, judge.Chats));
        Assert.Equal("Bearer sk-judge-secret", Assert.Single(judge.Requests).Key);
        Assert.DoesNotContain("sk-judge-secret", closed.Output + closed.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TermsCheckAsksOnRequestAlone()
    {
        using ListingEndpoint server = new(h => h.Key == "Bearer sk-live-secret" ? new(200, ListingEndpoint.With(No)) : new(401, "{}"));
        string reference = server.Url + "#small";
        string[] check = ["terms", "check", reference, "--terms", "own-model"];
        Assert.Equal(ExitCode.Done, (await Door(check)).Code);
        Assert.Empty(server.Requests);

        DoorRun keyless = await Door([.. check, "--live"]);
        Assert.Equal(ExitCode.Done, keyless.Code);
        Assert.Contains("which changes nothing: the answer is 401", keyless.Output.ReplaceLineEndings(" ").Replace("      ", " ", StringComparison.Ordinal).Replace("     ", " ", StringComparison.Ordinal), StringComparison.Ordinal);
        Environment.SetEnvironmentVariable("RETORT_TEST_LIVE_KEY", "sk-live-secret");
        DoorRun closed = await Door([.. check, "--live", "--key", "RETORT_TEST_LIVE_KEY", "--json"]);
        Assert.Equal(ExitCode.Negative, closed.Code);
        JsonElement own = closed.Json.GetProperty("uses")[0].GetProperty("own"), reason = Assert.Single(closed.Json.GetProperty("reasons").EnumerateArray());
        Assert.Equal(("distillationPolicy.status: disallowed", "Barred", server.Url + "/models"), (own.GetProperty("field").GetString(), own.GetProperty("label").GetString(), own.GetProperty("address").GetString()));
        Assert.Contains($"distillationPolicy.status: disallowed at {server.Url}/models", reason.GetProperty("sentence").GetString(), StringComparison.Ordinal);
        Assert.DoesNotContain("sk-live-secret", closed.Output + closed.Error, StringComparison.Ordinal);

        DoorRun.Of([.. check, "--live", "--key", "RETORT_TEST_NO_SUCH_KEY"]).Refused("--key", "RETORT_TEST_NO_SUCH_KEY is not set");
        DoorRun.Of([.. check, "--key", "RETORT_TEST_LIVE_KEY"]).Refused("--key", "without --live");
        DoorRun.Of("terms", "check", "org/model", "--live").Refused("--live", "only an endpoint");
        DoorRun.Of([.. check, "--live", "--policy", _scratch.Write("list.json", "{}")]).Refused("--live", "given as a file");
    }
}
