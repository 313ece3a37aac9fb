using Dapper;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.AI;
using Retort.Asking;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Asking;

/// <summary>What becomes of questions when models answer, fail, refuse, shut us out, or cost too much.</summary>
public sealed class AskerTests : IDisposable
{
    static readonly Endpoint s_endpoint = new("https://api.example.com/v1", "small");
    static readonly Price s_price = new(1, 1, DateOnly.MinValue, null);

    readonly Scratch _scratch = new();

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => _scratch.Dispose();

    static IEnumerable<Question> Questions(int count) => Enumerable.Range(0, count).Select(i => new Question(s_endpoint, [new("user", $"question {i}")], new(MaxTokens: 20)));

    async Task<AskResult> Ask(IChatClient model, int questions = 10, AskOptions? options = null, CancellationToken? stop = null)
    {
        using Transcripts store = Transcripts.Open(_scratch["t.db"], TimeProvider.System);
        return await Asker.Ask(Questions(questions), model, store, s_price, options ?? new(), TimeProvider.System, null, stop ?? Stop);
    }

    IReadOnlyList<T> Rows<T>(string sql)
    {
        using SqliteConnection db = new($"Data Source={_scratch["t.db"]};Pooling=False");
        return [.. db.Query<T>(sql)];
    }

    static RemoteFault Fault(FaultKind kind, int status, TimeSpan? wait = null) => new(kind, status, $"said {status}", LimitFacts.None with { RetryAfter = wait });

    [Fact]
    public async Task EveryQuestionIsAskedOnceAndNeverAgain()
    {
        using ScriptedModel model = new((p, _) => Task.FromResult(ScriptedModel.Reply(p)));
        AskResult first = await Ask(model);
        Assert.Equal((AskEnd.Done, 10L, 0L), (first.End, first.Facts.Answered, first.Facts.Before));
        AskResult second = await Ask(model, 15);
        Assert.Equal((5L, 10L), (second.Facts.Answered, second.Facts.Before));
        Assert.Equal(15, model.Asked.Distinct().Count());
        Assert.Equal(15, model.Asked.Count);
        Assert.Equal(Enumerable.Range(0, 15).Select(i => $"question {i}").Order(StringComparer.Ordinal), Rows<string>("SELECT text FROM choice ORDER BY text"));
        Assert.Equal(Usd.Of(15 * 15 / 1_000_000m), second.Facts.Spent);
    }

    [Fact]
    public async Task WhatPassesIsAskedAgainAndWhatIsRefusedIsNot()
    {
        using ScriptedModel model = new((p, before) => (p, before) switch
        {
            ("question 1", 0) => throw Fault(FaultKind.Limited, 429, TimeSpan.FromMilliseconds(20)),
            ("question 2", 0) => throw Fault(FaultKind.Unavailable, 500),
            ("question 3", 0) => throw Fault(FaultKind.Broken, 0),
            ("question 4", _) => throw Fault(FaultKind.Refused, 400),
            ("question 5", 0) => throw new HttpRequestException(HttpRequestError.ConnectionError),
            ("question 6", _) => Task.FromResult(ScriptedModel.Reply("", finish: "content_filter", refusal: "I will not")),
            _ => Task.FromResult(ScriptedModel.Reply(p)),
        });
        AskResult result = await Ask(model);
        Assert.Equal((9L, 1L), (result.Facts.Answered, result.Facts.GivenUp));
        Assert.Equal([2, 2, 2, 1, 2, 1], Enumerable.Range(1, 6).Select(i => model.Asked.Count(p => p == $"question {i}")));
        Assert.Equal(["429 asked nothing for 0.02 s as told, and then slower", "200 kept as it is; not asked again in other words"], Rows<string>("SELECT status || ' ' || done FROM access ORDER BY kind"));

        // The one that broke off may have been paid, at the most it could cost.
        Assert.Equal(1, Rows<long>("SELECT count(*) FROM attempt WHERE outcome = 'Broken' AND spent = reserved AND spent > 0").Single());
        Assert.Equal(0, Rows<long>("SELECT coalesce(sum(spent), 0) FROM attempt WHERE outcome IN ('Limited', 'Unavailable', 'Refused', 'Unreachable')").Single());
    }

