using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Retort.Model;
using Retort.Model.Files;

namespace Retort.Cli;

/// <summary>The way in: parses a command line, runs its verb, and turns whatever happens into an exit code and one sentence.</summary>
static class Door
{
    static readonly string[] s_examples =
    [
        "retort distill recipes/tales.yaml",
        "retort generate runs/tales/student --prompt \"Once upon a time\"",
        "retort VERB --help",
    ];

    public static int Run(IReadOnlyList<string> arguments, Session session)
    {
        Option<bool> json = new("--json") { Description = "Print one JSON object on standard output; progress goes to standard error", Recursive = true };
        RootCommand root = Root(session, json);
        ParseResult parsed = root.Parse(arguments, new ParserConfiguration { EnablePosixBundling = false, ResponseFileTokenReplacer = null });
        session.Json = parsed.GetResult(json) is { Implicit: false };
        string where = parsed.CommandResult.Command == root ? "retort" : parsed.CommandResult.Command.Name;
        try
        {
            if (parsed.Action is ParseErrorAction || (parsed.Action is null && parsed.Errors.Count > 0))
            {
                throw ParseFault.Of(parsed);
            }

            return parsed.Invoke(new InvocationConfiguration { Output = session.Output, Error = session.Error, EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }
        catch (UserError e)
        {
            return Failure.BadInput(session, e);
        }
        catch (OperationCanceledException) when (session.Stop.IsCancellationRequested)
        {
            return Failure.Interrupted(session, where);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Failure.BadInput(session, FileFault.Writing((e as FileNotFoundException)?.FileName ?? where, e));
        }
        catch (OutOfMemoryException)
        {
            return Failure.BadInput(session, new UserError("there is not enough memory", where, "Take a smaller model, fewer rows or a shorter context."));
        }
        catch (Exception e)
        {
            return Failure.Bug(session, where, e);
        }
    }

    static RootCommand Root(Session session, Option<bool> json)
    {
        RootCommand root = new("Retort distills a language model you may copy into one small enough to own. It runs on the CPU and needs no Python.\n\nExit codes: 0 done, 1 a negative verdict, 2 bad input, 70 a bug in Retort, 130 interrupted with the state saved.")
        {
            json,
            InitCommand.Create(session),
            DistillCommand.Create(session),
            GenerateCommand.Create(session),
            EvaluateCommand.Create(session),
            ConvertCommand.Create(session),
            PullCommand.Create(session),
            BenchCommand.Create(session),
        };
        root.Directives.Clear();
        HelpOption help = root.Options.OfType<HelpOption>().Single();
        HelpWithExamples action = new((HelpAction)help.Action!, s_examples);
        help.Action = action;
        root.SetAction(action.Invoke);
        root.Options.OfType<VersionOption>().Single().Action = new ShowVersion();
        return root;
    }

    sealed class ShowVersion : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            parseResult.InvocationConfiguration.Output.WriteLine($"retort {typeof(Door).Assembly.GetName().Version?.ToString(3)}");
            return ExitCode.Done;
        }
    }
}
