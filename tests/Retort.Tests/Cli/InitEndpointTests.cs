using System.Text.Json;
using Retort.Asking;
using Retort.Cli;
using Retort.Distill;
using Retort.Tests.Asking;

namespace Retort.Tests.Cli;

/// <summary>A first recipe for a teacher behind an endpoint: read back without faults, and run as it stands.</summary>
public sealed class InitEndpointTests : IDisposable
{
    static readonly CalendarDay s_today = new(2026, 11, 28);

    readonly TinyWorld _world = new();

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => _world.Dispose();

    string Questions(bool gold)
    {
        string path = _world["questions.jsonl"];
        File.WriteAllLines(path, Enumerable.Range(0, 60).Select(i => JsonSerializer.Serialize(gold ? (object)new { prompt = $"Who has lamp number {i}?", gold = $"Ann has lamp {i}." } : new { prompt = $"Who has lamp number {i}?" })));
        return path;
    }

    [Theory]
    [InlineData("16,1,2,1,24", false)]
    [InlineData("teacher", true)]
    public async Task TheDraftIsAcceptedAndRuns(string student, bool gold)
    {
        using ListingEndpoint server = new("{}") { Says = text => string.Join(' ', Enumerable.Range(0, 8).Select(w => $"{PromptGrower.Id(text)[..4]}{w}")) };
        string recipe = _world["made.yaml"], prices = _world["prices.yaml"], questions = Questions(gold);
        File.WriteAllText(prices, "prices: [{model: small, prompt: 3, completion: 7, since: 2026-01-31}]");
        DoorRun made = DoorRun.Of("init", "--teacher", $"{server.Url}#small", "--student", student == "teacher" ? _world.Teacher : student, "--prompts", questions, "--prices", prices, "-o", recipe);
        Assert.Equal((ExitCode.Done, ""), (made.Code, made.Error));
        Assert.Empty(server.Requests);
        Recipe read = RecipeFile.Read(recipe, [], []);
        Assert.Equal(($"{server.Url}#small", questions, prices), (read.Teacher, Assert.Single(read.Data.Prompts!), read.Ask!.Prices));
        Assert.Equal((6, 3, 512, true), (read.Data.HeldOut, read.Data.Validation, read.Ask.Parameters.MaxTokens, read.Admit.Contamination.HeldOut));
        Assert.Equal(Usd.Of(1), read.Ask.Ceiling);
        Assert.Null(read.Ask.Key);
        Assert.Equal(student == "teacher", read.Student is StudentRecipe.From);
        Assert.Contains("declare its terms", File.ReadAllText(recipe).Replace("\n#    ", "", StringComparison.Ordinal), StringComparison.Ordinal);
        DoorRun run = await Task.Run(() => DoorRun.Of("distill", recipe, "--out", _world["run"], "--json", "--set", "terms={teacher: own-model, student: own-model}", "--set", "train.tokens=200", "--set", "train.seeds=1", "--set", "train.rate=0.001", "--set", "train.threads=1"), Stop);
        Assert.True(run.Code == ExitCode.Done, run.Output + run.Error);
        Assert.Equal(gold, run.Json.GetProperty("results").GetProperty("twin").ValueKind != JsonValueKind.Null);
        DoorRun.Of("init", "--teacher", $"{server.Url}#small", "--student", "16,1,2,1,24", "--prompts", questions, "-o", recipe).Refused(recipe, "there is a file of that name");
    }

    /// <summary>What the register says on the day stands in a comment; nothing of it decides: distill asks again.</summary>
    [Theory]
    [InlineData("https://api.openai.com/v1#gpt-5", "CLOSED: distill will refuse this teacher", "OPENAI_API_KEY")]
    [InlineData("https://api.deepseek.com/v1#deepseek-chat", "OPEN: its answers may train a model", "DEEPSEEK_API_KEY")]
    [InlineData("https://llm.example.org/v1#it's \"one\"", "no entry covers the host 'llm.example.org'", "EXAMPLE_API_KEY")]
    public void TheTermsOfTheDayAreInAComment(string teacher, string said, string key)
    {
        string recipe = _world["made.yaml"];
        DoorRun made = DoorRun.At(s_today, "init", "--teacher", teacher, "--student", "16,1,2,1,24", "--prompts", Questions(false), "-o", recipe);
        Assert.True(made.Code == ExitCode.Done, made.Error);
        string text = File.ReadAllText(recipe);
        Assert.Contains("The register said on 2026-11-28", text, StringComparison.Ordinal);
        Assert.Contains(said, text.Replace("\n#    ", "", StringComparison.Ordinal).ReplaceLineEndings(" "), StringComparison.Ordinal);
        Recipe read = RecipeFile.Read(recipe, [], []);
        Assert.Equal((teacher, key, null), (read.Teacher, read.Ask!.Key, read.Ask.Ceiling));
        Assert.Null(read.Terms.Teacher);
    }

    [Theory]
    [InlineData("api.openai.com", "OPENAI_API_KEY")]
    [InlineData("openrouter.ai", "OPENROUTER_API_KEY")]
    [InlineData("api.x.ai", "XAI_API_KEY")]
    [InlineData("nano-gpt.com", "NANOGPT_API_KEY")]
    [InlineData("generativelanguage.googleapis.com", "GEMINI_API_KEY")]
    [InlineData("mine.openai.azure.com", "AZURE_OPENAI_API_KEY")]
    [InlineData("llm.big-firm.co.uk", "BIG_FIRM_API_KEY")]
    [InlineData("4models.org", "ENDPOINT_API_KEY")]
    [InlineData("127.0.0.1", null)]
    [InlineData("localhost", null)]
    public void TheKeysNameIsGuessedFromTheHost(string host, string? variable) => Assert.Equal(variable, EndpointDraft.KeyVariable(host));

    [Fact]
    public void WhatIsWrongIsNamed()
    {
        string[] init = ["init", "--teacher", "https://llm.example.org/v1#small", "--student", "16,1,2,1,24", "-o", _world["made.yaml"], "--prompts"];
        File.WriteAllLines(_world["few.jsonl"], ["{\"prompt\": \"a\"}", "{\"prompt\": \"b\"}", "{\"prompt\": \"a\"}"]);
        DoorRun.Of([.. init, _world["few.jsonl"]]).Refused(_world["few.jsonl"], "there are 2 different prompts");
        File.WriteAllText(_world["prices.yaml"], "prices: [{model: other, prompt: 3, completion: 7, since: 2026-01-31}]");
        DoorRun.Of([.. init, Questions(false), "--prices", _world["prices.yaml"]]).Refused(_world["prices.yaml"], "no price for small of llm.example.org");
        DoorRun.Of("init", "--teacher", "https://llm.example.org/v1", "--student", "16,1,2,1,24", "--prompts", Questions(false)).Refused("https://llm.example.org/v1", "names no model");
        DoorRun.Of("init", "--teacher", _world.Teacher, "--student", "16,1,2,1,24", "--prompts", _world.Prompts, "-o", _world["made.yaml"], "--prices", _world["prices.yaml"]).Refused("--prices", "behind an endpoint");
        DoorRun.Of("init", "--teacher", "https://llm.example.org/v1#small", "--student", _world["none"], "--prompts", Questions(false), "-o", _world["made.yaml"]).Refused(_world["none"], "");
        Assert.False(File.Exists(_world["made.yaml"]));
    }
}
