namespace Retort.Guard.Hardening;

/// <summary>What was seen of an answer while it was passed on.</summary>
sealed class AnswerFacts
{
    /// <summary>Tokens of the question and the answer by the upstream's own count; null where it has not said.</summary>
    public long? PromptTokens { get; set; }

    public long? AnswerTokens { get; set; }

    /// <summary>Bytes of text that were handed out, an upper bound of tokens.</summary>
    public long TextBytes { get; set; }

    /// <summary>Fields that were left out.</summary>
    public int Dropped { get; set; }

    public string? Model { get; set; }

    /// <summary>Whether the last part held nothing but what was used.</summary>
    public bool IsUsageAlone { get; set; }

    /// <summary>Whether the last part said that the upstream failed.</summary>
    public bool IsError { get; set; }

    /// <summary>Whether the last part is an item or event of hidden reasoning, which is not passed on.</summary>
    public bool IsReasoning { get; set; }
}
