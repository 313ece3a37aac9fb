using Retort.Guard.Detector;
using Retort.Guard.Hardening;
using Retort.Guard.OpenAi;

namespace Retort.Guard;

/// <summary>What an account's owner is told of what is done about it: the step, the reason, the case, and where to appeal.</summary>
static class ResponseSentence
{
    /// <summary>Null where the request goes on.</summary>
    public static ApiError? Of(AccountResponse response, RequestFacts facts, string? appealAt) => response.InForce switch
    {
        ResponseStep.Withhold or ResponseStep.Slow when facts.HasLogprobs => Refused("logprobs_withheld", "This account gets no log-probabilities now; the same request without them is answered", response, appealAt),
        ResponseStep.Verify => Refused("verification_required", "This account gets no answers until its owner has shown who they are and what they use them for", response, appealAt),
        ResponseStep.Review => Refused("under_review", "This account gets no answers until a person has looked at it", response, appealAt),
        ResponseStep.Suspend => Refused("suspended", "This account is suspended", response, appealAt),
        _ => null,
    };

    static ApiError Refused(string code, string what, AccountResponse response, string? appealAt) =>
        new(403, $"{what}. The reason: {response.Reason.TrimEnd('.')}. Case {response.Case}{(appealAt is null ? "" : $"; appeal at {appealAt}")}.", "permission_error", code);
}
