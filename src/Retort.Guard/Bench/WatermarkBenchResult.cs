namespace Retort.Guard.Bench;

/// <summary>A mean over prompts with its 95 % interval, prompts taken as independent.</summary>
public readonly record struct WithInterval(double Mean, double Low, double High);

/// <summary>What a key finds in so many tokens of consecutive answers.</summary>
/// <param name="Tokens">Distinct pairs of context and token.</param>
/// <param name="Texts">Groups of answers that have as many.</param>
/// <param name="MedianLog10P">Decimal logarithm of the p-value.</param>
/// <param name="Found">Share with a p-value below 0.01: of marked texts the true positives at 1 % false ones, of unmarked texts the false ones.</param>
public sealed record WatermarkDetection(string Mark, int Tokens, int Texts, double MedianLog10P, double Found);

/// <summary>Answers to the same prompts from the same seeds, drawn one way.</summary>
/// <param name="Mark">"none", "tournament" or "green-list".</param>
/// <param name="Tokens">Of a mean answer.</param>
/// <param name="Perplexity">Of the answers under the model itself without a mark, at temperature 1.</param>
/// <param name="NatsAgainstUnmarked">Nats a token beyond those of the unmarked answers to the same prompt.</param>
/// <param name="JudgeNatsPerByte">Of the answers under another model, null without one.</param>
/// <param name="Distinct2">Share of pairs of tokens, over all answers to one prompt together, that come once; the mean over prompts.</param>
/// <param name="Distinct4">The same of four tokens in a row.</param>
/// <param name="DifferentAnswers">Answers that no other one to the same prompt is like, to the letter.</param>
/// <param name="TokensPerS">Written, answers side by side; the median over prompts.</param>
/// <param name="DrawMicroseconds">Of one draw among 151,936 tokens, all in reach.</param>
public sealed record WatermarkArm(
    string Mark, int Answers, double Tokens, WithInterval Perplexity, WithInterval NatsAgainstUnmarked, double? JudgeNatsPerByte, double Distinct2, double Distinct4, double DifferentAnswers, double TokensPerS, double DrawMicroseconds);

/// <summary>What marks cost and show.</summary>
public sealed record WatermarkBenchResult(IReadOnlyList<WatermarkArm> Arms, IReadOnlyList<WatermarkDetection> Marked, IReadOnlyList<WatermarkDetection> Unmarked);
