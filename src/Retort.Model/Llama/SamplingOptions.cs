using Retort.Model.Marks;

namespace Retort.Model.Llama;

/// <summary>How the next token is chosen and when a text ends. The defaults draw from the model's own distribution.</summary>
public sealed record SamplingOptions
{
    /// <summary>Logits are divided by it; 0 takes the most probable token.</summary>
    public double Temperature { get; init; } = 1;

    /// <summary>Keep this many most probable tokens; 0 keeps all.</summary>
    public int TopK { get; init; }

    /// <summary>Keep the fewest most probable tokens that together reach this probability (Holtzman et al., arXiv 1904.09751); 1 keeps all.</summary>
    public double TopP { get; init; } = 1;

    /// <summary>Keep tokens at least this many times as probable as the most probable one (Nguyen et al., arXiv 2407.01082); 0 keeps all.</summary>
    public double MinP { get; init; }

    /// <summary>Positive logits of tokens that occur in prompt or text are divided by it, negative ones multiplied (Keskar et al., arXiv 1909.05858); 1 changes nothing.</summary>
    public double RepetitionPenalty { get; init; } = 1;

    /// <summary>Most tokens to generate.</summary>
    public int MaxTokens { get; init; } = 256;

    /// <summary>Texts that end a generation; they are cut off.</summary>
    public IReadOnlyList<string> Stop { get; init; } = [];

    public ulong Seed { get; init; }

    /// <summary>The mark the tokens get; null for none, which costs nothing.</summary>
    public Watermark? Watermark { get; init; }

    /// <summary>Throws a <see cref="UserError"/> that names the first option out of its range.</summary>
    /// <param name="where">The command, request or recipe key the options came from.</param>
    public void Validate(string where)
    {
        Check(Temperature >= 0 && double.IsFinite(Temperature), where, "temperature", Temperature, "0 or a positive number");
        Check(TopK >= 0, where, "top_k", TopK, "0 (all) or a positive number");
        Check(TopP is > 0 and <= 1, where, "top_p", TopP, "above 0 and at most 1");
        Check(MinP is >= 0 and <= 1, where, "min_p", MinP, "between 0 and 1");
        Check(RepetitionPenalty > 0 && double.IsFinite(RepetitionPenalty), where, "repetition_penalty", RepetitionPenalty, "a positive number");
        Check(MaxTokens >= 0, where, "max_tokens", MaxTokens, "0 or more");
        if (Stop.Any(string.IsNullOrEmpty))
        {
            throw new UserError("a stop text is empty", where, "An empty text would end every generation at once; leave it out.");
        }
    }

    static void Check(bool holds, string where, string name, double value, string rule)
    {
        if (!holds)
        {
            throw new UserError($"{name} is {value}", where, $"It must be {rule}.");
        }
    }
}
