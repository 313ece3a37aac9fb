using Dapper;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.AI;
using Retort.Asking;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Asking;

/// <summary>Questions asked one after another, each with the teacher's own answers before it.</summary>
public sealed class ChainTests : IDisposable
{
    static readonly Endpoint s_endpoint = new("https://api.example.com/v1", "small");

    readonly Scratch _scratch = new();

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => _scratch.Dispose();

    static Chain Of(string first, params string[] later) => new(new(s_endpoint, [new("user", first)], new(MaxTokens: 20)), later);

    async Task<AskResult> Ask(IChatClient model, AskOptions options, params Chain[] chains)
    {
        using Transcripts store = Transcripts.Open(_scratch["t.db"], TimeProvider.System);
        return await Asker.Ask(chains, model, store, new Price(1, 1, DateOnly.MinValue, null), options, TimeProvider.System, null, Stop);
    }

    [Fact]
    public async Task EachTurnIsAskedWithTheAnswersBeforeIt()
    {
        using ScriptedModel model = new((p, _) => Task.FromResult(ScriptedModel.Reply($"<{p}>")));
        AskResult result = await Ask(model, new(), [.. Enumerable.Range(0, 20).Select(i => Of($"a{i}", "b", "c"))]);
        Assert.Equal((60L, 60L, 0L), (result.Facts.Questions, result.Facts.Answered, result.Facts.NotAsked));
        using SqliteConnection db = new($"Data Source={_scratch["t.db"]};Pooling=False");
        string[] bodies = [.. db.Query<byte[]>("SELECT body FROM request").Select(System.Text.Encoding.UTF8.GetString)];
        Assert.Contains(bodies, b => b.Contains("""[{"role":"user","content":"a7"},{"role":"assistant","content":"\u003Ca7\u003E"},{"role":"user","content":"b"},{"role":"assistant","content":"\u003Cb\u003E"},{"role":"user","content":"c"}]""", StringComparison.Ordinal));
    }

    /// <summary>What was answered is not asked again: a second run goes on from the turn that has no answer.</summary>
    [Fact]
    public async Task AResumeGoesOnFromWhereItStopped()
    {
        using ScriptedModel model = new((p, before) => p == "b" && before == 0 ? throw new RemoteFault(FaultKind.Unavailable, 503, "503", LimitFacts.None) : Task.FromResult(ScriptedModel.Reply($"<{p}>")));
        AskResult first = await Ask(model, new(Attempts: 1), Of("a", "b", "c", "d"));
        Assert.Equal((1L, 1L, 2L), (first.Facts.Answered, first.Facts.GivenUp, first.Facts.NotAsked));
        AskResult second = await Ask(model, new(Attempts: 1), Of("a", "b", "c", "d"));
        Assert.Equal((3L, 1L, 0L), (second.Facts.Answered, second.Facts.Before, second.Facts.NotAsked));
        Assert.Equal(["a", "b", "b", "c", "d"], model.Asked);
    }

    [Theory]
    [InlineData("length", null, "cut")]
    [InlineData("content_filter", null, "")]
    [InlineData("stop", "I will not", "no")]
    [InlineData("stop", null, "")]
    public async Task NothingIsBuiltOnAnAnswerThatIsNone(string finish, string? refusal, string text)
    {
        using ScriptedModel model = new((_, _) => Task.FromResult(ScriptedModel.Reply(text, finish: finish, refusal: refusal)));
        AskResult result = await Ask(model, new(), Of("a", "b", "c"));
        Assert.Equal((1L, 2L), (result.Facts.Answered, result.Facts.NotAsked));
    }

    /// <summary>Chains that begin alike share the question, and each goes on with its own.</summary>
    [Fact]
    public async Task WhatIsAlikeIsAskedOnce()
    {
        using ScriptedModel model = new(async (p, _) =>
        {
            await Task.Yield();
            return ScriptedModel.Reply($"<{p}>");
        });
        AskResult result = await Ask(model, new(), Of("a", "b"), Of("a", "c"), Of("a"), Of("a", "b"));
        Assert.Equal((3L, 3L), (result.Facts.Questions, result.Facts.Answered));
        Assert.Equal(["a", "b", "c"], model.Asked.Order(StringComparer.Ordinal));
    }

    /// <summary>The forecast counts later turns, bounds what they cost from above, and knows what is answered.</summary>
    [Fact]
    public async Task TheForecastCountsLaterTurns()
    {
        Price price = new(1, 1, DateOnly.MinValue, null);
        Chain[] chains = [Of("a", "b", "c"), Of("a", "b", "d"), Of("e")];
        using (Transcripts store = Transcripts.Open(_scratch["t.db"], TimeProvider.System))
        {
            Forecast before = Forecast.Of(chains, store, price, null);
            Assert.Equal((5L, 5L), (before.Questions, before.Left));
            Assert.True(before.AtMost > price.AtMost(chains[0].First, 20) * 5);
        }

        using ScriptedModel model = new((p, _) => Task.FromResult(ScriptedModel.Reply($"<{p}>")));
        AskResult result = await Ask(model, new(), Of("a", "b"));
        using Transcripts after = Transcripts.Open(_scratch["t.db"], TimeProvider.System);
        Assert.Equal((2L, 3L), (result.Facts.Answered, Forecast.Of(chains, after, price, null).Left));
    }
}
