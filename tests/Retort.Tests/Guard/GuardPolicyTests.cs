using Retort.Guard;
using Retort.Guard.Accounts;
using Retort.Guard.Indicators;
using Retort.Guard.Limits;
using Retort.Guard.Twins;
using Retort.Guard.Watermark;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Guard;

public sealed class GuardPolicyTests : IDisposable
{
    readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    GuardPolicy Read(string yaml) => GuardPolicy.Read(_scratch.Write("guard.yaml", yaml));

    [Fact]
    public void EveryKeyIsRead()
    {
        GuardPolicy p = Read(GuardPolicy.Example);
        Assert.Equal((_scratch["guard"], "RETORT_GUARD_PEPPER", "free"), (p.Store, p.Pepper, p.DefaultTier));
        Assert.Equal(new TermsPolicy(_scratch["terms.md"], "2026-11", TimeSpan.FromDays(14), "https://host/terms"), p.Terms);
        Assert.Equal(["free", "pro"], p.Tiers.Keys);
        Assert.Equal(new ScopeLimits(20, 20_000, 200_000, 1_000_000_000_000, 0, 2), p.Tiers["free"]);
        Assert.Equal(new ScopeLimits(600, 400_000, null, null, null, 32), p.Tiers["pro"]);
        Assert.Equal(new ScopeLimits(900, null, 2_000_000, null, null, null), p.Linked);
        Assert.Equal(new WatermarkPolicy(WatermarkScheme.Tournament, WatermarkBy.Account, 1, 4, 30, 0.25, 2), p.Watermark);
        Assert.Equal(new TwinPolicy(0.01, 0.25, TimeSpan.FromDays(365)), p.Twins);
        Assert.Equal(("example.com", new TrustedIssuer("other.org", _scratch["other.pub"])), (p.Indicators.Issuer, p.Indicators.Trust.Single()));
        Assert.Equal(250_000 + 4_000_000, p.Prices.Of("any", 1, 2));
    }

    [Fact]
    public void AnAccountHasItsTierAndItsGroupsLimits()
    {
        GuardPolicy p = Read(GuardPolicy.Example);
        BoundScope[] scopes = new BoundScope[2];
        Account account = new(5, "a", "pro", Purposes.None, null, null, default, null);
        Assert.Equal(1, p.Scopes(account, scopes));
        Assert.Equal(new(LimitScope.Account(5), p.Tiers["pro"]), scopes[0]);
        Assert.Equal(2, p.Scopes(account with { Linked = 7, Tier = "gone" }, scopes));
        Assert.Equal([new(LimitScope.Account(5), p.Tiers["free"]), new(LimitScope.Group(7), p.Linked)], scopes);
    }

    [Fact]
    public void TheLongestNameHasItsPriceRoundedUp()
    {
        ModelPrices prices = Read("store: s\ntiers: [{name: a}]\nprices: [{model: \"*\", prompt: 1, completion: 1}, {model: \"gpt-*\", prompt: 0.0000001, completion: 2}, {model: gpt-5, prompt: 3, completion: 4}]").Prices;
        Assert.Equal([1_000_000, 1, 3_000_000], ((string[])["other", "gpt-4", "gpt-5"]).Select(m => prices.Of(m, 1, 0)));
        Assert.Equal(0, new ModelPrices([]).Of("other", 1, 1));
        Assert.InRange(prices.Of("gpt-5", long.MaxValue, long.MaxValue), 1, long.MaxValue / 2);
    }

    [Theory]
    [InlineData("tiers: [{name: a}]", "store is missing")]
    [InlineData("store: s", "tiers is missing")]
    [InlineData("store: s\ntiers: [{name: a}, {name: a}]", "line 2: tiers[2].name is taken")]
    [InlineData("store: s\ntiers: [{name: a}]\ndefault_tier: b", "line 3: default_tier must be one of a, not 'b'")]
    [InlineData("store: s\ntiers: [{name: a, request_per_minute: 5}]", "line 2: tiers[1].request_per_minute is not a key here; did you mean requests_per_minute?")]
    [InlineData("store: s\ntiers: [{name: a, streams: -1}]", "line 2: tiers[1].streams must be a whole number from 0")]
    [InlineData("store: s\ntiers: [{name: a, usd_per_day: 1}]", "prices must have an entry for model \"*\"")]
    [InlineData("store: s\ntiers: [{name: a}]\nterms: {grace_days: 3}", "line 3: terms.version is missing; line 3: terms.accept_at is missing")]
    [InlineData("store: s\ntiers: [{name: a}]\nterms: {version: 1, accept_at: here, grace_days: 4000}", "line 3: terms.grace_days must be a number from 0 to 3650")]
    [InlineData("store: s\ntiers: [{name: a}]\nhardened: {}", "line 3: hardened is not a key here; known are")]
    [InlineData("store: s\ntiers: [{name: a}]\nlinked: {stream: 1}", "line 3: linked.stream is not a key here; did you mean streams?")]
    [InlineData("store: s\ntiers: [{name: a}]\nprices: [{prompt: 1}]", "line 3: prices[1].model is missing; line 3: prices[1].completion is missing")]
    public void EveryFaultIsNamedWithItsLine(string yaml, string what) => Assert.Contains(what, Assert.Throws<UserError>(() => Read(yaml)).What, StringComparison.Ordinal);

    /// <summary>A pepper where its variable's name belongs is refused without being repeated.</summary>
    [Fact]
    public void APepperItselfIsNoName()
    {
        const string Secret = "f00dfeedf00dfeedf00dfeedf00dfeed";
        UserError error = Assert.Throws<UserError>(() => Read($"store: s\ntiers: [{{name: a}}]\npepper: {Secret}"));
        Assert.Contains("line 3: pepper must be the name of an environment variable", error.What, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void DamagedFiles()
    {
        string[] keys = [.. GuardPolicy.Example.Split('\n', ' ', '{').Where(w => w.EndsWith(':')).Select(w => w.Trim(':')).Distinct()];
        Random random = new(9);
        int read = 0;
        for (int i = 0; i < 10_000; i++)
        {
            string yaml = YamlMutation.Of(GuardPolicy.Example, keys, random);
            Exception? e = Record.Exception(() => Read(yaml));
            Assert.True(e is null or UserError, $"mutation {i}: {e}\n{yaml}");
            read += e is null ? 1 : 0;
        }

        Assert.InRange(read, 200, 9_500);
    }
}
