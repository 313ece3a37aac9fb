namespace Retort.Samples.Tales;

/// <summary>How prompts and answers are laid out for a model.</summary>
public static class TaleChat
{
    public const string User = "<|user|>";
    public const string Assistant = "<|assistant|>";
    public const string End = "<|end|>";

    public static IReadOnlyList<string> SpecialTokens { get; } = [User, Assistant, End];

    /// <summary>The prompt up to where the model begins to answer; an empty prompt asks for a plain story and stays empty.</summary>
    public static string ToPrompt(string prompt) => prompt.Length == 0 ? "" : $"{User}\n{prompt}\n{Assistant}\n";

    /// <summary>Prompt and answer as one training text; without a prompt the story alone. Both end with <see cref="End"/>.</summary>
    public static string ToChat(string prompt, string answer) => ToPrompt(prompt) + answer + End;

    /// <summary>The first answer and every later question with its answer, as they follow the prompt of the first question.</summary>
    public static string ToTurns(IEnumerable<(string Question, string Gold)> turns) =>
        string.Concat(turns.Select((turn, i) => i == 0 ? turn.Gold : $"{End}{ToPrompt(turn.Question)}{turn.Gold}"));
}
