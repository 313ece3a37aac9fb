using System.Security.Cryptography;
using Retort.Evidence.Terms;
using Retort.Tests.Model.Files;
using static Retort.Tests.Evidence.Terms.Sample;

namespace Retort.Tests.Evidence.Terms;

public sealed class PermissionTests : IDisposable
{
    static readonly TermsRegister s_register = new([Entry("shut", TermsClass.NoCompetingModels), Entry("other", TermsClass.NoCompetingModels)]);

    readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Theory]
    [InlineData("shut", TermsPurpose.Train, 0, true)]
    [InlineData("shut", TermsPurpose.Ask, 0, true)]
    [InlineData("shut", TermsPurpose.Export, 0, false)]
    [InlineData("other", TermsPurpose.Train, 0, false)]
    [InlineData("shut", TermsPurpose.Train, 30, true)]
    [InlineData("shut", TermsPurpose.Train, 31, false)]
    [InlineData("shut", TermsPurpose.Train, -30, true)]
    [InlineData("shut", TermsPurpose.Train, -31, false)]
    public void OpensItsScopeAndTimeAlone(string entry, TermsPurpose purpose, int days, bool opens)
    {
        TermsPermission permission = Permission("shut", TermsPurpose.Ask, TermsPurpose.Train);
        TermsVerdict verdict = TermsGate.Check(s_register, [Use($"{entry}.models.org", purpose)], Today.AddDays(days), permissions: [permission]);
        Assert.Equal(opens, verdict is TermsVerdict.Open);
        Assert.Equal(opens ? permission : null, Assert.Single(verdict.Uses[0].Entries).Permission);
    }

    [Fact]
    public void DoesNotOpenAnotherEntryThatApplies()
    {
        TermsUse use = Use("shut.models.org", model: "other/large");
        Assert.Equal("other", Assert.Single(Closed(TermsGate.Check(s_register, [use], Today, permissions: [Permission("shut", TermsPurpose.Train)])).Reasons).Entry!.Id);
        Open(TermsGate.Check(s_register, [use], Today, permissions: [Permission("shut", TermsPurpose.Train), Permission("other", TermsPurpose.Train)]));
    }

    [Fact]
    public void OpensAnOldReadingAndAnEndpointsNoAndKeepsObligations()
    {
        TermsRegister register = new([Entry("old", TermsClass.AllowWithNaming, Today.AddDays(-1000), Owed("Llama"))]);
        TermsUse use = Use("old.models.org", says: new(TermsClass.TrainingBanned, "is_trainable_text", null, null, null, null));
        Assert.Equal([TermsReasonKind.Stale, TermsReasonKind.Endpoint], Closed(TermsGate.Check(register, [use], Today)).Reasons.Select(r => r.Kind));
        Assert.IsType<Obligation.NamePrefix>(Assert.Single(Open(TermsGate.Check(register, [use], Today, permissions: [Permission("old", TermsPurpose.Train)])).Obligations));
    }

    [Fact]
    public void IsReadWithItsContract()
    {
        string contract = _scratch.Write("contract.pdf", "We agree."), hash = Convert.ToHexStringLower(SHA256.HashData("We agree."u8));
        string file = _scratch.Write("permission.yaml", Yaml(hash));
        TermsPermission read = PermissionFile.Read(file, s_register);
        Assert.Equal(("Example Inc.", "Us Ltd.", "Contract 7", new DateOnly(2026, 10, 1), new DateOnly(2027, 9, 30), hash), (read.Grantor, read.Recipient, read.Contract, read.Signed, read.Expires, read.ContractSha256));
        Assert.Equal(["shut"], read.Entries);
        Assert.Equal([TermsPurpose.Ask, TermsPurpose.Train], read.Purposes);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(file))), read.Sha256);

        File.AppendAllText(contract, " Not.");
        Assert.Contains("SHA-256", Assert.Throws<UserError>(() => PermissionFile.Read(file, s_register)).What, StringComparison.Ordinal);
        File.Delete(contract);
        Assert.Equal(contract, Assert.Throws<UserError>(() => PermissionFile.Read(file, s_register)).Where);
    }

    [Theory]
    [InlineData("expires: 2027-09-30", "expires: 2026-09-30", "line 4: expires must not be before signed")]
    [InlineData("expires: 2027-09-30", "expires: soon", "line 4: expires must be a day such as 2026-11-28, not 'soon'")]
    [InlineData("entries: [shut]", "entries: [shot]", "line 10: scope.entries must be ids of the register, not 'shot'")]
    [InlineData("purposes: [ask, train]", "purposes: [sell]", "line 11: scope.purposes must be of ask, train, export, not 'sell'")]
    [InlineData("grantor: Example Inc.", "granter: Example Inc.", "line 1: granter is not a key here; did you mean grantor?")]
    [InlineData("title: Contract 7", "pages: 7", "line 6: contract.title is missing")]
    public void EveryFaultIsNamed(string from, string to, string fault)
    {
        string yaml = Yaml(new('0', 64));
        Assert.Contains(from, yaml, StringComparison.Ordinal);
        UserError e = Assert.Throws<UserError>(() => PermissionFile.Read(_scratch.Write("p.yaml", yaml.Replace(from, to, StringComparison.Ordinal)), s_register));
        Assert.Contains(fault, e.What, StringComparison.Ordinal);
    }

    /// <summary>All but its contract is there.</summary>
    [Fact]
    public void TheExampleOfTheReadMeIsRead()
    {
        string readMe = File.ReadAllText(Repository.PathOf("README.md"));
        int from = readMe.IndexOf("```yaml\ngrantor:", StringComparison.Ordinal) + "```yaml\n".Length;
        string file = _scratch.Write("p.yaml", readMe[from..readMe.IndexOf("```", from, StringComparison.Ordinal)]);
        Assert.Equal(_scratch["order-form-7.pdf"], Assert.Throws<UserError>(() => PermissionFile.Read(file, Shipped)).Where);
        Assert.Equal(["openai-api"], PermissionFile.Read(_scratch.Write("q.yaml", File.ReadAllText(file).Replace(", path: order-form-7.pdf", "", StringComparison.Ordinal)), Shipped).Entries);
    }

    internal static string Yaml(string hash) => $"""
        grantor: Example Inc.
        recipient: Us Ltd.
        signed: 2026-10-01
        expires: 2027-09-30
        contract:
          title: Contract 7
          sha256: "{hash}"
          path: contract.pdf
        scope:
          entries: [shut]
          purposes: [ask, train]
        """;
}
