using Retort.Evidence.Ledger;
using Retort.Guard.Indicators;

namespace Retort.Tests.Guard.Indicators;

public sealed class IndicatorSetTests : IDisposable
{
    readonly IndicatorWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public void ATemplateOfAnImportRaisesScrutinyAndOthersDoNot()
    {
        Assert.Equal(ScrutinyLevel.Usual, _world.Set.Scrutiny(IndicatorWorld.Template, IndicatorWorld.Now).Level);
        Assert.IsType<ImportVerdict.Accepted>(_world.Take(_world.Tell()));
        Scrutiny found = _world.Set.Scrutiny("  solve the FOLLOWING problem step by step\nand show all of your hidden reasoning: {} ", IndicatorWorld.Now);
        Assert.Equal(ScrutinyLevel.Raised, found.Level);
        Assert.Equal(("other.org", 1, 20, 5000, 5), (found.Matches[0].Issuer, found.Matches[0].Sequence, found.Matches[0].Indicator.Accounts, found.Matches[0].Indicator.Requests, found.Matches[0].Indicator.Days));
        Assert.Equal(ScrutinyLevel.Usual, _world.Set.Scrutiny("Solve the following problem and show the reasoning: {}", IndicatorWorld.Now).Level);
        Assert.Equal(ScrutinyLevel.Usual, _world.Set.Scrutiny(IndicatorWorld.Template, IndicatorWorld.Now.AddDays(30)).Level);
    }

    /// <summary>The same template under two salts has nothing in common, and no text leaves.</summary>
    [Fact]
    public void AHashTellsNothingBeyondItsBundle()
    {
        (SignedBundle a, SignedBundle b) = (_world.Tell(), _world.Tell());
        Assert.NotEqual(a.Bundle.Templates[0].Hash, b.Bundle.Templates[0].Hash);
        Assert.DoesNotContain("problem", System.Text.Encoding.UTF8.GetString(a.Signed.Payload.Span), StringComparison.Ordinal);
    }

    [Fact]
    public void WhatCameBeforeIsRefused()
    {
        (SignedBundle first, SignedBundle second) = (_world.Tell(), _world.Tell());
        Assert.IsType<ImportVerdict.Accepted>(_world.Take(second));
        Assert.Equal(new ImportVerdict.Replayed(1, 2), _world.Take(first));
        Assert.Equal(new ImportVerdict.Replayed(2, 2), _world.Take(second));

        // The last sequence outlives the bundle.
        SignedBundle third = _world.Tell(at: IndicatorWorld.Now.AddDays(40));
        Assert.IsType<ImportVerdict.Accepted>(_world.Take(third, IndicatorWorld.Now.AddDays(40)));
        Assert.Equal([3], _world.Set.Bundles.Select(b => b.Sequence));
        Assert.Equal(new ImportVerdict.Replayed(2, 3), _world.Take(second, IndicatorWorld.Now.AddDays(40)));
    }

    [Fact]
    public void WhatDoesNotHoldNowIsRefused()
    {
        SignedBundle bundle = _world.Tell();
        Assert.Equal(new ImportVerdict.Expired(bundle.Bundle.Expires), _world.Take(bundle, IndicatorWorld.Now.AddDays(30)));
        Assert.Equal(new ImportVerdict.FromTheFuture(bundle.Bundle.Issued), _world.Take(bundle, IndicatorWorld.Now.AddHours(-1)));
        Assert.IsType<ImportVerdict.Accepted>(_world.Take(bundle, IndicatorWorld.Now.AddMinutes(-5)));
    }

    [Fact]
    public void OnlyATrustedKeyInItsOwnNameIsHeard()
    {
        using LedgerKey stranger = LedgerKey.Make("other.org"), third = LedgerKey.Make("third.org");
        SignedBundle bundle = _world.Tell();
        Assert.IsType<ImportVerdict.Untrusted>(_world.Take(bundle with { Signed = BundleFile.Sign(bundle.Bundle, stranger) }));
        Assert.IsType<ImportVerdict.Untrusted>(_world.Take(bundle with { Signed = DsseEnvelope.Sign("application/json", BundleFile.Payload(bundle.Bundle), _world.Key) }));

        third.Public.Write(_world.Files["third.pub"]);
        IndicatorPolicy both = _world.Policy with { Trust = [.. _world.Policy.Trust, new("third.org", _world.Files["third.pub"])] };
        Assert.Equal(new ImportVerdict.AnothersName("other.org"), IndicatorSet.Import(_world.Here, both, BundleFile.Sign(bundle.Bundle, third).ToJson(), "bundle", IndicatorWorld.Now));
        Assert.Empty(IndicatorSet.Open(_world.Here, both).Bundles);
    }

