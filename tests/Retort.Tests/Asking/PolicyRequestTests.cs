using System.Security.Cryptography;
using System.Text;
using Retort.Asking;
using Retort.Evidence.Terms;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Asking;

/// <summary>What an endpoint's own list of models says, from servers of many habits.</summary>
public sealed class PolicyRequestTests
{
    const string Key = "sk-very-secret";

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    static Task<PolicyReading> Read(ListingEndpoint server, string? key = null, string model = "small", TimeProvider? time = null) =>
        PolicyRequest.Read(Endpoint.Parse($"{server.Url}#{model}"), key, time ?? TimeProvider.System, Stop);

    [Theory]
    [InlineData("\"is_trainable_text\": true", TermsClass.Allow, "is_trainable_text: true")]
    [InlineData("\"is_trainable_text\": false", TermsClass.TrainingBanned, "is_trainable_text: false")]
    [InlineData("\"distillationPolicy\": {\"status\": \"disallowed\", \"label\": \"Barred\"}", TermsClass.TrainingBanned, "distillationPolicy.status: disallowed")]
    [InlineData("\"distillationPolicy\": {\"status\": \"allowed\"}", TermsClass.Allow, "distillationPolicy.status: allowed")]
    public async Task TheModelsOwnRecordIsRead(string fields, TermsClass expected, string field)
    {
        string list = ListingEndpoint.With(fields);
        using ListingEndpoint server = new(list);
        PolicyReading reading = await Read(server, Key);
        Assert.Equal((expected, field, null), (reading.Says!.Class, reading.Says.Field, reading.Unread));
        Assert.Equal((server.Url + "/models", Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(list)))), (reading.Address, reading.Sha256));
        Heard only = Assert.Single(server.Requests);
        Assert.Equal(("GET /v1/models", "Bearer " + Key), (only.Line, only.Key));
    }

    /// <summary>NanoGPT has the field where a longer record is asked for.</summary>
    [Fact]
    public async Task ALongerRecordIsAskedForWhereTheShortOneSaysNothing()
    {
        using ListingEndpoint server = new(h => new(200, ListingEndpoint.With(h.Line.EndsWith("?detailed=true", StringComparison.Ordinal) ? "\"distillationPolicy\": {\"status\": \"disallowed\"}" : "\"object\": \"model\"")));
        PolicyReading reading = await Read(server);
        Assert.Equal((TermsClass.TrainingBanned, server.Url + "/models?detailed=true"), (reading.Says!.Class, reading.Address));
        Assert.Equal(["GET /v1/models", "GET /v1/models?detailed=true"], server.Lines);
    }

    [Fact]
    public async Task ARecordWithoutTheFieldsSaysNothing()
    {
        using ListingEndpoint server = new(ListingEndpoint.With("\"object\": \"model\""));
        PolicyReading reading = await Read(server);
        Assert.Equal((null, null, server.Url + "/models"), (reading.Says, reading.Unread, reading.Address));
        Assert.NotNull(reading.Sha256);
    }

    [Theory]
    [InlineData(200, "not JSON", "", "broken")]
    [InlineData(200, "[]", "", "not an object")]
    [InlineData(200, "{\"data\": [{\"id\": \"other\", \"is_trainable_text\": false}]}", "", "'small' is not in the endpoint's list")]
    [InlineData(200, "{\"data\": [{\"id\": \"small\", \"is_trainable_text\": \"no\"}]}", "", "is_trainable_text is \"no\"")]
    [InlineData(200, "{\"data\": [{\"id\": \"small\", \"is_trainable_text\": \"sk-very-secret\"}]}", "", "is_trainable_text is \"[key]\"")]
    [InlineData(404, "{\"error\": {\"message\": \"no such path, sk-very-secret\"}}", "", "the answer is 404")]
    [InlineData(500, "", "", "the answer is 500")]
    [InlineData(200, "{\"data\": [{\"id\": \"small\", \"is_trainable_text\": false}]", "", "broken")]
    public async Task WhatCannotBeReadIsSaidAndSaysNothing(int status, string body, string headers, string why)
    {
        using ListingEndpoint server = new(_ => new(status, body, headers));
        PolicyReading reading = await Read(server, Key);
        Assert.Null(reading.Says);
        Assert.Contains(why, reading.Unread, StringComparison.Ordinal);
        Assert.DoesNotContain(Key, reading.Sentence, StringComparison.Ordinal);
    }

    /// <summary>The key would go along, and another host's word is not the endpoint's.</summary>
    [Fact]
    public async Task ARedirectIsNotFollowed()
    {
        using ListingEndpoint elsewhere = new(ListingEndpoint.With("\"is_trainable_text\": true"));
        using ListingEndpoint server = new(_ => new(302, "", $"Location: {elsewhere.Url}/models\r\n"));
        Assert.Contains("redirect (302)", (await Read(server, Key)).Unread, StringComparison.Ordinal);
        Assert.Empty(elsewhere.Requests);
    }

    [Fact]
    public async Task AnAbsurdlyLongAnswerIsNotHeld()
    {
        using ListingEndpoint server = new(_ => new(200, new string(' ', PolicyRequest.Longest + 1)));
        Assert.Contains("longer than 16 MiB", (await Read(server)).Unread, StringComparison.Ordinal);
        server.Lists = _ => new(200, ListingEndpoint.With("\"is_trainable_text\": false") + new string(' ', PolicyRequest.Longest - 1000));
        Assert.Equal(TermsClass.TrainingBanned, (await Read(server)).Says!.Class);
    }

    /// <summary>Fires its timers when it is told.</summary>
    sealed class Patience : TimeProvider
    {
        readonly List<Action> _fire = [];

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Assert.InRange(dueTime, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60));
            _fire.Add(() => callback(state));
            return new Timer();
        }

        public void RunOut() => _fire.ForEach(f => f());

        sealed class Timer : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose()
            {
            }

            public ValueTask DisposeAsync() => default;
        }
    }

    [Fact]
    public async Task ASilentServerIsNotWaitedForForEver()
    {
        using ListingEndpoint server = new(_ => null);
        Patience time = new();
        Task<PolicyReading> reading = Read(server, Key, time: time);
        await server.Listed.Task.WaitAsync(Stop);
        Assert.False(reading.IsCompleted);
        time.RunOut();
        Assert.Equal("no answer came in time", (await reading).Unread);
    }

    [Fact]
    public async Task NobodyThereSaysNothing()
    {
        ListingEndpoint server = new("{}");
        Endpoint gone = Endpoint.Parse($"{server.Url}#small");
        server.Dispose();
        PolicyReading reading = await PolicyRequest.Read(gone, Key, TimeProvider.System, Stop);
        Assert.Equal((null, null), (reading.Says, reading.Sha256));
        Assert.NotNull(reading.Unread);
    }

    [Fact]
    public async Task AKeyIsSentWhereOneIsNeeded()
    {
        using ListingEndpoint server = new(h => h.Key == "Bearer " + Key ? new(200, ListingEndpoint.With("\"is_trainable_text\": false, \"distillationPolicy\": {\"status\": \"disallowed\", \"note\": \"yours is sk-very-secret\"}")) : new(401, "{}"));
        Assert.Contains("401", (await Read(server)).Unread, StringComparison.Ordinal);
        PolicyReading reading = await Read(server, Key);
        Assert.Equal((TermsClass.TrainingBanned, "yours is [key]"), (reading.Says!.Class, reading.Says.Note));
    }

    /// <summary>What was once said holds in a store until something else is said; silence and faults change nothing.</summary>
    [Fact]
    public async Task TheStoreKeepsEveryReadingAndTheLastWordCounts()
    {
        using Scratch scratch = new();
        Endpoint endpoint = new("https://api.example.com/v1", "small");
        DateTimeOffset at = new(2026, 11, 28, 9, 30, 0, TimeSpan.Zero);
        EndpointPolicy barred = new(TermsClass.TrainingBanned, "distillationPolicy", "Barred", "closed-provider-restriction", "https://models.org/terms", "Ask first.");
        PolicyReading said = new("https://api.example.com/v1/models", at, new string('a', 64), barred), silent = said with { Sha256 = new('b', 64), Says = null }, faulty = silent with { Sha256 = null, Unread = "the answer is 500" };
        using (Transcripts store = Transcripts.Open(scratch["t.db"], TimeProvider.System))
        {
            Assert.Null(store.Policy(endpoint));
            await store.Policy(endpoint, faulty);
            Assert.Equal(faulty, store.Policy(endpoint));
            await store.Policy(endpoint, silent);
            Assert.Equal(silent, store.Policy(endpoint));
            await store.Policy(endpoint, said);
            await store.Policy(endpoint, silent);
            await store.Policy(endpoint, faulty);
        }

        using Transcripts again = Transcripts.Open(scratch["t.db"], TimeProvider.System);
        Assert.Equal(said, again.Policy(endpoint));
        Assert.Null(again.Policy(endpoint with { Model = "other" }));
        await again.Policy(endpoint, said with { Says = new(TermsClass.Allow, "is_trainable_text", null, null, null, null) });
        Assert.Equal(TermsClass.Allow, again.Policy(endpoint)!.Says!.Class);
    }
}
