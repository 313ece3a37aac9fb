using System.CommandLine;
using System.CommandLine.Parsing;

namespace Retort.Cli;

/// <summary>Turns the first fault of a command line into a sentence.</summary>
static class ParseFault
{
    public static UserError Of(ParseResult parsed)
    {
        Command command = parsed.CommandResult.Command;
        string whole = Path(command), path = whole.Contains(' ', StringComparison.Ordinal) ? whole[(whole.IndexOf(' ', StringComparison.Ordinal) + 1)..] : "command line", see = $"See: {whole} --help.";
        IEnumerable<string> values = command.Arguments.SelectMany(a => parsed.GetResult(a)?.Tokens.Select(t => t.Value) ?? []);
        if (values.Concat(parsed.UnmatchedTokens).FirstOrDefault(Inputs.LooksLikeOption) is { } stray)
        {
            return new UserError($"there is no option {stray}", path, Near(stray, Options(command)) is { } option ? $"Did you mean {option}?" : see);
        }

        if (parsed.UnmatchedTokens.Count > 0)
        {
            string token = parsed.UnmatchedTokens[0];
            return command.Subcommands.Count > 0
                ? new UserError($"there is no verb '{token}'", path, Near(token, command.Subcommands.Select(c => c.Name)) is { } verb ? $"Did you mean {whole} {verb}?" : $"Verbs are {string.Join(", ", command.Subcommands.Select(c => c.Name))}.")
                : new UserError($"'{token}' is one argument too many", path, command.Options.Any(o => o.HelpName is Inputs.FreeText) ? "Put a text with spaces in quotes." : see);
        }

        ParseError error = parsed.Errors[0];
        switch (error.SymbolResult)
        {
            case OptionResult option:
                return Option(option, error.Message, path, see);
            case ArgumentResult { Parent: OptionResult option }:
                return Option(option, error.Message, path, see);
            case ArgumentResult argument when argument.Tokens.Count == 0:
                return new UserError($"{argument.Argument.Name} is missing", path, see);
            case CommandResult when command.Options.FirstOrDefault(o => o.Required && parsed.GetResult(o) is null) is { } missing:
                return new UserError($"{missing.Name} {missing.HelpName} is missing", path, see);
            case CommandResult when command.Arguments.FirstOrDefault(a => a.Arity.MinimumNumberOfValues > 0 && parsed.GetResult(a) is not { Tokens.Count: > 0 }) is { } absent:
                return new UserError($"{absent.Name} is missing", path, see);
            case CommandResult when command.Subcommands.Count > 0:
                return new UserError("say what to do", path, $"Verbs are {string.Join(", ", command.Subcommands.Select(c => c.Name))}.");
            default:
                return new UserError(error.Message.TrimEnd('.'), path, see);
        }
    }

    static UserError Option(OptionResult option, string message, string path, string see) =>
        option.IdentifierToken is null ? new UserError($"{option.Option.Name} {option.Option.HelpName} is missing", path, see)
        : option.Tokens.Count > 1 && option.Option.Arity.MaximumNumberOfValues == 1 ? new UserError("is given more than once", option.Option.Name, "Give it once.")
        : new UserError(message.TrimEnd('.'), option.Option.Name, see);

    static string Path(Command command) => command.Parents.OfType<Command>().FirstOrDefault() is { } parent ? $"{Path(parent)} {command.Name}" : "retort";

    static IEnumerable<string> Options(Command command) =>
        command.Options.Concat(command.Parents.OfType<Command>().SelectMany(p => p.Options.Where(o => o.Recursive))).Where(o => !o.Hidden).Select(o => o.Name);

    /// <summary>The known name that a few changed letters or a cut-off end make of what was typed.</summary>
    static string? Near(string typed, IEnumerable<string> known) =>
        known.Select(k => (Name: k, Distance: k.StartsWith(typed, StringComparison.Ordinal) && typed.Length > 2 ? 1 : EditDistance.Between(k, typed)))
            .Where(k => k.Distance <= Math.Max(2, k.Name.TrimStart('-').Length / 3)).OrderBy(k => k.Distance).Select(k => k.Name).FirstOrDefault();
}
