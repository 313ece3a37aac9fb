using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Retort.Evidence.Ledger;
using Retort.Guard.Records;
using Retort.Tests.Guard.Answers;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Guard.Records;

public sealed class DecisionLogTests : IDisposable
{
    readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    LedgerHome Home => new(_scratch["home"], Path.Combine(_scratch["home"], "ledger.key"), "test");

    static Decision Of(int number, long account = 7) => new($"{number:x32}", DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_123 + number), account, "chat/completions", account == 0 ? 401 : 200, account == 0 ? "invalid_api_key" : null, "None", 5, 6, null, null);

    IReadOnlyList<JsonElement> Entries(string name = "decisions")
    {
        string folder = Path.Combine(_scratch["store"], name);
        LedgerPublicKey key = LedgerPublicKey.Read(folder + ".pub", Checkpoint.Read(Path.Combine(folder, "checkpoint")).Origin);
        Assert.True(LedgerAudit.Run(folder, key).Holds);
        return [.. TileReader.Open(folder, key).Entries().Select(e => JsonElement.Parse(e.Span))];
    }

    [Fact]
    public async Task EveryDecisionIsWrittenAtTheEndAndTheLogGoesOn()
    {
        Directory.CreateDirectory(_scratch["store"]);
        for (int run = 0; run < 2; run++)
        {
            await using DecisionLog log = DecisionLog.Open(_scratch["store"], Home, null, TimeProvider.System);
            await Task.WhenAll(Enumerable.Range(0, 1000).Select(i => log.Record(Of((run * 1000) + i)).AsTask()));
        }

        IReadOnlyList<JsonElement> entries = Entries();
        Assert.Equal(2001, entries.Count);
        Assert.Equal(2000, entries.Skip(1).Select(e => e.GetProperty("id").GetString()).Distinct().Count());
    }

    [Fact]
    public async Task AnEntryIsCanonicalAndOpensToWhatWasSaid()
    {
        await using PathWorld world = await PathWorld.Start();
        await world.Ask(PathWorld.Question);
        await world.Ask("""{"messages":[],"n":99,"max_tokens":1}""");
        await world.Quiet();
        CommitmentSecret secret = CommitmentSecret.Read(Path.Combine(world.Policy!.Policy.Store, "decisions.secret"));
        IReadOnlyList<JsonElement> entries = await world.Decisions();
        JsonElement answered = entries[1], refused = entries[2];
        string id = answered.GetProperty("id").GetString()!;
        Assert.Equal((7, 3, 200, ""), (answered.GetProperty("prompt_tokens").GetInt32(), answered.GetProperty("answer_tokens").GetInt32(), answered.GetProperty("status").GetInt32(), answered.GetProperty("code").GetString()));
        Assert.Equal((400, "not_allowed", 0), (refused.GetProperty("status").GetInt32(), refused.GetProperty("code").GetString(), refused.GetProperty("answer_tokens").GetInt32()));
        JsonElement commitments = answered.GetProperty("commitments");
        Assert.Equal(secret.Commit($"{id}/request", Encoding.UTF8.GetBytes(PathWorld.Question)).ToString(), commitments.GetProperty("request").GetString());
        Assert.Equal(secret.Commit($"{id}/response", Encoding.UTF8.GetBytes(FakeUpstream.Whole)).ToString(), commitments.GetProperty("response").GetString());
        Assert.Equal(secret.Commit($"{id}/account", "1"u8).ToString(), commitments.GetProperty("account").GetString());
        foreach (JsonElement entry in entries)
        {
            Assert.Equal(entry.GetRawText(), Encoding.UTF8.GetString(CanonicalJson.Write(JsonNode.Parse(entry.GetRawText())!)));
        }
    }

    [Fact]
    public async Task StrangersShareAnEntry()
    {
        Directory.CreateDirectory(_scratch["store"]);
        await using (DecisionLog log = DecisionLog.Open(_scratch["store"], Home, null, TimeProvider.System))
        {
            await Task.WhenAll(Enumerable.Range(0, 500).Select(i => log.Record(Of(i, account: 0)).AsTask()));
        }

        IReadOnlyList<JsonElement> entries = Entries();
        Assert.InRange(entries.Count, 2, 20);
        Assert.Equal(500, entries.Skip(1).Sum(e => e.GetProperty("count").GetInt32()));
    }

    [Fact]
    public async Task TwoServersWriteTwoLogs()
    {
        Directory.CreateDirectory(_scratch["store"]);
        await using (DecisionLog first = DecisionLog.Open(_scratch["store"], Home, null, TimeProvider.System), second = DecisionLog.Open(_scratch["store"], Home, null, TimeProvider.System))
        {
            await first.Record(Of(1));
            await second.Record(Of(2));
        }

        Assert.Equal((2, 2), (Entries().Count, Entries("decisions-2").Count));
    }

    /// <summary>While nothing can be written nothing is begun, and what waits is written once it can be.</summary>
    [Fact]
    public async Task WhatCannotBeWrittenWaits()
    {
        await using PathWorld world = await PathWorld.Start();
        string folder = Path.Combine(world.Policy!.Policy.Store, "decisions"), blocked = Path.Combine(folder, "checkpoint.tmp");
        Directory.CreateDirectory(blocked);
        await world.Ask(PathWorld.Question);
        (int Status, string? Code) refused = default;
        while (refused.Status != 503)
        {
            (int status, string text) = await world.Ask(PathWorld.Question);
            refused = (status, status == 200 ? null : JsonElement.Parse(text).GetProperty("error").GetProperty("code").GetString());
        }

        Assert.Equal("records_unavailable", refused.Code);
        Directory.Delete(blocked);
        while (world.Policy.Decisions.Fault is not null)
        {
            await Task.Yield();
        }

        IReadOnlyList<JsonElement> entries = await world.Decisions();
        Assert.Equal(world.Upstream.Requests, entries.Count(e => e.TryGetProperty("status", out JsonElement s) && s.GetInt32() == 200));
    }
}
