using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Retort.Cli;

/// <summary>A command whose help ends with examples.</summary>
sealed class Verb(string name, string description, params string[] examples) : Command(name, description)
{
    public IReadOnlyList<string> Examples { get; } = examples;
}

/// <summary>The library's help, then the verb's examples.</summary>
sealed class HelpWithExamples(HelpAction help, IReadOnlyList<string> rootExamples) : SynchronousCommandLineAction
{
    const int Columns = 100;

    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        help.MaxWidth = Columns;
        int code = help.Invoke(parseResult);
        TextWriter output = parseResult.InvocationConfiguration.Output;
        IReadOnlyList<string> examples = parseResult.CommandResult.Command is Verb verb ? verb.Examples : rootExamples;
        output.WriteLine(examples.Count == 1 ? "Example:" : "Examples:");
        foreach (string example in examples)
        {
            output.WriteLine("  " + example);
        }

        return code;
    }
}
