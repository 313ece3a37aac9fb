namespace Retort.Asking;

/// <summary>What an endpoint was seen to do; what is null is not known, since no answer came to the question that would show it.</summary>
/// <param name="Model">The model it names.</param>
/// <param name="Fingerprint">Its system_fingerprint.</param>
/// <param name="Usage">Whether it counts tokens.</param>
/// <param name="Several">Whether n = 2 brings two answers.</param>
/// <param name="Seed">Whether one seed brings one text, drawn twice at temperature 1.</param>
/// <param name="LogProbabilities">Whether it gives the drawn token's log-probability.</param>
/// <param name="Alternatives">Most likely tokens it gives at each place, where 20 were asked for, or as many as it takes.</param>
/// <param name="Bytes">Whether tokens come with their bytes.</param>
/// <param name="Schema">Whether a JSON schema is kept to.</param>
/// <param name="Limits">Whether it names its limits in its headers.</param>
public sealed record ProbeFacts(string? Model, string? Fingerprint, bool? Usage, bool? Several, bool? Seed, bool? LogProbabilities, int? Alternatives, bool? Bytes, bool? Schema, bool? Limits)
{
    /// <summary>Why what a recipe wants cannot be had here; null where it can, or where that is not known.</summary>
    public string? Lacks(AskParameters wanted) =>
        wanted.TopLogProbabilities is not null && LogProbabilities == false ? "the endpoint gives no log-probabilities, and the recipe wants them (ask.top_logprobs)"
        : wanted.TopLogProbabilities > Alternatives ? $"the endpoint gives at most {Alternatives} likely tokens at each place, and the recipe wants {wanted.TopLogProbabilities} (ask.top_logprobs)"
        : wanted.Count > 1 && Several == false ? $"the endpoint gives one answer to a question, and the recipe wants {wanted.Count} (ask.n)"
        : wanted.Schema is not null && Schema == false ? "the endpoint does not keep to a JSON schema, and the recipe gives one (ask.schema)"
        : null;
}
