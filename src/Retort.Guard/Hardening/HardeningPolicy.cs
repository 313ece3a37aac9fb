namespace Retort.Guard.Hardening;

/// <summary>What a request may ask for and an answer may hold: the section <c>hardening</c> of a policy.</summary>
/// <param name="Allow">Names of fields allowed besides those of <see cref="RequestFieldNames"/>.</param>
/// <param name="MostTopLogprobs">Likely tokens beside each.</param>
/// <param name="MostCount">Answers to one prompt, n.</param>
/// <param name="MostBestOf">Answers drawn to give the best.</param>
/// <param name="MostBias">The largest logit_bias, up or down.</param>
/// <param name="MostBiasEntries">Tokens that logit_bias may name.</param>
/// <param name="LogprobDecimals">Digits after the point of a log-probability.</param>
/// <param name="TierDecimals">The same by tier, where it differs.</param>
/// <param name="KeepsReasoning">Whether fields of hidden reasoning are passed on.</param>
/// <param name="MostBytes">Bytes of a request.</param>
/// <param name="MostDepth">Objects and lists within one another.</param>
/// <param name="DefaultTokens">Tokens of an answer whose request names no number; put into the request where accounts are limited, so that nothing is answered beyond what was set aside.</param>
public sealed record HardeningPolicy(
    IReadOnlySet<string> Allow, int MostTopLogprobs, int MostCount, int MostBestOf, double MostBias, int MostBiasEntries, int LogprobDecimals, IReadOnlyDictionary<string, int> TierDecimals, bool KeepsReasoning, int MostBytes, int MostDepth, int DefaultTokens)
{
    const int MostAnswers = 128, MostDigits = 17;

    /// <summary>What holds where a policy says nothing.</summary>
    public static HardeningPolicy Default { get; } = new(new HashSet<string>(StringComparer.Ordinal), 5, 8, 8, 10, 64, 3, new Dictionary<string, int>(StringComparer.Ordinal), KeepsReasoning: false, 4 << 20, 64, 4096);

    /// <summary>Digits after the point for a tier.</summary>
    public int Decimals(string? tier) => tier is not null && TierDecimals.TryGetValue(tier, out int decimals) ? decimals : LogprobDecimals;

    internal static HardeningPolicy Of(YamlFields root, IReadOnlyCollection<string> tiers)
    {
        YamlFields fields = root.Map("hardening");
        Dictionary<string, int> byTier = new(StringComparer.Ordinal);
        YamlFields decimals = fields.Map("tier_decimals");
        foreach (string tier in tiers)
        {
            if (decimals.Has(tier))
            {
                byTier[tier] = decimals.Whole(tier, 0, 0, MostDigits);
            }
        }

        decimals.Close();
        HardeningPolicy made = new(
            new HashSet<string>(fields.Texts("allow") ?? [], StringComparer.Ordinal),
            fields.Whole("max_top_logprobs", Default.MostTopLogprobs, 0, 1000),
            fields.Whole("max_n", Default.MostCount, 1, MostAnswers),
            fields.Whole("max_best_of", Default.MostBestOf, 1, MostAnswers),
            fields.Number("max_bias", Default.MostBias, 0, 100),
            fields.Whole("max_bias_entries", Default.MostBiasEntries, 0, 4096),
            fields.Whole("logprob_decimals", Default.LogprobDecimals, 0, MostDigits),
            byTier,
            fields.Choice("reasoning", "remove", "keep", "remove") == "keep",
            fields.Whole("max_bytes", Default.MostBytes, 1 << 10, 64 << 20),
            fields.Whole("max_depth", Default.MostDepth, 8, 256),
            fields.Whole("default_tokens", Default.DefaultTokens, 1, 1 << 24));
        foreach (string name in made.Allow.Where(RequestFieldNames.IsNever))
        {
            fields.Fault("allow", $"must not name {name}, which is never allowed");
        }

        fields.Close();
        return made;
    }
}
