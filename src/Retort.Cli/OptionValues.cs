using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Retort.Cli;

/// <summary>
/// Refuses a value that is no value: the parser hands an option whatever follows it, so that in <c>--out --resume</c> it would name a folder
/// "--resume" and resume nothing.
/// </summary>
static class OptionValues
{
    /// <param name="arguments">The command line as it was typed: only there a text joined by an equals sign shows that it was meant.</param>
    /// <exception cref="UserError">An option stands where a value belongs, or a value other than a text is empty.</exception>
    public static void Check(ParseResult parsed, IReadOnlyList<string> arguments)
    {
        foreach (OptionResult option in parsed.CommandResult.Children.OfType<OptionResult>().Where(o => o.IdentifierToken is not null))
        {
            if (option.Tokens.Count < option.IdentifierTokenCount && option.Option.Arity.MinimumNumberOfValues > 0)
            {
                throw new UserError($"a value is missing: {option.Option.HelpName}", option.Option.Name, $"Give {option.IdentifierToken!.Value} {option.Option.HelpName}.");
            }

            foreach (string value in option.Tokens.Select(t => t.Value))
            {
                Check(option, value, arguments);
            }
        }

        foreach (ArgumentResult argument in parsed.CommandResult.Children.OfType<ArgumentResult>().Where(a => a.Tokens.Any(t => t.Value.Length == 0)))
        {
            throw new UserError($"{argument.Argument.Name} is empty", parsed.CommandResult.Command.Name, "A shell variable that is not set becomes an empty argument.");
        }
    }

    static void Check(OptionResult result, string value, IReadOnlyList<string> arguments)
    {
        (Option option, string typed) = (result.Option, result.IdentifierToken!.Value);
        bool text = option.HelpName == Inputs.FreeText;
        if (value.Length == 0 && !text)
        {
            throw new UserError($"a value is missing: {option.HelpName}", option.Name, "A shell variable that is not set becomes an empty value.");
        }

        bool number = option.HelpName is Inputs.WholeNumber or Inputs.RealNumber && double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out _);
        bool meant = text && arguments.Count(a => a == $"{typed}={value}" || a == $"{typed}:{value}") >= result.Tokens.Count(t => t.Value == value);
        if (LooksLikeOption(value) && !number && !meant)
        {
            throw new UserError(
                $"a value is missing: {option.HelpName}; what follows is an option, {value}", option.Name,
                text ? $"A text that begins with a dash is joined to the option: \"{typed}={value}\"."
                : option.HelpName is "FILE" or "DIR" or "MODEL" ? $"A name that begins with a dash is written ./{value}."
                : $"Give {typed} {option.HelpName}.");
        }
    }

    /// <summary>A dash and a sign; a dash before a space begins a text, such as an item of a list.</summary>
    static bool LooksLikeOption(string value) => Inputs.LooksLikeOption(value) && !char.IsWhiteSpace(value[1]);
}
