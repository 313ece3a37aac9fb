using System.Text.Json;
using Retort.Cli;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Cli;

/// <summary>retort guard indicators, between two operators, each with a key of its own.</summary>
public sealed class GuardIndicatorsTests : IDisposable
{
    const string Template = "Rate the answer from 1 to 10 by the rubric below and give your full reasoning";

    readonly Scratch _scratch = new();

    public GuardIndicatorsTests()
    {
        _scratch.Write("here.yaml", "store: here\ntiers: [{name: free}]\nindicators: {trust: [{issuer: other.org, key: other.pub}]}\n");
        _scratch.Write("there.yaml", "store: there\ntiers: [{name: free}]\nindicators: {issuer: other.org}\n");
        _scratch.Write("seen.jsonl", $"{{\"template\": \"{Template}\", \"accounts\": 24, \"requests\": 5100, \"days\": 6}}\n\n");
    }

    public void Dispose() => _scratch.Dispose();

    DoorRun Run(string who, params string[] arguments) => ProcessRun.Of([("RETORT_HOME", _scratch[$"home-{who}"])], ["guard", "indicators", .. arguments, "--guard", _scratch[$"{who}.yaml"]]);

    [Fact]
    public void ABundleGoesFromOneToTheOtherAndIsTakenBack()
    {
        JsonElement exported = Run("there", "export", _scratch["seen.jsonl"], "--expires", "90d", "--tlp", "green", "-o", _scratch["bundle.json"], "--json").Json;
        Assert.Equal((1, "green", 1), (exported.GetProperty("bundle").GetProperty("sequence").GetInt32(), exported.GetProperty("bundle").GetProperty("tlp").GetString(), exported.GetProperty("bundle").GetProperty("templates").GetInt32()));
        Assert.DoesNotContain("rubric", File.ReadAllText(_scratch["bundle.json"]), StringComparison.Ordinal);

        using (Retort.Evidence.Ledger.LedgerKey key = Retort.Evidence.Ledger.LedgerKey.Read(_scratch["home-there/ledger.key"], "other.org"))
        {
            key.Public.Write(_scratch["other.pub"]);
        }

        Assert.Equal(ExitCode.Done, Run("here", "import", _scratch["bundle.json"]).Code);
        DoorRun again = Run("here", "import", _scratch["bundle.json"]);
        Assert.Equal((ExitCode.Negative, "bundle 1 is not newer than 1, the last of its issuer that was taken\n"), (again.Code, again.Output));
        Assert.Contains("other.org  1  issued", Run("here", "list").Output, StringComparison.Ordinal);
        Assert.Equal("raised", Run("here", "list", "--template", Template.ToUpperInvariant(), "--json").Json.GetProperty("scrutiny").GetString());

        Assert.Equal(ExitCode.Done, Run("there", "revoke", "1", "-o", _scratch["revocation.json"]).Code);
        Assert.True(Run("here", "import", _scratch["revocation.json"], "--json").Json.GetProperty("accepted").GetBoolean());
        Assert.Equal("usual", Run("here", "list", "--template", Template, "--json").Json.GetProperty("scrutiny").GetString());
        Assert.Equal(ExitCode.Done, Run("here", "revoke", "2", "--issuer", "other.org").Code);
        Assert.Equal("no bundle holds\n", Run("here", "list").Output);
    }

    [Fact]
    public void FaultsAreSaid()
    {
        _scratch.Write("few.jsonl", $"{{\"template\": \"{Template}\", \"accounts\": 3, \"requests\": 51, \"days\": 6}}\n");
        Assert.Contains("few.jsonl, template 1: 3 accounts asked with it", Run("there", "export", _scratch["few.jsonl"], "-o", _scratch["b.json"]).Error, StringComparison.Ordinal);
        _scratch.Write("bad.jsonl", "{\"template\": \"x\", \"accounts\": 30, \"requests\": 51, \"days\": 6}\n{\"template\": 5}\n");
        Assert.Contains("bad.jsonl, line 2: template is 5", Run("there", "export", _scratch["bad.jsonl"], "-o", _scratch["b.json"]).Error, StringComparison.Ordinal);
        Assert.Contains("no bundle 5 was issued here", Run("there", "revoke", "5", "-o", _scratch["b.json"]).Error, StringComparison.Ordinal);
        Assert.Contains("does not say under which name", Run("here", "export", _scratch["seen.jsonl"], "-o", _scratch["b.json"]).Error, StringComparison.Ordinal);
        Assert.Contains("no length of time", Run("there", "export", _scratch["seen.jsonl"], "--expires", "soon", "-o", _scratch["b.json"]).Error, StringComparison.Ordinal);
        Assert.Contains("no mark of the Traffic Light Protocol", Run("there", "export", _scratch["seen.jsonl"], "--tlp", "pink", "-o", _scratch["b.json"]).Error, StringComparison.Ordinal);
    }
}
