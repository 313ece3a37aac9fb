using System.Text;
using System.Text.Json;
using Dapper;
using Microsoft.Data.Sqlite;
using Retort.Cli;
using Retort.Guard;
using Retort.Model.Inference;
using Retort.Tests.Guard;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Cli;

/// <summary>Two teachers in one recipe, and what is left when one of them must go.</summary>
public sealed class WithoutTeacherTests : IDisposable
{
    readonly Scratch _scratch = new();

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => _scratch.Dispose();

    static async Task<DoorRun> Run(params string[] arguments) => await Task.Run(() => DoorRun.Of(arguments), Stop);

    static string Reference(GuardWorld world) => $"{world.Url}/v1#{GuardWorld.Name}";

    string Recipe(GuardWorld one, GuardWorld two, bool gold = true, string more = "")
    {
        _scratch.Write("p.jsonl", string.Concat(Enumerable.Range(0, 40).Select(i => JsonSerializer.Serialize(gold ? (object)new { prompt = $"Once number {i}", gold = $"number {i} was red" } : new { prompt = $"Once number {i}" }) + "\n")));
        return _scratch.Write("r.yaml", $$$"""
            name: both
            teacher: {{{Reference(one)}}}
            more_teachers:
              - {model: "{{{Reference(two)}}}", terms: own-model, price: {prompt: 3, completion: 4}}
            terms: {teacher: own-model}
            student:
              shape: {hidden: 16, layers: 1, heads: 2, feed_forward: 24}
              train_tokenizer: 280
            data: {prompts: p.jsonl, held_out: 8, validation: 4}
            ask: {max_tokens: 8, temperature: 0}
            admit: {finish: [stop, length], near_duplicate: off}
            money: {prompt: 1, completion: 2, ceiling: 1}
            train: {tokens: 1500, rows: 1, context: 64, rate: 0.003, seeds: [1, 2], threads: 1}
            evaluate: {gold_items: 4, samples: 1, max_tokens: 8}
            {{{more}}}
            """);
    }

    static JsonElement[] Rows(string run) => [.. File.ReadLines(Path.Combine(run, "dataset.jsonl")).Skip(1).Select(l => JsonElement.Parse(l))];

    static string[] HeldOut(string run) => [.. Rows(run).Where(r => r.GetProperty("split").GetString() == "held_out").Select(r => r.GetProperty("prompt").GetString()!).Distinct().Order(StringComparer.Ordinal)];