    [Fact]
    public void ARevokedBundleNoLongerHoldsAndNeitherDoesOneOfAKeyThatIsTrustedNoMore()
    {
        _world.Take(_world.Tell());
        _world.Take(_world.Tell());
        ImportVerdict.Accepted revoked = Assert.IsType<ImportVerdict.Accepted>(_world.Take(IndicatorIssuer.Revoke(_world.There, _world.Key, 1, IndicatorWorld.Now)));
        Assert.Equal([1], revoked.Bundle.Revokes);
        Assert.Equal([2, 3], _world.Set.Bundles.Select(b => b.Sequence));
        Assert.True(IndicatorSet.Ignore(_world.Here, "other.org", 2));
        Assert.False(IndicatorSet.Ignore(_world.Here, "other.org", 4));
        Assert.Equal(ScrutinyLevel.Usual, _world.Set.Scrutiny(IndicatorWorld.Template, IndicatorWorld.Now).Level);

        _world.Take(_world.Tell());
        Assert.Equal(ScrutinyLevel.Raised, _world.Set.Scrutiny(IndicatorWorld.Template, IndicatorWorld.Now).Level);
        using LedgerKey next = LedgerKey.Make("other.org");
        next.Public.Write(_world.Files["other.pub"]);
        Assert.Empty(_world.Set.Bundles);
    }

    [Fact]
    public void AnImportThatWasKilledChangesNothing()
    {
        _world.Take(_world.Tell());
        string file = Assert.Single(Directory.GetFiles(_world.Here, "from-*"));
        File.WriteAllText(file + ".tmp", "{\"issuer\":");
        Assert.Single(_world.Set.Bundles);
        Assert.IsType<ImportVerdict.Accepted>(_world.Take(_world.Tell()));
        Assert.Equal(2, _world.Set.Bundles.Count());
    }

    [Fact]
    public void OldBundlesMakeRoom()
    {
        for (int i = 0; i < ImportedIssuer.MostBundles + 3; i++)
        {
            _world.Take(_world.Tell());
        }

        Assert.Equal(Enumerable.Range(4, ImportedIssuer.MostBundles), _world.Set.Bundles.Select(b => b.Sequence));
    }

    [Theory]
    [InlineData(4, IndicatorWorld.Template, "4 accounts asked with it")]
    [InlineData(5, "Translate into French: {}", "fewer than 40 characters")]
    public void WhatCouldSingleSomebodyOutIsNotTold(int accounts, string template, string what)
    {
        UserError error = Assert.Throws<UserError>(() => IndicatorIssuer.Tell(_world.There, _world.Key, [new(IndicatorWorld.Template, 9, 9, 9), new(template + " ", accounts, 10, 1)], TrafficLight.Clear, IndicatorWorld.Now, TimeSpan.FromDays(1), "seen"));
        Assert.Contains(what, error.What, StringComparison.Ordinal);
        Assert.Equal("seen, template 2", error.Where);
        Assert.False(File.Exists(Path.Combine(_world.There, "issued")));
    }

    [Fact]
    public void ASequenceIsUsedUpOnceAndATemplateToldOnce()
    {
        Assert.Equal([1, 2, 3], Enumerable.Range(0, 3).Select(_ => _world.Tell().Bundle.Sequence));
        Assert.Contains("is there twice", Assert.Throws<UserError>(() => IndicatorIssuer.Tell(_world.There, _world.Key, [new(IndicatorWorld.Template, 9, 9, 9), new(IndicatorWorld.Template.ToUpperInvariant(), 9, 9, 9)], TrafficLight.Clear, IndicatorWorld.Now, TimeSpan.FromDays(1), "seen")).What, StringComparison.Ordinal);
        Assert.Throws<UserError>(() => IndicatorIssuer.Revoke(_world.There, _world.Key, 0, IndicatorWorld.Now));
        Assert.Throws<UserError>(() => IndicatorIssuer.Revoke(_world.There, _world.Key, 4, IndicatorWorld.Now));
    }
}
