using System.Text.Json;
using Retort.Cli;
using Retort.Tests.Asking;
using Retort.Tests.Guard;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Cli;

/// <summary>A teacher that is asked: from its answers to a student with papers, in one command.</summary>
public sealed class AskedDistillTests : IDisposable
{
    readonly Scratch _scratch = new();

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => _scratch.Dispose();

    /// <summary>A recipe for forty prompts, each with a gold answer if asked for.</summary>
    string Recipe(GuardWorld world, bool gold, string more = "", string terms = "terms: {teacher: own-model}")
    {
        _scratch.Write("p.jsonl", string.Concat(Enumerable.Range(0, 40).Select(i => JsonSerializer.Serialize(gold ? (object)new { prompt = $"Once number {i}", gold = $"number {i} was red" } : new { prompt = $"Once number {i}" }) + "\n")));
        return _scratch.Write("r.yaml", $$"""
            teacher: {{world.Url}}/v1#{{GuardWorld.Name}}
            {{terms}}
            student:
              shape: {hidden: 16, layers: 1, heads: 2, feed_forward: 24}
              train_tokenizer: 280
            data: {prompts: p.jsonl, held_out: 8, validation: 4}
            ask: {max_tokens: 8, stop: [e], temperature: 0}
            money: {prompt: 1, completion: 2, ceiling: 1}
            train: {tokens: 400, rows: 1, context: 64, rate: 0.003, seeds: [1, 2], threads: 1}
            evaluate: {gold_items: 4, samples: 1, max_tokens: 8}
            {{more}}
            """);
    }

    static async Task<DoorRun> Distill(params string[] arguments) => await Task.Run(() => DoorRun.Of(["distill", .. arguments]), Stop);

    [Fact]
    public async Task AnEndpointBecomesAStudentBesideATwinOfGoldAnswers()
    {
        await using GuardWorld world = await GuardWorld.Start();
        string run = _scratch["run"], recipe = Recipe(world, gold: true);
        DoorRun first = await Distill(recipe, "--out", run, "--json");
        Assert.True(first.Code == ExitCode.Done, first.Error);
        Assert.Matches("first, to see what the endpoint does: about 6 requests, 12 at most; at most USD 0[.][0-9]+\n", first.Error);
        Assert.Matches("40 questions, 40 to ask; at most USD 0[.][0-9]+, with the above at most USD 0[.][0-9]+, never more than USD 1.00 in all", first.Error);
        JsonElement report = first.Json, store = report.GetProperty("asked").GetProperty("store");
        Assert.Equal(40, store.GetProperty("answers").GetInt32());
        Assert.InRange(store.GetProperty("spent").GetDecimal(), 0.00001m, 0.01m);
        Assert.NotEqual(JsonValueKind.Null, report.GetProperty("results").GetProperty("twin").ValueKind);
        Assert.False(report.GetProperty("data").GetProperty("teacher_text_only").GetBoolean());
        Assert.True(report.GetProperty("teacher_answers").GetProperty("student").GetDouble() > 0);
        Assert.True(report.GetProperty("cost").GetProperty("teacher_per_call").GetDouble() > 0);
        Assert.Equal("INCONCLUSIVE", report.GetProperty("verdict").GetProperty("outcome").GetString());

        // Each document names the answer it came from; the answers left out are listed; the two together are all, but for those that are left out and tested on.
        string[] rows = [.. File.ReadLines(Path.Combine(run, "dataset.jsonl")).Skip(1)];
        Assert.All(rows, r => Assert.Matches("\"id\":\"[0-9a-f]{64}/0\"", r));
        Assert.Equal(40, rows.Count(r => !r.Contains("\"untaught\":true", StringComparison.Ordinal)) + File.ReadLines(Path.Combine(run, "excluded.jsonl")).Count());
        Assert.Equal(rows.Length, rows.DistinctBy(r => JsonElement.Parse(r).GetProperty("prompt").GetString()).Count());

        // Nothing is asked again, by a resumed run or by another one that begins with these answers.
        string page = File.ReadAllText(Path.Combine(run, "report.html"));
        Assert.Contains("Asking the teacher", page, StringComparison.Ordinal);
        byte[] weights = File.ReadAllBytes(Path.Combine(run, "student", "model.safetensors"));
        DoorRun again = await Distill(recipe, "--out", _scratch["other"], "--set", $"ask.reuse={run}", "--set", "money.ceiling=0.000001", "--json");
        Assert.True(again.Code == ExitCode.Done, again.Error);
        Assert.Equal(store.GetRawText(), again.Json.GetProperty("asked").GetProperty("store").GetRawText());
        Assert.Equal(weights, File.ReadAllBytes(Path.Combine(_scratch["other"], "student", "model.safetensors")));

        // From the recorded answers alone the student is trained again.
        DoorRun verified = DoorRun.Of("verify", run, "--retrain", "--json");
        Assert.True(verified.Code == ExitCode.Done, verified.Output + verified.Error);
        Assert.Contains("the weights in student/ are the same", verified.Json.GetProperty("retrained").GetString(), StringComparison.Ordinal);
        Assert.InRange(verified.Json.GetProperty("transcripts").GetInt32(), 1, int.MaxValue);
    }