    [Fact]
    public async Task ATeacherIsLeftOutAndTheCostIsStated()
    {
        GuardWorld one = await GuardWorld.Start(template: false);
        await using GuardWorld two = await GuardWorld.Start();
        string run = _scratch["both"], recipe = Recipe(one, two), first = Reference(one), second = Reference(two), gone = one.Url;
        DoorRun made = await Run("distill", recipe, "--out", run, "--json");
        Assert.True(made.Code == ExitCode.Done, made.Error);
        Assert.Contains("80 questions, 80 to ask", made.Error, StringComparison.Ordinal);

        // Each teacher's part is known everywhere: in the data, the terms and the report.
        JsonElement[] parts = [.. made.Json.GetProperty("asked").GetProperty("teachers").EnumerateArray()];
        Assert.Equal([first, second], parts.Select(p => p.GetProperty("teacher").GetString()));
        Assert.All(parts, p => Assert.Equal((40, 40, 40), (p.GetProperty("questions").GetInt32(), p.GetProperty("answered").GetInt32(), p.GetProperty("admitted").GetInt32())));
        decimal[] spent = [.. parts.Select(p => p.GetProperty("spent").GetDecimal())];
        Assert.True(spent[0] > 0 && spent[1] > spent[0], made.Output);
        Assert.Equal(made.Json.GetProperty("asked").GetProperty("store").GetProperty("spent").GetDecimal(), spent.Sum());
        Assert.Equal(40, Rows(run).Count(r => r.GetProperty("teacher").GetString() == first));
        Assert.Equal(40, Rows(run).Count(r => r.GetProperty("teacher").GetString() == second));
        string page = File.ReadAllText(Path.Combine(run, "report.html"));
        Assert.All([first, second], teacher => Assert.Contains(teacher, page, StringComparison.Ordinal));
        Assert.Equal(JsonValueKind.Null, made.Json.GetProperty("without").ValueKind);

        // A ruling on its terms names the run, its rows, and the way out.
        DoorRun impact = DoorRun.Of("terms", "impact", _scratch.Folder, "--entry", "own-model");
        Assert.Equal(ExitCode.Negative, impact.Code);
        Assert.Contains("own-model: 1 of 1 runs are touched", impact.Output, StringComparison.Ordinal);
        Assert.Contains($"{run}: teacher {first}, under own-model; 40 documents, its student is handed out\n    retort distill {Path.Combine(run, "recipe.yaml")} --without {first}\n", impact.Output, StringComparison.Ordinal);
        Assert.Contains($"--without {second}\n", impact.Output, StringComparison.Ordinal);

        // It is not there to be asked any more, and what opened it is closed.
        await one.DisposeAsync();
        string left = _scratch["left"], resolved = Path.Combine(run, "recipe.yaml");
        DoorRun without = await Run("distill", resolved, "--without", first, "--out", left, "--set", "terms.teacher=openai-api", "--json");
        Assert.True(without.Code == ExitCode.Done, without.Output + without.Error);
        Assert.Contains("40 questions, all of them answered", without.Error, StringComparison.Ordinal);
        Assert.Equal(HeldOut(run), HeldOut(left));
        Assert.All(Rows(left), r => Assert.Equal(second, r.GetProperty("teacher").GetString()));
        Assert.DoesNotContain(first, File.ReadAllText(Path.Combine(left, "terms.json")), StringComparison.Ordinal);
        Assert.True(File.ReadAllBytes(Path.Combine(left, "transcripts.db")).AsSpan().IndexOf(Encoding.UTF8.GetBytes(gone)) < 0);

        JsonElement facts = without.Json.GetProperty("without"), quality = facts.GetProperty("quality"), rows = facts.GetProperty("rows");
        Assert.Equal((first, run), (facts.GetProperty("teachers")[0].GetString(), facts.GetProperty("run").GetString()));
        Assert.Equal(spent[0], facts.GetProperty("answers_cost").GetDecimal());
        Assert.Equal(0, facts.GetProperty("asked").GetDecimal());
        Assert.True(facts.GetProperty("training").GetDouble() > 0);
        Assert.Equal((56, 28, 28, 8, 8), (rows.GetProperty("before").GetInt32(), rows.GetProperty("lost").GetInt32(), rows.GetProperty("now").GetInt32(), rows.GetProperty("held_out_before").GetInt32(), rows.GetProperty("held_out").GetInt32()));
        Assert.Equal((8, 4, 2), (quality.GetProperty("documents").GetInt32(), quality.GetProperty("tasks").GetInt32(), quality.GetProperty("original_seeds").GetInt32()));
        JsonElement[] comparisons = [.. quality.GetProperty("comparisons").EnumerateArray()];
        Assert.Equal(["held-out cross entropy", "gold task score"], comparisons.Select(c => c.GetProperty("metric").GetString()));
        Assert.Equal(quality.GetProperty("original").GetDouble() - quality.GetProperty("student").GetDouble(), comparisons[0].GetProperty("interval").GetProperty("mean").GetDouble(), 9);
        Assert.Empty(facts.GetProperty("notes").EnumerateArray());
        Assert.Contains("held out from both", File.ReadAllText(Path.Combine(left, "report.html")), StringComparison.Ordinal);

        // The folder makes the run again, and holds.
        DoorRun verified = DoorRun.Of("verify", left, "--retrain", "--json");
        Assert.True(verified.Code == ExitCode.Done, verified.Output + verified.Error);
        DoorRun original = DoorRun.Of("verify", run, "--json");
        Assert.True(original.Code == ExitCode.Done, original.Output + original.Error);

        // Where only the student that was handed out is left, that is said; a recipe that differs in more is said too.
        File.Delete(Path.Combine(run, "checkpoints", "student-2.state"));
        DoorRun other = await Run("distill", resolved, "--without", first, "--out", _scratch["other"], "--set", "train.tokens=1600", "--json");
        Assert.True(other.Code == ExitCode.Done, other.Output + other.Error);
        facts = other.Json.GetProperty("without");
        Assert.Equal((1, 2), (facts.GetProperty("quality").GetProperty("original_seeds").GetInt32(), facts.GetProperty("quality").GetProperty("comparisons")[0].GetProperty("interval").GetProperty("seeds").GetInt32()));
        string notes = facts.GetProperty("notes").GetRawText();
        Assert.Contains("knows nothing of the spread", notes, StringComparison.Ordinal);
        Assert.Contains("differs in more than the teachers", notes, StringComparison.Ordinal);
    }

