using System.Text;
using System.Text.Json.Nodes;
using Retort.Guard.Indicators;
using YamlDotNet.RepresentationModel;

namespace Retort.Tests.Guard.Indicators;

public sealed class BundleFileTests : IDisposable
{
    readonly IndicatorWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public void StepsAre125AndNeverAbove()
    {
        Assert.Equal([1, 2, 2, 5, 5, 10, 10, 20, 50, 100, 2_000_000, 1_000_000_000], ((long[])[1, 2, 4, 5, 9, 10, 19, 20, 99, 100, 4_999_999, long.MaxValue]).Select(CoarseStep.Below));
        Random random = new(1);
        for (int i = 0; i < 2000; i++)
        {
            long n = 1 + (long)Math.Pow(random.NextDouble() * 1000, 3);
            int step = CoarseStep.Below(n);
            Assert.True(step <= n && n < step * 2.5 && CoarseStep.Is(step), $"{n}: {step}");
            Assert.Equal(step == n, n <= int.MaxValue && CoarseStep.Is((int)n));
        }
    }

    [Fact]
    public void EveryBundleIsReadAsItWasWritten()
    {
        Random random = new(2);
        for (int i = 0; i < 200; i++)
        {
            IndicatorBundle bundle = Random(random);
            IndicatorBundle read = BundleFile.Parse(BundleFile.Payload(bundle), "bundle");
            Assert.Equal(bundle with { Salt = default, Templates = [], Revokes = [] }, read with { Salt = default, Templates = [], Revokes = [] });
            Assert.Equal(bundle.Templates, read.Templates);
            Assert.Equal(bundle.Revokes, read.Revokes);
            Assert.Equal(bundle.Salt.ToArray(), read.Salt.ToArray());
        }
    }

    /// <summary>A signed payload is not a good one: its issuer's program may be anything.</summary>
    [Fact]
    public void AnyPayloadIsReadAsABundleOrRefusedByItsField()
    {
        Random random = new(3);
        int read = 0;
        for (int i = 0; i < 4000; i++)
        {
            byte[] payload = JsonMutation.Of(BundleFile.Payload(Random(random)), random);
            try
            {
                IndicatorBundle bundle = BundleFile.Parse(payload, "bundle");
                Assert.Equal(BundleFile.Payload(bundle), BundleFile.Payload(BundleFile.Parse(BundleFile.Payload(bundle), "again")));
                Assert.All(bundle.Templates, t => Assert.True(t.Accounts >= IndicatorBundle.FewestAccounts));
                read++;
            }
            catch (UserError e)
            {
                Assert.StartsWith("bundle", e.Where, StringComparison.Ordinal);
            }
        }

        Assert.InRange(read, 1, 2000);
    }

    /// <summary>Bytes changed anywhere in an envelope: refused, or the payload is the one that was signed.</summary>
    [Fact]
    public void NoChangedEnvelopeBringsAnythingElseIn()
    {
        Random random = new(4);
        SignedBundle bundle = _world.Tell();
        byte[] good = bundle.Signed.ToJson();
        for (int i = 0; i < 1500; i++)
        {
            byte[] bad = [.. good];
            if (i % 3 == 0)
            {
                bad = JsonMutation.Of(good, random);
            }
            else
            {
                for (int n = random.Next(1, 4); n > 0; n--)
                {
                    bad[random.Next(bad.Length)] = (byte)random.Next(256);
                }
            }

            string folder = _world.Files[$"import-{i}"];
            try
            {
                if (IndicatorSet.Import(folder, _world.Policy, bad, "bundle", IndicatorWorld.Now) is ImportVerdict.Accepted taken)
                {
                    Assert.Equal(BundleFile.Payload(bundle.Bundle), BundleFile.Payload(taken.Bundle));
                }
            }
            catch (UserError)
            {
                Assert.False(Directory.Exists(folder) && Directory.GetFiles(folder, "from-*").Length > 0);
            }
        }
    }

