using System.Runtime.CompilerServices;
using System.Text.Json;
using Dapper;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.AI;
using Retort.Asking;
using Retort.Tests.Guard;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Asking;

/// <summary>What endpoints of several habits are seen to do.</summary>
public sealed class ProbeTests : IDisposable
{
    static readonly Endpoint s_endpoint = new("https://api.example.com/v1", "small");

    readonly Scratch _scratch = new();

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => _scratch.Dispose();

    /// <summary>An endpoint with habits: an answer to a question, or a fault.</summary>
    sealed class Habits(Func<Question, int, Reply> answer) : IChatClient
    {
        public int Asked { get; private set; }

        public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            Task.FromResult(new ChatResponse { RawRepresentation = answer((Question)options!.AdditionalProperties![nameof(Question)]!, Asked++) });

        public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            foreach (ChatResponseUpdate update in (await GetResponseAsync(messages, options, cancellationToken)).ToChatResponseUpdates())
            {
                yield return update;
            }
        }

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
        }
    }

    static RemoteFault Refused => new(FaultKind.Refused, 400, "400 no", LimitFacts.None);

    static Reply Says(string text, int choices = 1, int? tokens = 5, byte[]? logProbabilities = null, LimitFacts? limits = null) =>
        new("small-2026", "fp", "id", [.. Enumerable.Repeat(new Choice(text, "stop", null, logProbabilities), choices)], tokens, tokens, null, limits ?? LimitFacts.None);

    static byte[] Tokens(int top, bool bytes) => JsonSerializer.SerializeToUtf8Bytes(new[]
    {
        new { token = "no", logprob = -0.1, bytes = bytes ? new[] { 110, 111 } : null, top_logprobs = Enumerable.Range(0, top).Select(i => new { token = $"{i}", logprob = -1.0 - i }).ToArray() },
    });

    async Task<ProbeResult> Run(IChatClient client, bool again = false, AskOptions? options = null)
    {
        using Transcripts store = Transcripts.Open(_scratch["t.db"], TimeProvider.System);
        Price price = new(1, 1, DateOnly.MinValue, null);
        ForecastPart? foreseen = Probe.Foresee(s_endpoint, store, price, again);
        StoreFacts before = store.Facts();
        ProbeResult result = await Probe.Run(s_endpoint, client, store, price, options ?? new(), again, TimeProvider.System, Stop);

        // Whatever its habits, it takes no more than was foreseen; each answer here costs ten tokens.
        Assert.InRange((store.Facts().Spent - before.Spent).Pico, 0, foreseen?.AtMost?.Pico ?? 0);
        Assert.InRange(store.Facts().Attempts - before.Attempts, 0, foreseen?.Most ?? 0);
        return result;
    }

    [Fact]
    public async Task AnEndpointThatDoesEverything()
    {
        using Habits all = new((q, _) => Says(
            q.Parameters.Schema is null ? "yes" : """{"colour": "red"}""", q.Parameters.Count, logProbabilities: q.Parameters.TopLogProbabilities is { } top ? Tokens(top, true) : null, limits: LimitFacts.None with { Requests = 500 }));
        ProbeResult result = await Run(all);
        Assert.Equal(new("small-2026", "fp", true, true, true, true, 20, true, true, true), result.Facts);
        Assert.Equal(6, all.Asked);
        Assert.Null(result.Facts!.Lacks(new(Count: 5, Schema: "{}", TopLogProbabilities: 20)));

        // Once an endpoint, unless it is wanted again; and nothing of it is data.
        Assert.Equal(result.Facts, (await Run(all)).Facts);
        Assert.Equal(6, all.Asked);
        Assert.Equal(result.Facts, (await Run(all, again: true)).Facts);
        Assert.Equal(12, all.Asked);
        using Transcripts store = Transcripts.Open(_scratch["t.db"], TimeProvider.System);
        Assert.Equal((0, 0L, 12L), (store.Answers().Count, store.Facts().Questions, store.Facts().Attempts));
        Assert.Equal(Usd.Of(12 * 10 / 1_000_000m), store.Facts().Spent);
    }

    [Fact]
    public async Task AnEndpointThatDoesLittleAndSaysNothing()
    {
        using Habits little = new((_, before) => Says($"draw {before}", tokens: null));
        ProbeFacts facts = (await Run(little)).Facts!;
        Assert.Equal(new("small-2026", "fp", false, false, false, false, 0, null, false, false), facts);
        Assert.Contains("gives no log-probabilities", facts.Lacks(new(TopLogProbabilities: 0)), StringComparison.Ordinal);
        Assert.Contains("one answer to a question", facts.Lacks(new(Count: 2)), StringComparison.Ordinal);
        Assert.Contains("JSON schema", facts.Lacks(new(Schema: "{}")), StringComparison.Ordinal);
        Assert.Null(facts.Lacks(new(MaxTokens: 5)));
    }

    /// <summary>Where twenty likely tokens are refused, the most that are taken is found.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(8)]
    [InlineData(19)]
    public async Task TheMostLikelyTokensAreFound(int most)
    {
        using Habits some = new((q, _) => q.Parameters.TopLogProbabilities is { } top ? top > most ? throw Refused : Says("no", logProbabilities: Tokens(top, false)) : Says("yes"));
        ProbeFacts facts = (await Run(some)).Facts!;
        Assert.Equal((true, most, false), (facts.LogProbabilities, facts.Alternatives, facts.Bytes));
        Assert.Contains($"at most {most} likely tokens", facts.Lacks(new(TopLogProbabilities: most + 1)), StringComparison.Ordinal);
    }

    /// <summary>A refusal shows what is not done; no answer at all shows nothing, and nothing is written down.</summary>
    [Fact]
    public async Task RefusalsSaySomethingAndSilenceDoesNot()
    {
        using Habits strict = new((q, _) => q.Parameters is { Count: 1, Seed: null, Schema: null, TopLogProbabilities: null } ? Says("yes") : throw Refused);
        Assert.Equal(new("small-2026", "fp", true, false, false, false, 0, null, false, false), (await Run(strict)).Facts);
        File.Delete(_scratch["t.db"]);
        using Habits silent = new((_, _) => throw new RemoteFault(FaultKind.Unreachable, 0, "nobody", LimitFacts.None));
        ProbeResult nothing = await Run(silent, options: new(Attempts: 1));
        Assert.Null(nothing.Facts);
        Assert.Equal(AskEnd.Done, nothing.Asked.End);
        using SqliteConnection db = new($"Data Source={_scratch["t.db"]};Pooling=False");
        Assert.Equal(0, db.ExecuteScalar<long>("SELECT count(*) FROM probe"));
    }

    [Fact]
    public async Task TheCeilingAndAShutDoorEndIt()
    {
        using Habits all = new((_, _) => Says("yes"));
        Assert.Equal(AskEnd.Ceiling, (await Run(all, options: new(Ceiling: new(1)))).Asked.End);
        Assert.Equal(0, all.Asked);
        using Habits shut = new((_, _) => throw new RemoteFault(FaultKind.Unauthorized, 401, "401", LimitFacts.None));
        Assert.Equal(AskEnd.ShutOut, (await Run(shut)).Asked.End);
        Assert.Equal(1, shut.Asked);
    }

    [Fact]
    public async Task OurOwnServerDoesEverythingButNameItsLimits()
    {
        await using GuardWorld world = await GuardWorld.Start();
        Endpoint endpoint = Endpoint.Parse($"{world.Url}/v1#{GuardWorld.Name}");
        using RemoteModel model = new(endpoint, null, TimeSpan.FromSeconds(60), 4, TimeProvider.System);
        using Transcripts store = Transcripts.Open(_scratch["t.db"], TimeProvider.System);
        ProbeFacts facts = (await Probe.Run(endpoint, model, store, Price.Free, new(), false, TimeProvider.System, Stop)).Facts!;
        Assert.Equal(new(GuardWorld.Name, facts.Fingerprint, true, true, true, true, 20, true, facts.Schema, false), facts);
    }
}