    /// <summary>Killed anywhere, it goes on to the bits of one that was left alone, and never holds what was left out.</summary>
    [Fact]
    public async Task AKilledRetrainingGoesOnToTheSameBits()
    {
        await using GuardWorld one = await GuardWorld.Start(template: false), two = await GuardWorld.Start();
        string run = _scratch["both"], recipe = Recipe(one, two, gold: false), whole = _scratch["whole"], killed = _scratch["killed"];
        Assert.Equal(ExitCode.Done, (await Run("distill", recipe, "--out", run)).Code);
        string[] line = ["distill", Path.Combine(run, "recipe.yaml"), "--without", Reference(two)];
        DoorRun left = await Run([.. line, "--out", whole, "--json"]);
        Assert.True(left.Code == ExitCode.Done, left.Error);
        Assert.Contains("favours a student of theirs alone", left.Json.GetProperty("without").GetProperty("notes").GetRawText(), StringComparison.Ordinal);
        Directory.CreateDirectory(Path.Combine(killed, "checkpoints"));
        foreach (string file in (string[])["transcripts.db.tmp", "without.json", "transcripts.db", "dataset.jsonl", "checkpoints/student-1.state"])
        {
            await Task.Run(() => ProcessRun.KilledAt(killed, file, 1, [.. line, "--out", killed, "--resume"]), Stop);
        }

        DoorRun last = await Run([.. line, "--out", killed, "--resume", "--json"]);
        Assert.True(last.Code == ExitCode.Done, last.Error);
        Assert.All(["student/model.safetensors", "dataset.jsonl", "without.json", "recipe.yaml"], f => Assert.Equal(File.ReadAllBytes(Path.Combine(whole, f)), File.ReadAllBytes(Path.Combine(killed, f))));
        Assert.Equal(left.Json.GetProperty("without").GetProperty("quality").GetRawText(), last.Json.GetProperty("without").GetProperty("quality").GetRawText());
        using SqliteConnection store = new($"Data Source={Path.Combine(killed, "transcripts.db")};Mode=ReadOnly;Pooling=False");
        Assert.Equal(one.Url + "/v1", Assert.Single(store.Query<string>("SELECT DISTINCT endpoint FROM request UNION SELECT endpoint FROM probe")));
    }

    /// <summary>Without a run to leave it out of, it trains all the same and says that there is nothing to compare with.</summary>
    [Fact]
    public async Task WithoutTheRunBeforeThereIsNothingToCompareWith()
    {
        await using GuardWorld one = await GuardWorld.Start(), two = await GuardWorld.Start();
        string recipe = Recipe(one, two);
        DoorRun alone = await Run("distill", recipe, "--without", Reference(two), "--out", _scratch["run"], "--set", "name=never-run");
        Assert.True(alone.Code == ExitCode.Done, alone.Error);
        Assert.Contains("40 questions, 40 to ask", alone.Error, StringComparison.Ordinal);
        Assert.Contains("nothing to compare with", alone.Output, StringComparison.Ordinal);
        Assert.Contains("new answers USD 0.00", alone.Output, StringComparison.Ordinal);

        DoorRun.Of("distill", recipe, "--without", "https://host/v1#none").Refused("--without", $"https://host/v1#none is none of the recipe's teachers: {Reference(one)}, {Reference(two)}");
        DoorRun.Of("distill", recipe, "--without", Reference(one), "--without", Reference(two)).Refused("--without", "there is no other teacher");
        using TinyWorld tiny = new();
        DoorRun.Of("distill", tiny.Recipe(), "--without", "teacher").Refused("--without", "only one");
    }