    [Fact]
    public async Task WithoutTextBesideTheTeachersTheVerdictIsNeverBeats()
    {
        await using GuardWorld world = await GuardWorld.Start();
        DoorRun run = await Distill(Recipe(world, gold: false), "--out", _scratch["run"], "--json", "--set", "train.tokens=3000", "--set", "train.context=32", "--set", "train.seeds=[1,2,3,4,5]");
        Assert.True(run.Code == ExitCode.Done, run.Error);
        JsonElement verdict = run.Json.GetProperty("verdict");
        Assert.True(verdict.GetProperty("outcome").GetString() == "LEARNED", verdict.GetRawText());
        Assert.Contains("nothing shows that the teacher helped", verdict.GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.True(run.Json.GetProperty("data").GetProperty("teacher_text_only").GetBoolean());
        Assert.Equal(JsonValueKind.Null, run.Json.GetProperty("results").GetProperty("twin").ValueKind);
    }

    [Fact]
    public async Task ACeilingStopsBeforeTrainingUnlessToldToGoOn()
    {
        await using GuardWorld world = await GuardWorld.Start();
        string run = _scratch["run"], recipe = Recipe(world, gold: false);
        DoorRun stopped = await Distill(recipe, "--out", run, "--set", "money.ceiling=0.0012", "--set", "pace.in_flight=1");
        Assert.Equal(ExitCode.Negative, stopped.Code);
        Assert.Contains("stopped below the ceiling", stopped.Output, StringComparison.Ordinal);
        Assert.Contains("--no-ask", stopped.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(run, "recipe.yaml")));
        DoorRun on = await Distill(recipe, "--out", run, "--no-ask", "--set", "data.held_out=2", "--set", "data.validation=1", "--json");
        Assert.True(on.Code == ExitCode.Done, on.Error);
        Assert.InRange(on.Json.GetProperty("asked").GetProperty("store").GetProperty("answers").GetInt32(), 4, 39);
    }

    /// <summary>What a recipe's filters leave out is counted and listed, and never trained on.</summary>
    [Fact]
    public async Task TheRecipesFiltersDecideWhatIsTrainedOn()
    {
        await using GuardWorld world = await GuardWorld.Start();
        string run = _scratch["run"], exam = _scratch.Write("exam.jsonl", "{\"prompt\": \"Once number 7\"}\n{\"prompt\": \"Once number 8\"}\n");
        DoorRun made = await Distill(Recipe(world, gold: false, $"admit: {{finish: [stop, length], near_duplicate: off, contamination: {{sets: [{exam}]}}}}"), "--out", run, "--json");
        Assert.True(made.Code == ExitCode.Done, made.Error);
        JsonElement admission = made.Json.GetProperty("admission");
        Assert.Equal((40, 2), (admission.GetProperty("asked").GetInt32(), admission.GetProperty("by_reason").GetProperty("Contaminated").GetInt32()));
        Assert.Equal(40 - File.ReadLines(Path.Combine(run, "excluded.jsonl")).Count(), File.ReadLines(Path.Combine(run, "dataset.jsonl")).Count() - 1);
        Assert.DoesNotContain("Once number 7\"", File.ReadAllText(Path.Combine(run, "dataset.jsonl")), StringComparison.Ordinal);
        Assert.Contains("exam", File.ReadAllText(Path.Combine(run, "report.html")), StringComparison.Ordinal);

        // A judge whose verdicts cannot be read lets nothing pass, and its terms are asked for before it is.
        string judge = $"admit.judge={{model: \"{world.Url}/v1#{GuardWorld.Name}\", rubric: good, threshold: 1, max_tokens: 8, price: {{prompt: 1, completion: 1}}}}";
        DoorRun closed = await Distill(_scratch["r.yaml"], "--out", _scratch["judged"], "--set", $"ask.reuse={run}", "--set", judge);
        Assert.Equal(ExitCode.Negative, closed.Code);
        Assert.Contains("admit: {judge: {terms: ID}}", closed.Output, StringComparison.Ordinal);
        DoorRun unjudged = await Distill(_scratch["r.yaml"], "--out", _scratch["judged"], "--set", $"ask.reuse={run}", "--set", judge, "--set", "admit.judge.terms=own-model");
        Assert.Equal(ExitCode.BadInput, unjudged.Code);
        Assert.Contains("0 different prompts", unjudged.Error, StringComparison.Ordinal);
        Assert.Contains("\"unjudged\"", File.ReadAllText(Path.Combine(_scratch["judged"], "excluded.jsonl")), StringComparison.Ordinal);
    }

