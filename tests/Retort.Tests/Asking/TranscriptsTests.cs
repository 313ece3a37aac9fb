using Dapper;
using Microsoft.Data.Sqlite;
using Retort.Asking;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Asking;

public sealed class TranscriptsTests : IDisposable
{
    static readonly Question s_question = new(new("https://api.example.com/v1", "small"), [new("user", "a")], new());

    readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    Transcripts Open() => Transcripts.Open(_scratch["t.db"], TimeProvider.System);

    [Fact]
    public async Task AnAttemptWithoutAnEndIsKnownAndCountedInFull()
    {
        using (Transcripts store = Open())
        {
            long request = await store.Request(s_question.Key(), s_question, s_question.Body(), store.Account("sk-secret"), "terms");
            await store.Begin(request, Usd.Of(2));
            long attempt = await store.Begin(request, Usd.Of(3));
            await store.Answered(request, attempt, ScriptedModel.Reply("b"), Usd.Of(1), TimeSpan.FromSeconds(1.5));
        }

        using Transcripts again = Open();
        Assert.Equal(new(1, 1, 2, 1, Usd.Of(3), Usd.Of(2)), again.Facts());
        Assert.Equal(new Standing(1, true, 2), again.Find(s_question.Key()));
        Assert.Equal(default, again.Find(new byte[32]));
    }

    /// <summary>A store as an earlier version left it is brought up when it is opened, and what it held was data.</summary>
    [Theory]
    [InlineData("DROP TABLE policy; DROP INDEX attempt_batch; ALTER TABLE attempt DROP COLUMN batch; DROP TABLE batch; DROP TABLE probe; ALTER TABLE request DROP COLUMN purpose; PRAGMA user_version = 1")]
    [InlineData("DROP TABLE policy; PRAGMA user_version = 2")]
    public async Task AStoreOfAnEarlierVersionIsReadOn(string takenBack)
    {
        using (Transcripts store = Open())
        {
            long request = await store.Request(s_question.Key(), s_question, s_question.Body(), null, null), attempt = await store.Begin(request, Usd.Of(3));
            await store.Answered(request, attempt, ScriptedModel.Reply("b"), Usd.Of(1), TimeSpan.FromSeconds(1.5));
        }

        using (SqliteConnection older = new(new SqliteConnectionStringBuilder { DataSource = _scratch["t.db"], Pooling = false }.ToString()))
        {
            await older.OpenAsync(TestContext.Current.CancellationToken);
            older.Execute(takenBack);
        }

        using Transcripts again = Open();
        Assert.Equal("b", Assert.Single(again.Answers()).Choice.Text);
        Assert.Null(again.Probed(s_question.Endpoint));
        Assert.Null(again.Policy(s_question.Endpoint));
        Assert.Empty(again.OpenBatches(s_question.Endpoint));
        await again.Request(new byte[32], s_question, s_question.Body(), null, null, AskPurpose.Probe);
        Assert.Equal(new(1, 1, 1, 0, Usd.Of(1), default), again.Facts());
    }

    /// <summary>Reasoning that an endpoint gives apart from the text is read from the body as it came, for the answer it belongs to.</summary>
    [Theory]
    [InlineData("reasoning_content")]
    [InlineData("reasoning")]
    public async Task ReasoningApartFromTheTextIsKept(string name)
    {
        byte[] body = System.Text.Encoding.UTF8.GetBytes($$$"""{"choices":[{"message":{"content":"b"},"finish_reason":"stop"},{"message":{"content":"c","{{{name}}}":"because"},"finish_reason":"stop"}]}""");
        using Transcripts store = Open();
        long request = await store.Request(s_question.Key(), s_question, s_question.Body(), null, null), attempt = await store.Begin(request, default);
        await store.Answered(request, attempt, Reply.Parse(body, LimitFacts.None)!, default, default);
        Assert.Equal([("b", null), ("c", "because")], store.Answers().Select(a => (a.Choice.Text, a.Choice.Reasoning)));
    }

    /// <summary>An account is the same in one store, another in the next, and its key nowhere.</summary>
    [Fact]
    public async Task AccountsAreKeyedHashes()
    {
        byte[] first;
        using (Transcripts store = Open())
        {
            first = store.Account("sk-secret");
            await store.Request(s_question.Key(), s_question, s_question.Body(), first, null);
        }

        using (Transcripts store = Open())
        {
            Assert.Equal(first, store.Account("sk-secret"));
            Assert.NotEqual(first, store.Account("sk-other"));
        }

        using (Transcripts other = Transcripts.Open(_scratch["u.db"], TimeProvider.System))
        {
            Assert.NotEqual(first, other.Account("sk-secret"));
        }

        Assert.All(Directory.GetFiles(_scratch.Folder), f => Assert.Equal(-1, File.ReadAllBytes(f).AsSpan().IndexOf("sk-secret"u8)));
    }

    [Fact]
    public void OneProgramAtATime()
    {
        using Transcripts first = Open();
        Assert.Contains("another program is using this store", Assert.Throws<UserError>(Open).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WhatIsNoStoreIsRefused()
    {
        _scratch.Write("t.db", new string('x', 5000));
        Assert.Contains("no store of transcripts", Assert.Throws<UserError>(Open).Message, StringComparison.Ordinal);
        Assert.Contains("cannot be opened", Assert.Throws<UserError>(() => Transcripts.Open(_scratch["nowhere/t.db"], TimeProvider.System)).Message, StringComparison.Ordinal);
        using (SqliteConnection db = new($"Data Source={_scratch["v.db"]};Pooling=False"))
        {
            db.Execute("PRAGMA user_version = 99");
        }

        Assert.Contains("version 99", Assert.Throws<UserError>(() => Transcripts.Open(_scratch["v.db"], TimeProvider.System)).Message, StringComparison.Ordinal);
    }

    /// <summary>A thousand writes that come at once are all there, each with its own result.</summary>
    [Fact]
    public async Task WritesThatComeTogetherKeepTheirResults()
    {
        using Transcripts store = Open();
        long[] rows = await Task.WhenAll(Enumerable.Range(0, 1000).Select(i =>
        {
            Question question = s_question with { Turns = [new("user", $"{i}")] };
            return store.Request(question.Key(), question, question.Body(), null, null);
        }));
        Assert.Equal(1000, rows.Distinct().Count());
        Assert.Equal(1000, store.Facts().Questions);
    }
}
