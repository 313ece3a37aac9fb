using Retort.Asking;

namespace Retort.Tests.Asking;

public class LimitFactsTests
{
    static readonly DateTimeOffset s_now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    static LimitFacts Of(params (string Name, string Value)[] headers) => LimitFacts.Read(name => headers.FirstOrDefault(h => h.Name == name).Value, s_now);

    [Theory]
    [InlineData("retry-after", "2", 2)]
    [InlineData("retry-after", "0.5", 0.5)]
    [InlineData("retry-after", "Fri, 02 Jan 2026 03:04:35 GMT", 30)]
    [InlineData("retry-after", "Fri, 02 Jan 2026 03:04:00 GMT", 0)]
    [InlineData("retry-after-ms", "250", 0.25)]
    [InlineData("retry-after", "999999999999", 3600)]
    public void HowLongToWait(string name, string value, double seconds) => Assert.Equal(seconds, Of((name, value)).RetryAfter!.Value.TotalSeconds, 6);

    [Theory]
    [InlineData("1s", 1)]
    [InlineData("6m0s", 360)]
    [InlineData("0h2m3.5s", 123.5)]
    [InlineData("2h", 3600)]
    [InlineData("250ms", 0.25)]
    [InlineData("59.7", 59.7)]
    public void WhenALimitIsReset(string value, double seconds) => Assert.Equal(seconds, Of(("x-ratelimit-reset-requests", value)).RequestsReset!.Value.TotalSeconds, 6);

    [Theory]
    [InlineData("soon")]
    [InlineData("")]
    [InlineData("-4")]
    [InlineData("1e400")]
    [InlineData("12 parsecs")]
    public void WhatIsNoTimeIsNone(string value)
    {
        LimitFacts facts = Of(("retry-after", value), ("retry-after-ms", value), ("x-ratelimit-reset-requests", value), ("x-ratelimit-limit-requests", value));
        Assert.Equal(LimitFacts.None, facts);
    }

    [Fact]
    public void Limits() => Assert.Equal(
        new(null, 3000, 250000, 2999, null, 0, TimeSpan.FromSeconds(4)),
        Of(("x-ratelimit-limit-requests", "3000"), ("x-ratelimit-limit-tokens", "250000"), ("x-ratelimit-remaining-requests", "2999"), ("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "4s")));
}