    /// <summary>Forty pairs of prompts, whose answers say the same: where one of a pair is tested on, the other is not trained on, and the test stays as large as it was.</summary>
    [Fact]
    public async Task WhatRepeatsTheTestIsNotTrainedOn()
    {
        static int Number(string prompt) => int.Parse(prompt.Split(' ')[^1], System.Globalization.CultureInfo.InvariantCulture);
        static string Tale(int pair) => string.Join(' ', Enumerable.Range(0, 20).Select(w => $"p{pair}w{w}"));
        using ListingEndpoint server = new("{}") { Says = text => text.StartsWith("tale", StringComparison.Ordinal) ? $"{(Number(text) % 2 == 0 ? "So" : "They tell it like this:")} {Tale(Number(text) / 2)}" : "yes" };
        _scratch.Write("p.jsonl", string.Concat(Enumerable.Range(0, 80).Select(i => $"{{\"prompt\": \"tale {i}\"}}\n")));
        string run = _scratch["run"], recipe = _scratch.Write("r.yaml", $$"""
            teacher: {{server.Url}}#small
            terms: {teacher: own-model}
            student: {shape: {hidden: 16, layers: 1, heads: 2, feed_forward: 24}, train_tokenizer: 280}
            data: {prompts: p.jsonl, held_out: 12, validation: 4}
            ask: {max_tokens: 16}
            admit: {near_duplicate: off}
            train: {tokens: 200, rows: 1, context: 64, rate: 0.003, seeds: [1], threads: 1}
            evaluate: {gold_items: 0, samples: 0}
            """);
        static ILookup<string, int> Splits(string folder) => File.ReadLines(Path.Combine(folder, "dataset.jsonl")).Skip(1).Select(l => JsonElement.Parse(l)).ToLookup(r => r.GetProperty("split").GetString()!, r => Number(r.GetProperty("prompt").GetString()!) / 2);
        DoorRun made = await Distill(recipe, "--out", run, "--json");
        Assert.True(made.Code == ExitCode.Done, made.Error);
        ILookup<string, int> splits = Splits(run);
        string[] names = [.. splits.Select(s => s.Key).Order(StringComparer.Ordinal)];
        string heldOut = Assert.Single(names, n => splits[n].Count() == 12), train = Assert.Single(names, n => splits[n].Count() > 12);
        Assert.Empty(splits[train].Intersect(splits[heldOut]));
        JsonElement[] excluded = [.. File.ReadLines(Path.Combine(run, "excluded.jsonl")).Select(l => JsonElement.Parse(l))];
        Assert.Equal(64 - splits[train].Count(), excluded.Length);
        Assert.InRange(excluded.Length, 1, 12);
        Assert.All(excluded, e => Assert.Equal("shared_with_held_out", e.GetProperty("why").GetString()));
        JsonElement admission = made.Json.GetProperty("admission");
        Assert.Equal((80, excluded.Length), (admission.GetProperty("asked").GetInt32(), admission.GetProperty("by_reason").GetProperty("SharedWithHeldOut").GetInt32()));
        Assert.Equal(["held-out questions"], admission.GetProperty("contamination").EnumerateArray().Select(c => c.GetProperty("set").GetString()));
        Assert.Contains("shared with held out", File.ReadAllText(Path.Combine(run, "report.html")), StringComparison.Ordinal);

        DoorRun all = await Distill(recipe, "--out", _scratch["all"], "--set", $"ask.reuse={run}", "--set", "admit.contamination={held_out: false}", "--json");
        Assert.True(all.Code == ExitCode.Done, all.Error);
        ILookup<string, int> whole = Splits(_scratch["all"]);
        Assert.Equal((64, 0), (whole[train].Count(), File.ReadLines(Path.Combine(_scratch["all"], "excluded.jsonl")).Count()));
        Assert.Equal(splits[heldOut], whole[heldOut]);
    }

