namespace Retort.Asking;

/// <summary>What a model's tokens cost.</summary>
/// <param name="Prompt">A million tokens of questions.</param>
/// <param name="Completion">A million tokens of answers.</param>
/// <param name="Since">From when on.</param>
/// <param name="Source">Where that stands.</param>
public sealed record Price(decimal Prompt, decimal Completion, DateOnly Since, string? Source)
{
    public static Price Free { get; } = new(0, 0, DateOnly.MinValue, null);

    /// <summary>The same with a share taken off.</summary>
    public Price Less(double share) => this with { Prompt = Prompt * (1 - (decimal)share), Completion = Completion * (1 - (decimal)share) };

    public Usd Of(long promptTokens, long completionTokens) => Usd.Of(((promptTokens * Prompt) + (completionTokens * Completion)) / 1_000_000);

    /// <summary>The most an answer can cost: no tokenizer makes more tokens of a text than it has bytes, and each message costs a few more.</summary>
    /// <param name="most">Most tokens of one answer.</param>
    public Usd AtMost(Question question, int most) => Of(PromptTokensAtMost(question), (long)most * question.Parameters.Count);

    /// <summary>No tokenizer makes more tokens of a text than it has bytes; turns cost a few more.</summary>
    internal static long PromptTokensAtMost(Question question)
    {
        const int EachTurn = 8, Besides = 16;
        return question.Turns.Sum(t => (long)System.Text.Encoding.UTF8.GetByteCount(t.Text) + EachTurn) + Besides + (question.Parameters.Schema?.Length ?? 0);
    }
}
