namespace Retort.Asking;

/// <summary>A conversation to be continued, from a file of prompts.</summary>
/// <param name="Gold">The right answer, where the file has one.</param>
/// <param name="Where">File and line it came from.</param>
public sealed record Prompt(IReadOnlyList<Turn> Turns, string? Gold, string Where)
{
    /// <summary>What the user says next, one text after another, each after the teacher's own answer to the one before; empty where one question is all.</summary>
    public IReadOnlyList<string> Later { get; init; } = [];

    /// <summary>What the file says it belongs to, such as a customer or a language; null where it says nothing.</summary>
    public string? Slice { get; init; }

    /// <summary>All that would be sent, for a scan.</summary>
    public string Text => string.Join('\n', Turns.Select(t => t.Text).Concat(Later));
}
