using System.Text.Json;
using Retort.Cli;
using Retort.Model.Chat;
using Retort.Model.Files;
using Retort.Model.Grammars;
using Retort.Model.Inference;
using Retort.Tests.Guard;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Cli;

/// <summary>Students of one task, from a teacher on disk and from one that is asked.</summary>
public sealed class TaskDistillTests : IDisposable
{
    const string Schema = """{"type": "object", "properties": {"colour": {"enum": ["red", "blue"]}, "big": {"type": "boolean"}}, "required": ["colour", "big"], "additionalProperties": false}""";

    readonly Scratch _scratch = new();

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => _scratch.Dispose();

    string Recipe(GuardWorld world)
    {
        _scratch.Write("schema.json", Schema);
        _scratch.Write("p.jsonl", string.Concat(Enumerable.Range(0, 70).Select(i => JsonSerializer.Serialize(new { prompt = $"Once number {i}", gold = new { big = i % 3 == 0, colour = i % 2 == 0 ? "red" : "blue" }, slice = i < 35 ? "early" : "late" }) + "\n")));
        return _scratch.Write("r.yaml", $$"""
            teacher: {{world.Url}}/v1#{{GuardWorld.Name}}
            terms: {teacher: own-model}
            task: {schema: schema.json, agree: 0.5}
            student:
              shape: {hidden: 16, layers: 1, heads: 2, feed_forward: 24}
              train_tokenizer: 280
            data: {prompts: p.jsonl, held_out: 24, validation: 24}
            ask: {schema: schema.json, max_tokens: 60, temperature: 0, seed: 1}
            money: {prompt: 1, completion: 2, ceiling: 1}
            train: {tokens: 600, rows: 1, context: 64, rate: 0.003, seeds: [1, 2], threads: 1}
            evaluate: {samples: 2, max_tokens: 60}
            """);
    }

    static async Task<DoorRun> Distill(params string[] arguments) => await Task.Run(() => DoorRun.Of(["distill", .. arguments]), Stop);

    [Fact]
    public async Task AnEndpointThatAnswersInJsonBecomesAStudentThatDoes()
    {
        await using GuardWorld world = await GuardWorld.Start();
        string run = _scratch["run"], recipe = Recipe(world);
        DoorRun made = await Distill(recipe, "--out", run, "--json");
        Assert.True(made.Code == ExitCode.Done, made.Error);
        JsonElement report = made.Json, task = report.GetProperty("task");
        Assert.Equal(24, task.GetProperty("items").GetInt32());
        Assert.Equal(["teacher", "student", "twin"], task.GetProperty("rows").EnumerateArray().Select(r => r.GetProperty("model").GetString()));
        Assert.All(task.GetProperty("rows").EnumerateArray(), r => Assert.Equal(["colour", "big"], r.GetProperty("gold").GetProperty("fields").EnumerateArray().Select(f => f.GetProperty("name").GetString())));
        Assert.Equal(24, task.GetProperty("cascade").GetProperty("chosen_on").GetInt32());
        Assert.True(task.GetProperty("cascade").GetProperty("per_call").GetDouble() > 0);
        Assert.Equal("gold_task", report.GetProperty("verdict").GetProperty("comparison").GetProperty("source").GetString());

        // What is learned is the one spelling of an answer, gold and teacher's alike.
        Assert.All(File.ReadLines(Path.Combine(run, "dataset.jsonl")).Skip(1).Select(l => JsonElement.Parse(l)), d =>
        {
            Assert.Matches("""^\{"colour":"(red|blue)","big":(true|false)\}<""", d.GetProperty("answer").GetString());
            Assert.Matches("""^\{"colour":"(red|blue)","big":(true|false)\}$""", d.GetProperty("gold").GetString());
            Assert.Contains(d.GetProperty("slice").GetString(), (string[])["early", "late"]);
        });
        string page = File.ReadAllText(Path.Combine(run, "report.html"));
        Assert.True(page.IndexOf("The task", StringComparison.Ordinal) < page.IndexOf("<h2>Results", StringComparison.Ordinal));

        // The student brings its task along, and the run can be made again.
        Assert.IsType<AnswerForm.Schema>(AnswerFormFile.Read(Path.Combine(run, "student")));
        using LocalModel student = new(InferenceModel.Open(Path.Combine(run, "student")), new(1, 256));
        string told = (await student.GetResponseAsync([new(Microsoft.Extensions.AI.ChatRole.User, "Once number 3")], new() { Temperature = 0, MaxOutputTokens = 60 }, Stop)).Text;
        Assert.Matches("""^\s?\{\s*"colour":\s*"(red|blue)",\s*"big":\s*(true|false)\s*\}$""", told);
        DoorRun verified = DoorRun.Of("verify", run, "--retrain", "--json");
        Assert.True(verified.Code == ExitCode.Done, verified.Output + verified.Error);
    }