    /// <summary>Of two answers that are the same the first teacher's stays; without that teacher the other's comes in.</summary>
    [Fact]
    public async Task WhatAnotherAnsweredTooComesInItsPlace()
    {
        await using GuardWorld one = await GuardWorld.Start(), two = await GuardWorld.Start();
        string run = _scratch["both"], recipe = Recipe(one, two, more: "twin: false");
        DoorRun made = await Run("distill", recipe, "--out", run, "--json", "--set", "admit.near_duplicate=0.999");
        Assert.True(made.Code == ExitCode.Done, made.Output + made.Error);
        Assert.Equal([Reference(one)], made.Json.GetProperty("admission").GetProperty("by_teacher").EnumerateObject().Select(t => t.Name));
        DoorRun left = await Run("distill", Path.Combine(run, "recipe.yaml"), "--without", Reference(one), "--out", _scratch["left"], "--json");
        Assert.True(left.Code == ExitCode.Done, left.Output + left.Error);
        JsonElement rows = left.Json.GetProperty("without").GetProperty("rows");
        Assert.Equal(rows.GetProperty("before").GetInt32(), rows.GetProperty("lost").GetInt32());
        Assert.Equal((rows.GetProperty("before").GetInt32(), rows.GetProperty("before").GetInt32()), (rows.GetProperty("now").GetInt32(), rows.GetProperty("gained").GetInt32()));
        Assert.Equal(HeldOut(run), HeldOut(_scratch["left"]));
    }

    /// <summary>A run of collect alone is seen by a ruling, and goes on stating its terms when it is trained on.</summary>
    [Fact]
    public async Task ACollectedRunStatesItsTerms()
    {
        await using GuardWorld one = await GuardWorld.Start(), two = await GuardWorld.Start(template: false);
        string run = _scratch["both"], recipe = Recipe(one, two, more: "twin: false");
        DoorRun asked = await Run("collect", recipe, "--out", run, "--set", "ask.stop=[e]");
        Assert.True(asked.Code == ExitCode.Done, asked.Error);
        Assert.Contains("80 of 80 questions answered, 80 of them now", asked.Output, StringComparison.Ordinal);
        Assert.Contains($"{Reference(two)}: 40 answered now, 0 before", asked.Output, StringComparison.Ordinal);
        DoorRun impact = DoorRun.Of("terms", "impact", _scratch.Folder, "--entry", "own-model", "--json");
        Assert.Equal([Reference(one), Reference(two)], impact.Json.GetProperty("touched").EnumerateArray().Select(t => t.GetProperty("through").GetString()));
        Assert.Contains($"{run}: teacher {Reference(one)}, under own-model; its answers are kept, and nothing is trained on them here\n", DoorRun.Of("terms", "impact", _scratch.Folder, "--entry", "own-model").Output, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Done, DoorRun.Of("verify", run).Code);

        DoorRun trained = await Run("distill", recipe, "--out", run, "--set", "ask.stop=[e]");
        Assert.True(trained.Code == ExitCode.Done, trained.Error);
        string terms = File.ReadAllText(Path.Combine(run, "terms.json"));
        Assert.All([Reference(one), Reference(two)], t => Assert.Contains($"\"{t}\"", terms, StringComparison.Ordinal));

        // Asking once more changes nothing that was recorded.
        Assert.Equal(ExitCode.Done, (await Run("collect", recipe, "--out", run, "--set", "ask.stop=[e]")).Code);
        Assert.Equal(terms, File.ReadAllText(Path.Combine(run, "terms.json")));
        DoorRun verified = DoorRun.Of("verify", run);
        Assert.True(verified.Code == ExitCode.Done, verified.Output);
        DoorRun rows = DoorRun.Of("export-data", run, "--json");
        Assert.Equal(2, File.ReadLines(Path.Combine(run, "data.jsonl")).Select(l => JsonElement.Parse(l).GetProperty("teacher").GetString()).Distinct().Count());
        Assert.Equal(80, rows.Json.GetProperty("rows").GetInt32() + rows.Json.GetProperty("excluded").EnumerateObject().Sum(e => e.Value.GetInt32()));
    }