    [Fact]
    public void WhatTermsForbidIsNeitherAskedNorTrained()
    {
        string recipe = _scratch.Write("r.yaml", "teacher: https://api.openai.com/v1#gpt-5\nstudent: {shape: {hidden: 16, heads: 2}, train_tokenizer: 280}\ndata: {prompts: p.jsonl}\n");
        DoorRun closed = DoorRun.Of("distill", recipe, "--out", _scratch["run"]);
        Assert.Equal(ExitCode.Negative, closed.Code);
        Assert.Contains("section 3.3", closed.Output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_scratch["run"]));
    }

    /// <summary>Weights nobody knows are refused; declared, what they are declared as binds the student's name and papers.</summary>
    [Fact]
    public void DeclaredTermsBindTheExport()
    {
        using TinyWorld tiny = new();
        string recipe = tiny.Recipe(), run = _scratch["run"];
        DoorRun unknown = DoorRun.Of("distill", recipe, "--out", run, "--set", "terms={}");
        Assert.Equal(ExitCode.Negative, unknown.Code);
        Assert.Contains("terms: {teacher: ID}", unknown.Output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(run));
        Assert.Equal(ExitCode.Done, DoorRun.Of("distill", recipe, "--out", _scratch["r1"], "--set", "terms.teacher=deepseek-r1-weights").Code);

        string[] llama = ["distill", recipe, "--out", run, "--set", "terms.teacher=llama-3.1-weights"];
        DoorRun refused = DoorRun.Of(llama);
        Assert.Equal(ExitCode.Negative, refused.Code);
        Assert.Contains("the name must begin with \"Llama\" (llama-3.1-weights)", refused.Output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(run, "student")));
        DateTime trained = File.GetLastWriteTimeUtc(Path.Combine(run, "checkpoints", "student-1.state"));
        string licence = _scratch.Write("LICENSE.txt", "LLAMA 3.1 COMMUNITY LICENSE AGREEMENT\nand so on");
        DoorRun named = DoorRun.Of([.. llama, "--resume", "--set", "export={name: Llama-tiny, licences: [" + licence + "]}"]);
        Assert.True(named.Code == ExitCode.Done, named.Output + named.Error);
        Assert.Equal(trained, File.GetLastWriteTimeUtc(Path.Combine(run, "checkpoints", "student-1.state")));

        // What a ruling on these terms touches: this run, and one that goes on with its student.
        string further = _scratch["further"];
        Assert.Equal(ExitCode.Done, DoorRun.Of("distill", recipe, "--out", further, "--set", "student={from: " + Path.Combine(run, "student") + "}").Code);
        DoorRun impact = DoorRun.Of("terms", "impact", _scratch.Folder, "--entry", "llama-3.1-weights", "--json");
        Assert.Equal(ExitCode.Negative, impact.Code);
        Assert.Equal([run, further], impact.Json.GetProperty("touched").EnumerateArray().Select(t => t.GetProperty("folder").GetString()));
        Assert.Equal(ExitCode.Done, DoorRun.Of("terms", "impact", _scratch.Folder, "--entry", "openai-api").Code);
        DoorRun.Of("terms", "impact", _scratch.Folder).Refused("--entry", "no entry is named");
        string[] papers = [.. Directory.GetFiles(Path.Combine(run, "student")).Select(f => Path.GetFileName(f))];
        Assert.Contains("LICENSE.txt", papers);
        Assert.Contains("Built with Llama", File.ReadAllText(Path.Combine(run, "student", "NOTICE")), StringComparison.Ordinal);
        Assert.Contains("# Llama-tiny", File.ReadAllText(Path.Combine(run, "student", "README.md")), StringComparison.Ordinal);
    }
}