    /// <summary>Where wrong answers are not learned from, the teacher is still tested on the questions it fails, and so is the student.</summary>
    [Fact]
    public async Task WhatTheTeacherFailsIsHeldOutAllTheSame()
    {
        await using GuardWorld world = await GuardWorld.Start();
        string run = _scratch["run"], recipe = Recipe(world);
        DoorRun made = await Distill(recipe, "--out", run, "--json", "--set", "admit.gold.kind=json", "--set", "data.validation=1");
        Assert.True(made.Code == ExitCode.Done, made.Error);
        JsonElement[] rows = [.. File.ReadLines(Path.Combine(run, "dataset.jsonl")).Skip(1).Select(l => JsonElement.Parse(l))];
        bool Untaught(JsonElement row) => row.TryGetProperty("untaught", out JsonElement flag) && flag.GetBoolean();
        Assert.All(rows, r => Assert.Equal(Untaught(r), r.GetProperty("answer").GetString() != r.GetProperty("gold").GetString() + "<|end|>"));
        Assert.All(rows.Where(Untaught), r => Assert.Equal("held_out", r.GetProperty("split").GetString()));
        int failed = rows.Count(Untaught);
        Assert.InRange(failed, 1, 23);
        JsonElement teacher = made.Json.GetProperty("task").GetProperty("rows")[0];
        Assert.Equal(1 - (failed / 24.0), teacher.GetProperty("gold").GetProperty("accuracy").GetDouble(), 1e-9);
        DoorRun again = await Distill(recipe, "--out", run, "--json", "--resume", "--no-ask", "--set", "admit.gold.kind=json", "--set", "data.validation=1");
        Assert.Equal(made.Json.GetProperty("task").GetProperty("rows").GetRawText(), again.Json.GetProperty("task").GetProperty("rows").GetRawText());
    }

    [Fact]
    public async Task LabelsFromATeacherOnDisk()
    {
        using TinyWorld world = new();
        File.WriteAllLines(world.Prompts, Enumerable.Range(0, 80).Select(i => JsonSerializer.Serialize(new { prompt = $"Is {i} red? ", answer = i % 2 == 0 ? "yes" : "no" })));
        DoorRun made = await Distill(world.Recipe("task: {labels: [yes, no]}").ToString(), "--out", world["run"], "--set", "data.held_out=20", "--set", "data.validation=20", "--json");
        Assert.True(made.Code == ExitCode.Done, made.Error);
        JsonElement task = made.Json.GetProperty("task");
        Assert.Equal(["yes", "no"], task.GetProperty("labels").EnumerateArray().Select(l => l.GetString()));
        Assert.All(task.GetProperty("rows").EnumerateArray(), r => Assert.InRange(r.GetProperty("gold").GetProperty("accuracy").GetDouble(), 0, 1));
        Assert.Contains("accuracy", (await Distill(world["tiny.yaml"], "--out", world["run"], "--resume", "--set", "data.held_out=20", "--set", "data.validation=20")).Output, StringComparison.Ordinal);
        Assert.Equal("""{"labels":["yes","no"]}""", File.ReadAllText(Path.Combine(world["run"], "student", AnswerFormFile.Name)).Trim());

        // An answer that is none of the labels is no data for them.
        File.AppendAllText(world.Prompts, """{"prompt": "Is it?", "answer": "perhaps"}""" + "\n");
        DoorRun bad = await Distill(world["tiny.yaml"], "--out", world["other"]);
        Assert.Equal(ExitCode.BadInput, bad.Code);
        Assert.Contains("none of the labels", bad.Error, StringComparison.Ordinal);
        Assert.Contains("perhaps", bad.Error, StringComparison.Ordinal);
    }
}
