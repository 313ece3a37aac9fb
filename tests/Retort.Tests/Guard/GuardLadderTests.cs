using System.Text.Json;
using Retort.Guard.Accounts;
using Retort.Guard.Detector;
using Retort.Tests.Guard.Answers;

namespace Retort.Tests.Guard;

/// <summary>What is done about an account, and what its owner has accepted, as clients meet it.</summary>
public class GuardLadderTests
{
    static CancellationToken Stop => TestContext.Current.CancellationToken;

    static AccountResponse Response(PathWorld world, ResponseStep step, bool shadow = false, long? group = null) => new(step, shadow, "case-17", "Many prompts of one kind.", world.Clock.Now, group);

    [Theory]
    [InlineData(ResponseStep.Verify, "verification_required")]
    [InlineData(ResponseStep.Review, "under_review")]
    [InlineData(ResponseStep.Suspend, "suspended")]
    public async Task AnAccountIsToldItsCaseTheReasonAndWhereToAppeal(ResponseStep step, string code)
    {
        await using PathWorld world = await PathWorld.Start();
        long account = world.Policy!.Store.Account("acme").Id;
        world.Policy.Responses.Set(account, Response(world, step));
        (int status, string text) = await world.Ask(PathWorld.Question);
        JsonElement error = JsonElement.Parse(text).GetProperty("error");
        Assert.Equal((403, code), (status, error.GetProperty("code").GetString()));
        Assert.Matches("case-17.*https://host/appeal", error.GetProperty("message").GetString()!);
        Assert.Contains("Many prompts of one kind", error.GetProperty("message").GetString()!, StringComparison.Ordinal);

        world.Policy.Responses.Set(account, Response(world, step, shadow: true));
        Assert.Equal(200, (await world.Ask(PathWorld.Question)).Status);
        world.Policy.Responses.Set(account, null);
        Assert.Equal(200, (await world.Ask(PathWorld.Question)).Status);
        IReadOnlyList<JsonElement> decisions = await world.Decisions();
        Assert.Equal([(403, step.ToString()), (200, "None"), (200, "None")], decisions.Skip(1).Select(d => (d.GetProperty("status").GetInt32(), d.GetProperty("step").GetString()!)));
    }

    [Fact]
    public async Task WhatIsWithheldIsSaidAndTheAnswerIsTheSame()
    {
        await using PathWorld world = await PathWorld.Start(PathWorld.Tiers + "hardening: {reasoning: keep}\n");
        string reasoned = FakeUpstream.Whole.Replace("\"content\"", "\"reasoning_content\":\"r\",\"content\"", StringComparison.Ordinal);
        world.Upstream.Answer = http => FakeUpstream.Json(http, reasoned);
        Assert.Equal(reasoned, (await world.Ask(PathWorld.Question)).Text);
        world.Policy!.Responses.Set(world.Policy.Store.Account("acme").Id, Response(world, ResponseStep.Withhold));
        Assert.Equal(FakeUpstream.Whole, (await world.Ask(PathWorld.Question)).Text);
        Assert.Equal((403, "logprobs_withheld"), await world.Refused("""{"messages":[],"max_tokens":5,"logprobs":true}"""));
    }

    [Fact]
    public async Task ASlowedAccountCountsAgainstItsGroup()
    {
        await using PathWorld world = await PathWorld.Start();
        world.Policy!.Responses.Set(world.Policy.Store.Account("acme").Id, Response(world, ResponseStep.Slow, group: 9));
        Assert.Equal(200, (await world.Ask(PathWorld.Question)).Status);
        Assert.Equal(200, (await world.Ask(PathWorld.Question)).Status);
        Assert.Equal((429, "group_requests_per_minute_exceeded"), await world.Refused(PathWorld.Question));
    }

    [Fact]
    public async Task EveryRequestWithinTheLimitsIsOfferedAsItWasSent()
    {
        await using PathWorld world = await PathWorld.Start();
        await world.Ask(PathWorld.Question);
        await world.Ask(PathWorld.Question, key: "rt_x");
        using WaitingRequest? offered = await world.Policy!.Feed.Take(Stop);
        Assert.Equal((1L, "chat/completions", PathWorld.Question), (offered!.Account, offered.Route, System.Text.Encoding.UTF8.GetString(offered.Body.Span)));
        Assert.NotEqual(0UL, offered.Origin.Address);
        Assert.Equal(1, world.Policy.Feed.Offered);
    }

    const string Terms = PathWorld.Tiers + "terms: {version: \"1\", grace_days: 7, accept_at: \"https://host/terms\"}\n";

    [Fact]
    public async Task TermsAreReadAndAcceptedWithTheKeyThatWasRefused()
    {
        await using PathWorld world = await PathWorld.Start(Terms, store => store.Publish("1", "terms.md", "Be kind."u8.ToArray()));
        (int status, string text) = await world.Ask(PathWorld.Question);
        Assert.Equal(403, status);
        Assert.Contains("terms_not_accepted", text, StringComparison.Ordinal);
        Assert.Contains("POST /v1/terms", text, StringComparison.Ordinal);
        using HttpResponseMessage shown = await world.Get("/v1/terms");
        JsonElement terms = JsonElement.Parse(await shown.Content.ReadAsStringAsync(Stop));
        Assert.Equal(("1", "Be kind."), (terms.GetProperty("version").GetString(), terms.GetProperty("text").GetString()));
        string sha = terms.GetProperty("sha256").GetString()!;
        using HttpResponseMessage stranger = await world.Get("/v1/terms", "rt_x");
        Assert.Equal(401, (int)stranger.StatusCode);

        Assert.Equal((409, "terms_differ"), await world.Refused($$"""{"version":"1","sha256":"{{new string('0', 64)}}","who":"J"}""", "/v1/terms"));
        Assert.Equal((400, "invalid_value"), await world.Refused($$"""{"version":"1","sha256":"{{sha}}"}""", "/v1/terms"));
        Assert.Equal((400, "invalid_value"), await world.Refused($$"""{"version":"1","sha256":"{{sha}}","who":" "}""", "/v1/terms"));
        Assert.Equal(403, (await world.Ask(PathWorld.Question)).Status);
        Assert.Equal(200, (await world.Ask($$"""{"version":"1","sha256":"{{sha}}","who":"J. Doe"}""", "/v1/terms")).Status);
        Assert.Equal(200, (await world.Ask(PathWorld.Question)).Status);
        Assert.Equal("J. Doe", world.Policy!.Store.Account("acme").Accepted!.Who);
        Assert.Equal(AccountEventKind.TermsAccepted, world.Policy.Store.Events()[^1].Kind);
        Assert.True(File.Exists(Path.Combine(world.Policy.Store.Folder, "ledger", "checkpoint")));
    }

    [Fact]
    public async Task SupersededTermsAreSaidInAHeaderUntilTheGraceEnds()
    {
        await using PathWorld world = await PathWorld.Start(Terms, store =>
        {
            store.Publish("1", "terms.md", "Be kind."u8.ToArray());
            store.Accept("acme", "1", "J");
        });
        world.Policy!.Store.Publish("2", "terms.md", "Be kinder."u8.ToArray());
        using HttpResponseMessage within = await world.Send(PathWorld.Question);
        Assert.StartsWith("superseded; accepted=\"1\"; current=\"2\"", Assert.Single(within.Headers.GetValues(TermsDemand.Header)), StringComparison.Ordinal);
        world.Clock.Pass(TimeSpan.FromDays(8));
        world.Policy.Limits.Renew();
        Assert.Equal((403, "terms_superseded"), await world.Refused(PathWorld.Question));
    }
}
