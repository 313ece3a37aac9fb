using Retort.Evidence.Terms;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Evidence.Terms;

public sealed class TermsFileTests : IDisposable
{
    internal const string Yaml = """
        provider: Example
        entries:
          - id: sample-api
            teacher: Large and small
            path: first-party-api
            hosts: [api.models.org, "*.models.net"]
            models: [large-*, small]
            files:
              - {sha256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", bytes: 12}
            document: Terms
            version: "3"
            effective: 2026-01-01
            read: 2026-11-21
            link: https://models.org/terms
            clause: section 4
            licence: LicenseRef-Sample
            region: EU
            evidence: original
            says:
              training: Allowed with a name.
              collection: not read
              benchmarking: not read
              synthetic_data: not read
              indemnity: not read
            class: allow-with-naming
            obligations:
              name_prefix: Sample
              notices: [Made with Sample|Improved with Sample]
              conditions: [Be small.]
            note: Read twice.
          - id: sample-page
            teacher: The page
            path: consumer-page
            document: Other terms
            read: 2026-11-20
            clause: not noted
            licence: MIT
            says: {training: no, collection: no, benchmarking: no, synthetic_data: no, indemnity: no}
            class: training-banned
        """;

    readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void EveryFieldIsRead()
    {
        IReadOnlyList<TermsEntry> entries = TermsFile.Parse(Yaml, "t.yaml");
        TermsEntry e = entries[0];
        Assert.Equal(
            ("sample-api", "Example", "Large and small", AccessPath.FirstPartyApi, "Terms", "3", new DateOnly(2026, 1, 1), new DateOnly(2026, 11, 21), "https://models.org/terms", "section 4", "LicenseRef-Sample", "EU"),
            (e.Id, e.Provider, e.Teacher, e.Path, e.Document, e.Version, e.Effective, e.Read, e.Link, e.Clause, e.Licence, e.Region));
        Assert.Equal((TermsEvidence.Original, TermsClass.AllowWithNaming, "Sample", "Read twice."), (e.Evidence, e.Class, e.Obligations.NamePrefix, e.Note));
        Assert.Equal(["Made with Sample|Improved with Sample"], e.Obligations.Notices);
        Assert.Equal(["Be small."], e.Obligations.Conditions);
        Assert.Equal(new TermsStatements("Allowed with a name.", "not read", "not read", "not read", "not read"), e.Says);
        Assert.Equal(["api.models.org", "*.models.net"], e.Covers.Hosts);
        Assert.Equal(["large-*", "small"], e.Covers.Models);
        Assert.Equal(12, Assert.Single(e.Covers.Files).Bytes);
        Assert.Equal((TermsClass.TrainingBanned, AccessPath.ConsumerPage, null, null), (entries[1].Class, entries[1].Path, entries[1].Effective, entries[1].Link));
    }