    [Theory]
    [InlineData(FaultKind.Unauthorized, 401)]
    [InlineData(FaultKind.Forbidden, 403)]
    [InlineData(FaultKind.Challenged, 503)]
    public async Task BeingShutOutEndsTheRun(FaultKind kind, int status)
    {
        using ScriptedModel model = new((p, _) => p == "question 5" ? throw Fault(kind, status) : Task.FromResult(ScriptedModel.Reply(p)));
        AskResult result = await Ask(model, 200, new(InFlight: 1));
        Assert.Equal((AskEnd.ShutOut, 5L, $"said {status}"), (result.End, result.Facts.Answered, result.Said));
        Assert.Equal(6, model.Asked.Count);
        Assert.Equal("ended the run", Rows<string>("SELECT done FROM access").Single());
    }

    [Fact]
    public async Task TheCeilingIsNeverPassedAndAHigherOneGoesOn()
    {
        using ScriptedModel model = new((p, _) => Task.FromResult(ScriptedModel.Reply(p)));
        Usd most = Usd.Of(300 / 1_000_000m);
        AskResult result = await Ask(model, 100, new(Ceiling: most));
        Assert.Equal(AskEnd.Ceiling, result.End);
        Assert.InRange(result.Facts.Spent.Pico, (most - s_price.AtMost(Questions(1).Single(), 20)).Pico, most.Pico);
        Assert.Equal(AskEnd.Done, (await Ask(model, 100, new(Ceiling: Usd.Of(1)))).End);
        Assert.Equal(100, model.Asked.Count);
    }

    [Fact]
    public async Task AStopTakesNoMoreAndLetsWhatIsUnderWayEnd()
    {
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        TaskCompletionSource go = new(TaskCreationOptions.RunContinuationsAsynchronously);
        int under = 0;
        using ScriptedModel model = new(async (p, _) =>
        {
            if (Interlocked.Increment(ref under) == 4)
            {
                await stop.CancelAsync();
                go.SetResult();
            }

            await go.Task;
            return ScriptedModel.Reply(p);
        });
        AskResult result = await Ask(model, 1000, new(InFlight: 4), stop.Token);
        Assert.Equal((AskEnd.Stopped, 4L), (result.End, result.Facts.Answered));
        Assert.Equal(4, Rows<long>("SELECT count(*) FROM answer").Single());
    }

    [Fact]
    public async Task WhoIsGoneTooLongIsLeftAndCountedAsPossiblyPaid()
    {
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        using ScriptedModel model = new(async (p, _) =>
        {
            await stop.CancelAsync();
            await new TaskCompletionSource().Task;
            return ScriptedModel.Reply(p);
        });
        AskResult result = await Ask(model, 3, new(InFlight: 1, Grace: TimeSpan.FromMilliseconds(10)), stop.Token);
        Assert.Equal(AskEnd.Stopped, result.End);
        Assert.Equal("Slow", Rows<string>("SELECT outcome FROM attempt WHERE spent = reserved").Single());
    }

    [Fact]
    public async Task AQuestionGivenUpIsAskedAgainByTheNextRun()
    {
        using ScriptedModel model = new((p, before) => before == 0 ? throw Fault(FaultKind.Unavailable, 503) : Task.FromResult(ScriptedModel.Reply(p)));
        AskResult first = await Ask(model, 2, new(Attempts: 1));
        Assert.Equal((0L, 2L), (first.Facts.Answered, first.Facts.GivenUp));
        Assert.Equal(2L, (await Ask(model, 2, new(Attempts: 1))).Facts.Answered);
    }
}
