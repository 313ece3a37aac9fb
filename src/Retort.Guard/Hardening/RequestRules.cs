using System.Globalization;
using Retort.Guard.OpenAi;

namespace Retort.Guard.Hardening;

/// <summary>The rules of a policy for what a request asks for.</summary>
static class RequestRules
{
    /// <summary>Null where nothing is asked for that is not given. Biases together with log-probabilities would give a model's last layer away (Carlini et al. 2024, arXiv 2403.06634).</summary>
    public static ApiError? Check(RequestFacts facts, HardeningPolicy policy) =>
        facts.HasLogprobs && facts.BiasEntries > 0 ? Refused("logit_bias", "logit_bias and log-probabilities are not given together.")
        : facts.TopLogprobs > policy.MostTopLogprobs ? Refused(facts.TopLogprobs, policy.MostTopLogprobs, "top_logprobs")
        : facts.Count > policy.MostCount ? Refused(facts.Count, policy.MostCount, "n")
        : facts.BestOf > policy.MostBestOf ? Refused(facts.BestOf, policy.MostBestOf, "best_of")
        : facts.BiasEntries > policy.MostBiasEntries ? Refused("logit_bias", string.Create(CultureInfo.InvariantCulture, $"logit_bias may name at most {policy.MostBiasEntries} tokens, not {facts.BiasEntries}."))
        : facts.LargestBias > policy.MostBias ? Refused("logit_bias", string.Create(CultureInfo.InvariantCulture, $"A bias may be at most {policy.MostBias} up or down."))
        : null;

    static ApiError Refused(int asked, int most, string name) => Refused(name, string.Create(CultureInfo.InvariantCulture, $"{name} may be at most {most}, not {asked}."));

    static ApiError Refused(string name, string sentence) => new(400, sentence, Code: "not_allowed", Parameter: name);
}
