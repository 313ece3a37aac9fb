namespace Retort.Guard.Limits;

/// <summary>The sections <c>tiers</c> and <c>linked</c> of a policy.</summary>
static class LimitsSection
{
    /// <summary>More than anything is limited to, and far from where sums would overflow.</summary>
    const long Most = 1_000_000_000_000;

    const double MostUsd = 1e6;

    const decimal PicoPerUsd = 1e12m;

    public static IReadOnlyDictionary<string, ScopeLimits> Tiers(YamlFields root)
    {
        Dictionary<string, ScopeLimits> tiers = new(StringComparer.Ordinal);
        foreach (YamlFields tier in root.Maps("tiers"))
        {
            tier.Require("name");
            string name = tier.Text("name") ?? "";
            if (!tiers.TryAdd(name, One(tier)) && name.Length > 0)
            {
                tier.Fault("name", $"is taken: there are two tiers '{name}'");
            }
        }

        return tiers;
    }

    public static ScopeLimits One(YamlFields fields)
    {
        ScopeLimits limits = new(
            Whole("requests_per_minute"), Whole("tokens_per_minute"), Whole("tokens_per_day"), fields.Has("usd_per_day") ? (long)((decimal)fields.Number("usd_per_day", 0, 0, MostUsd) * PicoPerUsd) : null,
            Whole("logprob_tokens_per_day"), Whole("streams"));
        fields.Close();
        return limits;

        long? Whole(string key) => fields.Has(key) ? fields.Whole(key, 0L, 0, Most) : null;
    }
}
