namespace Retort.Guard.Hardening;

/// <summary>What of an answer is passed on.</summary>
/// <param name="IsResponses">Whether it has the fields of /v1/responses.</param>
/// <param name="IsStream">Whether it comes in parts.</param>
/// <param name="HasLogprobs">Whether log-probabilities were asked for; otherwise none are passed on.</param>
/// <param name="Decimals">Digits after their point.</param>
/// <param name="KeepsReasoning">Whether hidden reasoning is passed on.</param>
readonly record struct AnswerRules(bool IsResponses, bool IsStream, bool HasLogprobs, int Decimals, bool KeepsReasoning);
