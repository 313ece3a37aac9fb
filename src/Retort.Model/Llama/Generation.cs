namespace Retort.Model.Llama;

/// <summary>A generated text.</summary>
/// <param name="Text">Without the prompt, the end token and the stop text.</param>
/// <param name="Tokens">What was generated without the end token; with a stop text, the tokens that spell it included.</param>
/// <param name="FinishReason">"stop" at an end token or a stop text; "length" at the limit of tokens or the end of the context.</param>
/// <param name="PromptTokens">Tokens of the prompt, the begin token included.</param>
/// <param name="CompletionTokens">Number of <paramref name="Tokens"/>.</param>
/// <param name="TokensPerSecond">Completion tokens by the time from the first to the last; beside others, each has its own rate.</param>
/// <param name="EndToken">The token that ended the text, if one did.</param>
public sealed record Generation(string Text, IReadOnlyList<int> Tokens, string FinishReason, int PromptTokens, int CompletionTokens, double TokensPerSecond, int? EndToken);

/// <summary>How far <see cref="Generator.GenerateMany(IReadOnlyList{int[]}, SamplingOptions, IReadOnlyList{ulong}?, Action{GenerationProgress}?, CancellationToken)"/> is.</summary>
/// <param name="Finished">Texts that have ended.</param>
/// <param name="Total">Texts in all.</param>
/// <param name="Tokens">Tokens generated in the finished texts.</param>
public readonly record struct GenerationProgress(int Finished, int Total, long Tokens);