    [Theory]
    [InlineData("sequence", "0", "sequence is 0")]
    [InlineData("sequence", "99999999999", "sequence is 99999999999")]
    [InlineData("version", "2", "version is 2")]
    [InlineData("issuer", "\"a b\"", "issuer is \"a b\"")]
    [InlineData("expires", "\"2026-11-28T12:00:00Z\"", "expires is")]
    [InlineData("expires", "\"2029-11-28T12:00:00Z\"", "expires is")]
    [InlineData("expires", "\"tomorrow\"", "expires is")]
    [InlineData("tlp", "\"white\"", "'white' is no mark")]
    [InlineData("salt", "\"00\"", "salt is \"00\"")]
    [InlineData("revokes", "[1]", "revokes is [1]")]
    [InlineData("more", "1", "more is no field of a bundle")]
    [InlineData("templates", "[{\"hash\":\"00\",\"accounts\":5,\"requests\":1,\"days\":1}]", "hash is \"00\"")]
    public void EveryFaultIsNamed(string field, string value, string what)
    {
        JsonObject payload = (JsonObject)JsonNode.Parse(BundleFile.Payload(_world.Tell().Bundle))!;
        payload[field] = JsonNode.Parse(value);
        Assert.StartsWith(what, Assert.Throws<UserError>(() => BundleFile.Parse(Encoding.UTF8.GetBytes(payload.ToJsonString()), "bundle")).What, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(7)]
    public void TooFewAccountsOrExactCountsAreRefusedAtTheReceiverToo(int accounts)
    {
        IndicatorBundle bundle = _world.Tell().Bundle;
        byte[] payload = BundleFile.Payload(bundle with { Templates = [bundle.Templates[0] with { Accounts = accounts }] });
        Assert.StartsWith($"accounts is {accounts}", Assert.Throws<UserError>(() => BundleFile.Parse(payload, "bundle")).What, StringComparison.Ordinal);
    }

    [Fact]
    public void WhatIsTwiceOrTooLargeIsRefused()
    {
        IndicatorBundle bundle = _world.Tell().Bundle;
        Assert.Throws<UserError>(() => BundleFile.Parse(BundleFile.Payload(bundle with { Templates = [bundle.Templates[0], bundle.Templates[0]] }), "bundle"));
        string text = Encoding.UTF8.GetString(BundleFile.Payload(bundle));
        Assert.Throws<UserError>(() => BundleFile.Parse(Encoding.UTF8.GetBytes(text[..^1] + ",\"sequence\":9}"), "bundle"));
        Assert.Contains("more than", Assert.Throws<UserError>(() => IndicatorSet.Import(_world.Here, _world.Policy, new byte[BundleFile.MostBytes + 1], "bundle", IndicatorWorld.Now)).What, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("indicators: {issuer: a b}", "indicators.issuer must be a name")]
    [InlineData("indicators: {trust: [{issuer: a}]}", "indicators.trust[1].key is missing")]
    [InlineData("indicators: {issuer: a, trust: [{issuer: a, key: k}]}", "indicators.trust[1].issuer is this operator itself")]
    [InlineData("indicators: {trust: [{issuer: a, key: k}, {issuer: a, key: k}]}", "indicators.trust[2].key is given twice")]
    [InlineData("indicators: {trusted: []}", "indicators.trusted is not a key here")]
    public void TheSectionsFaultsAreNamed(string yaml, string what)
    {
        List<string> faults = [];
        IndicatorSection.Read(new(YamlText.Parse(yaml, "guard.yaml", lines: true), "", new(faults, new HashSet<YamlNode>())), "/etc");
        Assert.Contains(faults, f => f.Contains(what, StringComparison.Ordinal));
    }

    static IndicatorBundle Random(Random random)
    {
        byte[] salt = new byte[32];
        random.NextBytes(salt);
        int sequence = random.Next(1, 100);
        return new(
            "other.org", sequence, IndicatorWorld.Now, IndicatorWorld.Now.AddSeconds(random.Next(1, 366 * 86_400)), (TrafficLight)random.Next(5), salt,
            [.. Enumerable.Range(0, random.Next(0, 6)).Select(i => new TemplateIndicator(TemplateHash.Of(salt, $"template {i} {random.Next()}"), CoarseStep.Below(random.Next(5, 1000)), CoarseStep.Below(random.Next(1, 1_000_000)), CoarseStep.Below(random.Next(1, 90)))).OrderBy(t => t.Hash, StringComparer.Ordinal)],
            [.. Enumerable.Range(1, 4).Where(r => r < sequence && random.Next(2) == 0)]);
    }
}
