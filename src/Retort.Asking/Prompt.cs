namespace Retort.Asking;

/// <summary>A conversation to be continued, from a file of prompts.</summary>
/// <param name="Gold">The right answer, where the file has one.</param>
/// <param name="Where">File and line it came from.</param>
public sealed record Prompt(IReadOnlyList<Turn> Turns, string? Gold, string Where);
