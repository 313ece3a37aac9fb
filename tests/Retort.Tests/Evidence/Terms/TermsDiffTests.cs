using System.Text.Json;
using Retort.Evidence.Terms;
using static Retort.Tests.Evidence.Terms.Sample;

namespace Retort.Tests.Evidence.Terms;

public class TermsDiffTests
{
    [Fact]
    public void EntriesComeAndGoAndChange()
    {
        TermsEntry same = Entry("same"), gone = Entry("gone"), made = Entry("made"), old = Entry("moved", TermsClass.Allow, obligations: Owed(conditions: ["a", "b"]));
        TermsEntry now = old with { Class = TermsClass.TrainingBanned, Clause = "section 5", Link = null, Obligations = Owed(conditions: ["a; b"]) };
        TermsDiff diff = TermsDiff.Between(new([same, gone, old]), new([now, made, same]));
        Assert.Equal(["made"], diff.Added.Select(e => e.Id));
        Assert.Equal(["gone"], diff.Removed.Select(e => e.Id));
        ChangedEntry change = Assert.Single(diff.Changed);
        Assert.True(change.IsStricter && !change.IsLooser);
        Assert.Equal(
            [new("class", "allow", "training-banned"), new("clause", "section 4.2", "section 5"), new("link", "https://models.org/terms", null), new("obligations.conditions", "a; b", "a; b")],
            change.Fields);
        Assert.True(TermsDiff.Between(new([now, old with { Id = "x" }]), new([now with { Class = TermsClass.Allow }, old with { Id = "x" }])).Changed.Single().IsLooser);
    }

    [Fact]
    public void LikeRegistersDoNotDiffer()
    {
        TermsDiff diff = TermsDiff.Between(new([Entry("a"), Entry("b")]), new([Entry("b"), Entry("a")]));
        Assert.True(diff.IsEmpty);
        Assert.Equal(diff.OldSha256, diff.NewSha256);
    }

    /// <summary>Python: hashlib.sha256(json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()), and the register's of its line.</summary>
    [Fact]
    public void TheHashIsThatOfTheCanonicalObject()
    {
        TermsEntry entry = Entry("one", TermsClass.FlowDown, obligations: Owed(flows: ["Ünïcode \"😀\" \\ \n\t\u0001"], conditions: ["a", "b"]));
        const string Json = """{"class":"flow-down","clause":"section 4.2","document":"Terms of one","effective":"2026-01-01","evidence":"original","hosts":["one.models.org"],"id":"one","licence":"LicenseRef-Sample","link":"https://models.org/terms","models":["one/*"],"obligations.conditions":["a","b"],"obligations.flows_down":["Ünïcode \"😀\" \\ \n\t\u0001"],"path":"first-party-api","provider":"Example","read":"2026-11-21","says.benchmarking":"not read","says.collection":"not read","says.indemnity":"not read","says.synthetic_data":"not read","says.training":"Said of training.","teacher":"Models of one","version":"1"}""";
        Assert.Equal(Json, CanonicalTerms.Json(entry));
        Assert.Equal("6b9aa3f380edb2d52e6e72542eb5b2c8463658a0a47a965db9de2a597c906f45", CanonicalTerms.Sha256(entry));
        Assert.Equal("dbe16cbb6e22424a6c7a505b18446d400ac3f0a457963685e6f67e3d5e1a75ff", new TermsRegister([entry]).Sha256);
    }

    [Fact]
    public void EveryFieldCounts()
    {
        TermsEntry e = TermsFile.Parse(TermsFileTests.Yaml, "t.yaml")[0];
        TermsEntry[] others =
        [
            e with { Id = "x" }, e with { Provider = "x" }, e with { Teacher = "x" }, e with { Path = AccessPath.Dataset }, e with { Covers = e.Covers with { Hosts = [] } }, e with { Covers = e.Covers with { Models = ["x"] } },
            e with { Covers = e.Covers with { Files = [] } }, e with { Document = "x" }, e with { Version = null }, e with { Effective = null }, e with { Read = Today }, e with { IsFixed = true }, e with { Link = null }, e with { Clause = "x" },
            e with { Licence = "x" }, e with { TextSha256 = "x" }, e with { Region = null }, e with { Evidence = TermsEvidence.Reported }, e with { Says = e.Says with { Training = "x" } }, e with { Says = e.Says with { Collection = "x" } },
            e with { Says = e.Says with { Benchmarking = "x" } }, e with { Says = e.Says with { SyntheticData = "x" } }, e with { Says = e.Says with { Indemnity = "x" } }, e with { Class = TermsClass.Unknown },
            e with { Obligations = e.Obligations with { NamePrefix = null } }, e with { Obligations = e.Obligations with { Notices = [] } }, e with { Obligations = e.Obligations with { FlowsDown = ["x"] } },
            e with { Obligations = e.Obligations with { WithWeights = ["x"] } }, e with { Obligations = e.Obligations with { Conditions = [] } }, e with { Note = null },
        ];
        Assert.Equal(others.Length + 1, others.Append(e).Select(CanonicalTerms.Sha256).Distinct().Count());
        Assert.All(others, other => Assert.Single(ChangedEntry.Between(e, other).Fields));
        Assert.Equal(e.Id, JsonDocument.Parse(CanonicalTerms.Json(e)).RootElement.GetProperty("id").GetString());
    }
}