    [Theory]
    [InlineData("id: sample-api", "id: Sample API", "line 3: entries[1].id must be small letters, digits, dots and dashes, at most 64, not 'Sample API'")]
    [InlineData("id: sample-page", "id: sample-api", "line 31: entries[2].id is given twice: 'sample-api'")]
    [InlineData("path: first-party-api", "path: api", "line 5: entries[1].path must be one of weights, first-party-api, cloud-reseller, consumer-page, third-party-proxy, dataset, not 'api'")]
    [InlineData("hosts: [api.models.org,", "hosts: [localhost,", "line 6: entries[1].hosts must be of the public internet: what answers at 'localhost' is not known by its address")]
    [InlineData("hosts: [api.models.org,", "hosts: [10.0.0.1,", "what answers at '10.0.0.1' is not known by its address")]
    [InlineData("hosts: [api.models.org,", "hosts: [https://api.models.org/v1,", "line 6: entries[1].hosts must be names such as api.example.org or *.example.org, not 'https://api.models.org/v1'")]
    [InlineData("hosts: [api.models.org,", "hosts: [\"*\",", "entries[1].hosts must be")]
    [InlineData("hosts: [api.models.org,", "hosts: [\"*.org\",", "entries[1].hosts must be names such as")]
    [InlineData("bytes: 12", "bytes: 0", "line 9: entries[1].files[1].bytes must be a whole number from 1")]
    [InlineData("e3b0c442", "E3b0c442", "line 9: entries[1].files[1].sha256 must be 64 small hexadecimal digits")]
    [InlineData("effective: 2026-01-01", "effective: 2026-02-30", "line 12: entries[1].effective must be a day such as 2026-11-28, not '2026-02-30'")]
    [InlineData("    read: 2026-11-21\n", "", "line 3: entries[1].read is missing")]
    [InlineData("link: https:", "link: http:", "line 14: entries[1].link must be an https address, not 'http://models.org/terms'")]
    [InlineData("licence: LicenseRef-Sample", "licence: Some licence", "line 16: entries[1].licence must be an SPDX id or LicenseRef- and a name, not 'Some licence'")]
    [InlineData("evidence: original", "evidence: hearsay", "line 18: entries[1].evidence must be one of original, reported, not 'hearsay'")]
    [InlineData("      collection: not read\n", "", "line 20: entries[1].says.collection is missing")]
    [InlineData("class: training-banned", "class: forbidden", "line 39: entries[2].class must be one of allow, allow-with-naming, flow-down, unknown, non-commercial,")]
    [InlineData("class: allow-with-naming", "class: allow", "line 26: entries[1].obligations leave something to be met, so the class is not allow")]
    [InlineData("class: allow-with-naming", "class: flow-down", "line 26: entries[1].obligations need flows_down in the class flow-down")]
    [InlineData("Made with Sample|", "Made with Sample||", "line 28: entries[1].obligations.notices must have a text on both sides of a bar")]
    [InlineData("note: Read twice.", "notes: Read twice.", "line 30: entries[1].notes is not a key here; did you mean note?")]
    [InlineData("    read: 2026-11-21\n", "    read: 2026-11-21\n    fixed: true\n", "line 14: entries[1].fixed is for weights and datasets, whose licence goes with them;")]
    [InlineData("provider: Example", "provider:", "line 1: provider must be a text")]
    [InlineData("entries:", "entry:", "entries is missing")]
    public void EveryFaultIsNamedWithItsLine(string from, string to, string fault)
    {
        Assert.Contains(from, Yaml, StringComparison.Ordinal);
        UserError e = Assert.Throws<UserError>(() => TermsFile.Parse(Yaml.Replace(from, to, StringComparison.Ordinal), "t.yaml"));
        Assert.Equal("t.yaml", e.Where);
        Assert.Contains(fault, e.What, StringComparison.Ordinal);
    }

    [Fact]
    public void AnIdIsInOneFileOnly()
    {
        UserError e = Assert.Throws<UserError>(() => TermsRegister.Parse([("a.yaml", Yaml), ("b.yaml", Yaml)]));
        Assert.Equal(("b.yaml", "the id 'sample-api' is in a.yaml as well"), (e.Where, e.What));
    }

    [Fact]
    public void AFolderIsARegister()
    {
        _scratch.Write("b.yaml", Yaml);
        _scratch.Write("a.yaml", Yaml.Replace("id: sample", "id: another", StringComparison.Ordinal));
        _scratch.Write("readme.md", "not: [read");
        Assert.Equal(["another-api", "another-page", "sample-api", "sample-page"], TermsRegister.Read(_scratch.Folder).Entries.Select(e => e.Id));
        Assert.Equal("there is no such folder", Assert.Throws<UserError>(() => TermsRegister.Read(_scratch["none"])).What);
        Directory.CreateDirectory(_scratch["empty"]);
        Assert.Equal("there is no .yaml file in this folder", Assert.Throws<UserError>(() => TermsRegister.Read(_scratch["empty"])).What);
    }
}
