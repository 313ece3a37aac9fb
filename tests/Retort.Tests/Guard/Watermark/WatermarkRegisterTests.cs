using System.Text;
using System.Text.Json.Nodes;
using Retort.Evidence.Ledger;
using Retort.Evidence.Watermark;
using Retort.Guard.Accounts;
using Retort.Guard.Watermark;
using Retort.Tests.Model.Files;
using YamlDotNet.RepresentationModel;
using Mark = Retort.Model.Marks.Watermark;

namespace Retort.Tests.Guard.Watermark;

public sealed class WatermarkRegisterTests : IDisposable
{
    static readonly WatermarkPolicy Policy = new(WatermarkScheme.Tournament, WatermarkBy.Account, 1, 4, 30, 0.25, 2);

    readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    LedgerHome Home => new(_scratch["home"], Path.Combine(_scratch["home"], "ledger.key"), "retort");

    WatermarkRegister Open(WatermarkPolicy policy) => WatermarkRegister.Open(_scratch["marks"], policy, Home);

    [Fact]
    public void AKeyIsCommittedToBeforeItIsGivenOutAndOnce()
    {
        Mark mark;
        using (WatermarkRegister register = Open(Policy))
        {
            Assert.Single(Entries());
            mark = register.Of("account/1/1");
            Assert.Equal(2, Entries().Count);
            Assert.Same(mark, register.Of("account/1/1"));
            register.Of("account/2/1");
            Assert.Equal(3, Entries().Count);
        }

        using (WatermarkRegister again = Open(Policy))
        {
            Assert.Equal(mark.Key.ToArray(), again.Of("account/1/1").Key.ToArray());
            Assert.Equal(3, Entries().Count);
        }

        JsonNode entry = JsonNode.Parse(Entries()[1])!;
        WatermarkKeys keys = WatermarkKeys.Read(_scratch["marks/watermark.secret"]);
        Assert.Equal(keys.Commit("account/1/1").ToString(), (string?)entry["commitments"]!["key"]);
        Assert.Equal(keys.Key("account/1/1"), mark.Key.ToArray());
        CommitmentSecret secret = CommitmentSecret.Read(_scratch["marks/ledger.secret"]);
        Assert.Equal(secret.Commit("1/scope", "account/1/1"u8).ToString(), (string?)entry["commitments"]!["scope"]);
        Assert.DoesNotContain("account", Entries()[1], StringComparison.Ordinal);
    }

    [Fact]
    public void OtherParametersAreAnotherMarkWithItsEntry()
    {
        using (WatermarkRegister register = Open(Policy))
        {
            register.Of("all/1");
        }

        using WatermarkRegister other = Open(Policy with { Scheme = WatermarkScheme.GreenList, Width = 1 });
        Assert.IsType<Mark.GreenList>(other.Of("all/1"));
        Assert.Equal(3, Entries().Count);
        Assert.Equal("""{"delta":2,"gamma":0.25,"scheme":"green-list","width":1}""", JsonNode.Parse(Entries()[2])!["parameters"]!.ToJsonString());
    }

    [Fact]
    public void ALostSecretIsSaid()
    {
        using (WatermarkRegister register = Open(Policy))
        {
            register.Of("all/1");
        }

        File.Delete(_scratch["marks/watermark.secret"]);
        Assert.Contains("secret of watermarks is gone", Assert.Throws<UserError>(() => Open(Policy)).What, StringComparison.Ordinal);
    }

    [Fact]
    public void OneProcessHoldsTheLedger()
    {
        using WatermarkRegister register = Open(Policy);
        Assert.Throws<UserError>(() => Open(Policy));
    }

    [Fact]
    public void WhoSharesAKey()
    {
        Account alone = new(5, "a", "pro", Purposes.None, null, null, default, null), linked = alone with { Linked = 7 };
        Assert.Equal("account/5/1", Policy.Scope(linked));
        Assert.Equal("group/7/1", (Policy with { By = WatermarkBy.Group }).Scope(linked));
        Assert.Equal("account/5/1", (Policy with { By = WatermarkBy.Group }).Scope(alone));
        Assert.Equal("all/3", (Policy with { By = WatermarkBy.All, Epoch = 3 }).Scope(linked));
    }

    [Fact]
    public void TheSectionIsRead()
    {
        Assert.Null(Section("store: x").Policy);
        Assert.Equal(Policy, Section("watermark: {scheme: tournament}").Policy);
        Assert.Equal(new(WatermarkScheme.GreenList, WatermarkBy.All, 2, 3, 30, 0.5, 1.5), Section("watermark: {scheme: green-list, by: all, epoch: 2, width: 3, gamma: 0.5, delta: 1.5}").Policy);
    }

    [Theory]
    [InlineData("watermark: {}", "watermark.scheme is missing")]
    [InlineData("watermark: {scheme: red}", "watermark.scheme must be one of tournament, green-list")]
    [InlineData("watermark: {scheme: tournament, gamma: 0.5}", "watermark.gamma is no key of a tournament")]
    [InlineData("watermark: {scheme: green-list, layers: 3}", "watermark.layers is no key of a green list")]
    [InlineData("watermark: {scheme: green-list, delta: 100}", "watermark.delta must be a number from 0.1 to 10")]
    [InlineData("watermark: {scheme: green-list, by: me}", "watermark.by must be one of account, group, all")]
    [InlineData("watermark: {scheme: green-list, wide: 2}", "watermark.wide is not a key here")]
    public void EveryFaultIsNamed(string yaml, string what) => Assert.Contains(Section(yaml).Faults, f => f.Contains(what, StringComparison.Ordinal));

    static (WatermarkPolicy? Policy, List<string> Faults) Section(string yaml)
    {
        List<string> faults = [];
        YamlFields root = new(YamlText.Parse(yaml, "guard.yaml", lines: true), "", new(faults, new HashSet<YamlNode>()));
        return (WatermarkSection.Read(root), faults);
    }

    List<string> Entries()
    {
        LedgerPublicKey key = LedgerPublicKey.Read(_scratch["marks/ledger.pub"], Checkpoint.Read(_scratch["marks/ledger/checkpoint"]).Origin);
        Assert.Empty(LedgerAudit.Run(_scratch["marks/ledger"], key).Findings);
        return [.. TileReader.Open(_scratch["marks/ledger"], key).Entries().Select(e => Encoding.UTF8.GetString(e.Span))];
    }
}
