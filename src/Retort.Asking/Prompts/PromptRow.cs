namespace Retort.Asking;

/// <summary>What a row of a file of prompts came to.</summary>
public abstract record PromptRow
{
    public sealed record Asks(Prompt Prompt) : PromptRow;

    /// <summary>A row that holds no prompt: it is left out and counted.</summary>
    /// <param name="Why">The reason, in words that rows of one kind share.</param>
    /// <param name="Where">File and line.</param>
    public sealed record Nothing(string Why, string Where) : PromptRow;
}
