namespace Retort.Files;

/// <summary>
/// Bad input from outside: a file, a recipe, a flag, a network answer. The door prints it as one sentence, without a stack trace,
/// and ends with exit code 2. A caller's own bug throws an ordinary exception instead.
/// </summary>
/// <param name="what">What is wrong, as a sentence without its full stop.</param>
/// <param name="where">Path, field, line or offset.</param>
/// <param name="hint">What the reader can do about it.</param>
public sealed class UserError(string what, string where, string hint) : Exception($"{where}: {what}. {hint}")
{
    public string What { get; } = what;

    public string Where { get; } = where;

    public string Hint { get; } = hint;
}
