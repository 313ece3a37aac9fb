using Retort.Evidence.Ledger;

namespace Retort.Guard.Indicators;

/// <summary>The section <c>indicators</c> of a policy: <c>indicators: {issuer: example.com, trust: [{issuer: other.org, key: other.pub}]}</c>.</summary>
static class IndicatorSection
{
    public static IndicatorPolicy Read(YamlFields root, string folder)
    {
        if (!root.Has("indicators"))
        {
            return IndicatorPolicy.None;
        }

        YamlFields section = root.Map("indicators");
        string? issuer = section.Text("issuer");
        Name(section, issuer);
        List<TrustedIssuer> trust = [];
        foreach (YamlFields trusted in section.Maps("trust"))
        {
            trusted.Require("issuer");
            trusted.Require("key");
            TrustedIssuer one = new(trusted.Text("issuer") ?? "", Path.Combine(folder, trusted.Text("key") ?? ""));
            Name(trusted, one.Issuer);
            if (one.Issuer.Length > 0 && one.Issuer == issuer)
            {
                trusted.Fault("issuer", "is this operator itself");
            }

            if (trust.Contains(one))
            {
                trusted.Fault("key", "is given twice for this issuer");
            }

            trust.Add(one);
            trusted.Close();
        }

        section.Close();
        return new(issuer, trust);
    }

    static void Name(YamlFields fields, string? name)
    {
        if (name is { Length: > 0 } && !LedgerPublicKey.IsName(name))
        {
            fields.Fault("issuer", "must be a name without spaces and plus signs, such as example.com");
        }
    }
}
