using System.Text.RegularExpressions;
using YamlDotNet.RepresentationModel;

namespace Retort.Evidence.Terms;

/// <summary>Reads one file of the register: a provider and what its documents say, every fault with its line.</summary>
public static partial class TermsFile
{
    /// <summary>What stands where nobody looked.</summary>
    public const string NotRead = "not read";

    /// <summary>Bytes.</summary>
    public const int Longest = 1 << 20;

    /// <param name="yaml">The file's text.</param>
    /// <param name="where">Its name, for errors.</param>
    /// <exception cref="UserError">It has faults.</exception>
    public static IReadOnlyList<TermsEntry> Parse(string yaml, string where)
    {
        List<string> faults = [];
        YamlFields root = new(YamlText.Parse(yaml, where, lines: true) ?? new YamlMappingNode(), "", new(faults, new HashSet<YamlNode>()));
        string provider = Required(root, "provider");
        root.Require("entries");
        List<TermsEntry> entries = [];
        foreach (YamlFields fields in root.Maps("entries"))
        {
            TermsEntry entry = Entry(fields, provider);
            if (entries.Any(e => e.Id == entry.Id))
            {
                fields.Fault("id", $"is given twice: '{entry.Id}'");
            }

            entries.Add(entry);
        }

        root.Close();
        return faults.Count == 0 ? entries : throw new UserError(string.Join("; ", faults), where, faults.Count == 1 ? "Mend it and run again." : $"Mend these {faults.Count} faults and run again.");
    }

    static TermsEntry Entry(YamlFields e, string provider)
    {
        string id = Required(e, "id"), licence = Required(e, "licence");
        if (id.Length > 0 && !Id().IsMatch(id))
        {
            e.Fault("id", $"must be small letters, digits, dots and dashes, at most 64, not '{id}'");
        }

        if (licence.Length > 0 && !Licence().IsMatch(licence))
        {
            e.Fault("licence", $"must be an SPDX id or LicenseRef- and a name, not '{licence}'");
        }

        string? link = e.Text("link"), hash = e.Text("text_sha256");
        if (link is not null && !(Uri.TryCreate(link, UriKind.Absolute, out Uri? uri) && uri.Scheme == Uri.UriSchemeHttps))
        {
            e.Fault("link", $"must be an https address, not '{link}'");
        }

        if (hash is not null && !Sha256().IsMatch(hash))
        {
            e.Fault("text_sha256", "must be 64 small hexadecimal digits");
        }

        e.Require("read");
        TermsClass c = Choice(e, "class", TermsClass.Unknown);
        TermsEntry entry = new(
            id, provider, Required(e, "teacher"), Choice(e, "path", AccessPath.Weights), Covers(e), Required(e, "document"), e.Text("version"), e.Date("effective"), e.Date("read") ?? default, e.Flag("fixed", false), link,
            Required(e, "clause"), licence, hash, e.Text("region"), e.Has("evidence") ? Choice(e, "evidence", TermsEvidence.Original) : TermsEvidence.Original, Says(e), c, Obligations(e, c), e.Text("note"));
        if (entry.IsFixed && (entry.Path is not (AccessPath.Weights or AccessPath.Dataset) || entry.Covers.Hosts.Count > 0))
        {
            e.Fault("fixed", "is for weights and datasets, whose licence goes with them; the terms of what is asked over a network change");
        }

        e.Close();
        return entry;
    }

    static Coverage Covers(YamlFields e)
    {
        IReadOnlyList<string> hosts = Texts(e, "hosts"), models = Texts(e, "models");
        foreach (string host in hosts.Where(h => !Coverage.IsHostPattern(h)))
        {
            e.Fault("hosts", host.AsSpan().IndexOfAny('/', '*') < 0 && Coverage.IsPrivate(host.TrimEnd('.')) ? $"must be of the public internet: what answers at '{host}' is not known by its address" : $"must be names such as api.example.org or *.example.org, not '{host}'");
        }

        List<WeightFile> files = [];
        foreach (YamlFields f in e.Maps("files"))
        {
            string hash = Required(f, "sha256");
            f.Require("bytes");
            if (hash.Length > 0 && !Sha256().IsMatch(hash))
            {
                f.Fault("sha256", "must be 64 small hexadecimal digits");
            }

            files.Add(new(hash, f.Whole("bytes", 1L, 1, long.MaxValue)));
            f.Close();
        }

        return new(hosts, models, files);
    }

    static TermsStatements Says(YamlFields e)
    {
        e.Require("says");
        YamlFields s = e.Map("says");
        TermsStatements says = s.Present
            ? new(Required(s, "training"), Required(s, "collection"), Required(s, "benchmarking"), Required(s, "synthetic_data"), Required(s, "indemnity"))
            : new(NotRead, NotRead, NotRead, NotRead, NotRead);
        s.Close();
        return says;
    }

    static TermsObligations Obligations(YamlFields e, TermsClass c)
    {
        YamlFields o = e.Map("obligations");
        TermsObligations made = new(o.Text("name_prefix"), Texts(o, "notices"), Texts(o, "flows_down"), Texts(o, "with_weights"), Texts(o, "conditions"));
        bool naming = made.NamePrefix is not null || made.Notices.Count > 0, flows = made.FlowsDown.Count > 0;
        if (made.Notices.Any(n => n.Split('|').Any(string.IsNullOrWhiteSpace)))
        {
            o.Fault("notices", "must have a text on both sides of a bar");
        }

        string? fault = c switch
        {
            TermsClass.Allow when naming || flows => "leave something to be met, so the class is not allow",
            TermsClass.AllowWithNaming when !naming => "need a name_prefix or notices in the class allow-with-naming",
            TermsClass.AllowWithNaming when flows => "have terms that flow down, so the class is flow-down",
            TermsClass.FlowDown when !flows => "need flows_down in the class flow-down",
            _ => null,
        };
        if (fault is not null)
        {
            e.Fault("obligations", fault);
        }

        o.Close();
        return made;
    }

    /// <summary>Empty where it is missing or no text, which is then a fault.</summary>
    static string Required(YamlFields fields, string name)
    {
        fields.Require(name);
        return fields.Text(name) ?? "";
    }

    static T Choice<T>(YamlFields fields, string name, T otherwise)
        where T : struct, Enum
    {
        fields.Require(name);
        return KebabName.Parse<T>(fields.Choice(name, KebabName.Of(otherwise), KebabName.All<T>()));
    }

    static IReadOnlyList<string> Texts(YamlFields fields, string name)
    {
        IReadOnlyList<string> texts = fields.Texts(name) ?? [];
        if (texts.Any(string.IsNullOrWhiteSpace))
        {
            fields.Fault(name, "must not hold an empty text");
        }

        return texts;
    }

    [GeneratedRegex(@"\A[a-z0-9][a-z0-9.-]{0,63}\z")]
    private static partial Regex Id();

    [GeneratedRegex(@"\A(LicenseRef-)?[A-Za-z0-9][A-Za-z0-9.+-]*\z", RegexOptions.ExplicitCapture)]
    private static partial Regex Licence();

    [GeneratedRegex(@"\A[0-9a-f]{64}\z")]
    internal static partial Regex Sha256();
}
