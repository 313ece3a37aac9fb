using System.Text.Json;
using Dapper;
using Microsoft.Data.Sqlite;
using Retort.Asking;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Asking;

/// <summary>What of another run's store a run without some of its teachers begins with.</summary>
public sealed class ReusedAnswersTests : IDisposable
{
    static readonly Endpoint s_left = new("https://left.example/v1", "small"), s_kept = new("https://kept.example/v1", "small");

    readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    AskRecipe Recipe(string more = "") => AskRecipe.Read(_scratch.Write("r.yaml", $"teacher: {s_left}\nmore_teachers: ['{s_kept}']\nwithout: '{s_left}'\ndata: {{prompts: p.jsonl{more}}}\nask: {{reuse: before}}\n"));

    static async Task Put(Transcripts store, Endpoint endpoint, string prompt, string answer, AskPurpose purpose = AskPurpose.Data)
    {
        Question question = new(endpoint, [new("user", prompt)], new());
        long request = await store.Request(question.Key(), question, question.Body(), null, "terms", purpose), attempt = await store.Begin(request, Usd.Of(3));
        await store.Answered(request, attempt, ScriptedModel.Reply(answer), Usd.Of(endpoint == s_left ? 2 : 1), TimeSpan.FromSeconds(1));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task NothingOfATeacherLeftOutIsCopied(bool first)
    {
        Directory.CreateDirectory(_scratch["before"]);
        Directory.CreateDirectory(_scratch["run"]);
        string before = Path.Combine(_scratch["before"], "transcripts.db"), after = Path.Combine(_scratch["run"], "transcripts.db");
        using (Transcripts store = Transcripts.Open(before, TimeProvider.System))
        {
            await Put(store, s_left, "Grow some.", "[\"What grew by the left one?\"]", AskPurpose.Grow);
            await Put(store, s_kept, "Grow some.", "[\"What grew by the kept one?\"]", AskPurpose.Grow);
            foreach (Endpoint endpoint in (Endpoint[])[s_left, s_kept])
            {
                await Put(store, endpoint, "Who?", "Ann of " + endpoint.Host);
                await Put(store, endpoint, "What grew by the left one?", "a");
                await Put(store, endpoint, "What grew by the kept one?", "b");
                await store.Probed(endpoint, new("m", null, true, null, null, null, null, null, null, null));
            }
        }

        string Row(string who, Endpoint grower) => JsonSerializer.Serialize(new { prompt = $"What grew by the {who} one?", id = "x", from = Array.Empty<string>(), request = Convert.ToHexStringLower(new Question(grower, [new("user", "Grow some.")], new()).Key()) }) + "\n";
        File.WriteAllText(Path.Combine(_scratch["before"], "grown.jsonl"), Row("left", s_left) + Row("kept", s_kept));
        if (first)
        {
            using SqliteConnection older = new($"Data Source={before};Pooling=False");
            older.Open();
            older.Execute("DROP INDEX attempt_batch; ALTER TABLE attempt DROP COLUMN batch; DROP TABLE batch; DROP TABLE probe; DROP TABLE policy; ALTER TABLE request DROP COLUMN purpose; PRAGMA user_version = 1");
        }

        byte[] untouched = File.ReadAllBytes(before);
        ReusedAnswers.Begin(Recipe(), _scratch["run"], q => q.Choices.All(c => c.Text != "nobody's"));
        Assert.Equal(untouched, File.ReadAllBytes(before));
        Assert.Equal(0, File.ReadAllBytes(after).AsSpan().Count("left"u8));
        using (Transcripts store = Transcripts.Open(after, TimeProvider.System))
        {
            Assert.Equal(first ? ["[\"What grew by the kept one?\"]", "Ann of kept.example", "b"] : ["Ann of kept.example", "b"], store.Answers().Select(a => a.Choice.Text));
            Assert.Equal((Usd.Of(3), first), (store.Facts().Spent, store.Probed(s_kept) is null));
            Assert.Null(store.Probed(s_left));
        }

        ReusedAnswers facts = ReusedAnswers.Read(_scratch["run"])!;
        Assert.Equal([s_left.ToString()], facts.Teachers);
        Assert.Equal((Usd.Of(3), 5L, Usd.Of(9)), (facts.Copied.Spent, facts.Copied.LeftOut, facts.Copied.LeftOutSpent));

        // A store that is there is gone on with.
        byte[] made = File.ReadAllBytes(after);
        ReusedAnswers.Begin(Recipe(), _scratch["run"]);
        Assert.Equal(made, File.ReadAllBytes(after));
        Assert.Throws<UserError>(() => ReusedAnswers.Begin(Recipe() with { Reuse = _scratch["nowhere"] }, _scratch.Folder));
    }

    /// <summary>Attempts refer to the batch they were part of.</summary>
    [Fact]
    public async Task WhatWasAskedInBatchesIsCopiedToo()
    {
        Directory.CreateDirectory(_scratch["before"]);
        Directory.CreateDirectory(_scratch["run"]);
        using (Transcripts store = Transcripts.Open(Path.Combine(_scratch["before"], "transcripts.db"), TimeProvider.System))
        {
            await Put(store, s_kept, "Who?", "Ann");
            await store.BeginBatch("ours", s_kept, [(new Question(s_kept, [new("user", "Where?")], new()), Usd.Of(1))], null, null);
        }

        ReusedAnswers.Begin(Recipe(), _scratch["run"]);
        using Transcripts copy = Transcripts.Open(Path.Combine(_scratch["run"], "transcripts.db"), TimeProvider.System);
        Assert.Equal(["Ann"], copy.Answers().Select(a => a.Choice.Text));
        Assert.Equal("ours", Assert.Single(copy.OpenBatches(s_kept)).Token);
    }

    [Fact]
    public void DamagedFiles()
    {
        string path = Path.Combine(_scratch.Folder, ReusedAnswers.FileName), good = """{"run": "runs/a", "teachers": ["https://a/v1#b"], "copied": {"spent": 1.5, "left_out": 3, "left_out_spent": 0.25}}""";
        File.WriteAllText(path, good);
        Assert.Equal(new CopyFacts(Usd.Of(1.5m), 3, Usd.Of(0.25m)), ReusedAnswers.Read(_scratch.Folder)!.Copied);
        Random random = new(3);
        int read = 0;
        for (int i = 0; i < 3000; i++)
        {
            File.WriteAllText(path, JsonMutation.Of(good, random));
            Exception? e = Record.Exception(() => ReusedAnswers.Read(_scratch.Folder));
            Assert.True(e is null or UserError, $"mutation {i}: {e}\n{File.ReadAllText(path)}");
            read += e is null ? 1 : 0;
        }

        Assert.InRange(read, 100, 2900);
        Assert.Null(ReusedAnswers.Read(_scratch["nowhere"]));
    }
}
