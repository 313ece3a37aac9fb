using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Retort.Cli;

/// <summary>Options and arguments whose faults are said in the reader's words.</summary>
static class Inputs
{
    /// <summary>What help calls a value that may be any text, even one that is empty or begins with a dash.</summary>
    public const string FreeText = "TEXT";

    /// <summary>What help calls a whole number.</summary>
    public const string WholeNumber = "N";

    /// <summary>What help calls any other number.</summary>
    public const string RealNumber = "X";

    /// <summary>A value that must be given. The parser takes a misspelt option for one; <see cref="ParseFault"/> says so.</summary>
    public static Argument<string> Argument(string name, string help)
    {
        Argument<string> argument = new(name) { Description = help };
        argument.Validators.Add(r =>
        {
            if (r.Tokens.Any(t => LooksLikeOption(t.Value)))
            {
                r.AddError("This is an option.");
            }
        });
        return argument;
    }

    /// <summary>A value that may be absent.</summary>
    public static Argument<string?> OptionalArgument(string name, string help)
    {
        Argument<string?> argument = new(name) { Description = help, Arity = ArgumentArity.ZeroOrOne };
        argument.Validators.Add(r =>
        {
            if (r.Tokens.Any(t => LooksLikeOption(t.Value)))
            {
                r.AddError("This is an option.");
            }
        });
        return argument;
    }

    public static bool LooksLikeOption(string token) => token.Length > 1 && token[0] == '-';

    public static Option<bool> Flag(string name, string help) => new(name) { Description = help };

    /// <summary>A text that may be absent.</summary>
    public static Option<string?> Text(string name, string value, string help) => new(name) { Description = help, HelpName = value };

    public static Option<string> Required(string name, string value, string help) => new(name) { Description = help, HelpName = value, Required = true };

    /// <summary>May be given several times.</summary>
    public static Option<string[]> Many(string name, string value, string help) => new(name)
    {
        Description = help + " (repeatable)",
        HelpName = value,
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = false,
        CustomParser = r => [.. r.Tokens.Select(t => t.Value)],
    };

    public static Option<int> Whole(string name, string help, int otherwise, int least, int most) => new(name)
    {
        Description = help,
        HelpName = WholeNumber,
        DefaultValueFactory = _ => otherwise,
        CustomParser = r => (int)Whole(r, least, most),
    };

    /// <summary>A whole number without a default.</summary>
    public static Option<int?> OptionalWhole(string name, string help, int least, int most) => new(name)
    {
        Description = help,
        HelpName = WholeNumber,
        CustomParser = r => (int)Whole(r, least, most),
    };

    public static Option<long> Seed(string help, long otherwise) => new("--seed")
    {
        Description = help,
        HelpName = WholeNumber,
        DefaultValueFactory = _ => otherwise,
        CustomParser = r => Whole(r, 0, long.MaxValue),
    };

    public static Option<double> Number(string name, string help, double otherwise, double least, double most) => new(name)
    {
        Description = help,
        HelpName = RealNumber,
        DefaultValueFactory = _ => otherwise,
        CustomParser = r => Number(r, least, most),
    };

    /// <summary>A number without a default.</summary>
    public static Option<double?> OptionalNumber(string name, string help, double least, double most) => new(name)
    {
        Description = help,
        HelpName = RealNumber,
        CustomParser = r => Number(r, least, most),
    };

    /// <summary>How many threads compute; 0 stands for all cores.</summary>
    public static Option<int> Threads() => Whole("--threads", "Threads that compute; 0 takes every core", 0, 0, 1024);

    public static int Count(int threads) => threads == 0 ? Environment.ProcessorCount : threads;

    static long Whole(ArgumentResult result, long least, long most)
    {
        string text = result.Tokens[0].Value;
        return long.TryParse(text.Replace("_", "", StringComparison.Ordinal), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value) && value >= least && value <= most
            ? value
            : Refuse<long>(result, most is int.MaxValue or long.MaxValue ? $"must be a whole number from {least}, not '{text}'" : $"must be a whole number from {least} to {most}, not '{text}'");
    }

    static double Number(ArgumentResult result, double least, double most) =>
        double.TryParse(result.Tokens[0].Value, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && value >= least && value <= most
            ? value
            : Refuse<double>(result, string.Create(CultureInfo.InvariantCulture, $"must be a number from {least} to {most}, not '{result.Tokens[0].Value}'"));

    static T? Refuse<T>(ArgumentResult result, string what)
    {
        result.AddError(what);
        return default;
    }
}