    /// <summary>Probabilities come with an answer, so each document is learned from its own teacher's, whatever tokens that has.</summary>
    [Fact]
    public async Task ProbabilitiesOfAllTeachersAreLearnedFrom()
    {
        string model = Path.Combine(Repository.Root, "models", "tales-teacher");
        await using GuardHost tales = await GuardHost.Start(InferenceModel.Open(model), new ServeOptions("tales", "http://127.0.0.1:0", Threads: 1, CacheTokens: 8192, Answers: 8, Queue: 64, MostTokens: 512), TimeProvider.System);
        await using GuardHost again = await GuardHost.Start(InferenceModel.Open(model), new ServeOptions("tales-two", "http://127.0.0.1:0", Threads: 1, CacheTokens: 8192, Answers: 8, Queue: 64, MostTokens: 512), TimeProvider.System);
        _scratch.Write("p.jsonl", string.Concat(BundledSamples.All["tales"].Documents(7, 60, false).Where(d => d.Prompt.Length > 0).Select(d => JsonSerializer.Serialize(new { prompt = d.Prompt }) + "\n")));
        string run = _scratch["run"], recipe = _scratch.Write("s.yaml", $$$"""
            teacher: {{{tales.Addresses[0]}}}/v1#tales
            more_teachers: [{model: "{{{again.Addresses[0]}}}/v1#tales-two", terms: own-model}]
            terms: {teacher: own-model}
            student: {shape: {hidden: 16, layers: 1, heads: 2, feed_forward: 24}, train_tokenizer: 400}
            data: {prompts: p.jsonl, held_out: 4, validation: 2}
            ask: {max_tokens: 40, seed: 5, top_logprobs: 5}
            admit: {finish: [stop, length], near_duplicate: off}
            loss: {forward_kl: 1}
            train: {tokens: 2000, rows: 1, context: 512, rate: 0.01, seeds: [1], threads: 1}
            twin: false
            evaluate: {gold_items: 0, samples: 0}
            """);
        DoorRun both = await Run("distill", recipe, "--out", run, "--json");
        Assert.True(both.Code == ExitCode.Done, both.Error);
        JsonElement met = both.Json.GetProperty("signal").GetProperty("alignment");
        Assert.Equal((Rows(run).Count(r => r.GetProperty("split").GetString() == "train"), 0), (met.GetProperty("documents").GetInt32(), met.GetProperty("as_text").GetInt32()));
        Assert.True(met.GetProperty("same").GetInt32() + met.GetProperty("begun").GetInt32() > met.GetProperty("tokens").GetInt32() / 4, met.GetRawText());
        DoorRun holds = await Run("verify", "signals", run, "--json");
        Assert.True(holds.Code == ExitCode.Done, holds.Output + holds.Error);
        DoorRun left = await Run("distill", Path.Combine(run, "recipe.yaml"), "--without", $"{tales.Addresses[0]}/v1#tales", "--out", _scratch["left"], "--json");
        Assert.True(left.Code == ExitCode.Done, left.Output + left.Error);
        Assert.Equal(0, left.Json.GetProperty("signal").GetProperty("alignment").GetProperty("as_text").GetInt32());

        // One seed shows no spread, and the numbers are given all the same.
        JsonElement quality = left.Json.GetProperty("without").GetProperty("quality");
        Assert.Empty(quality.GetProperty("comparisons").EnumerateArray());
        Assert.True(quality.GetProperty("original").GetDouble() > 0 && quality.GetProperty("student").GetDouble() > 0);
    }

    /// <summary>What a teacher's terms forbid is forbidden to the whole run, and nobody is asked.</summary>
    [Fact]
    public async Task EveryTeacherPassesTheGate()
    {
        await using GuardWorld one = await GuardWorld.Start();
        string recipe = Recipe(one, one);
        File.WriteAllText(recipe, File.ReadAllText(recipe).Replace($"{{model: \"{Reference(one)}\", terms: own-model", "{model: \"https://api.openai.com/v1#gpt-5\"", StringComparison.Ordinal));
        foreach (string verb in (string[])["distill", "collect"])
        {
            DoorRun closed = await Run(verb, recipe, "--out", _scratch["run"]);
            Assert.Equal(ExitCode.Negative, closed.Code);
            Assert.Contains("section 3.3", closed.Output, StringComparison.Ordinal);
            Assert.False(Directory.Exists(_scratch["run"]));
        }

        DoorRun open = await Run("distill", recipe, "--out", _scratch["run"], "--without", "https://api.openai.com/v1#gpt-5");
        Assert.True(open.Code == ExitCode.Done, open.Output + open.Error);
    }
}
