using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Retort.Cli;

/// <summary>The way in: parses a command line, runs its verb, and turns whatever happens into an exit code and one sentence.</summary>
static class Door
{
    static readonly string[] s_examples =
    [
        "retort distill recipes/tales.yaml",
        "retort generate runs/tales/student --prompt \"Once there was\"",
        "retort VERB --help",
    ];

    public static int Run(IReadOnlyList<string> arguments, Session session)
    {
        Option<bool> json = new("--json") { Description = "Print one JSON object on standard output; progress goes to standard error", Recursive = true };
        RootCommand root = Root(session, json);
        ParseResult parsed = root.Parse(arguments, new ParserConfiguration { EnablePosixBundling = false, ResponseFileTokenReplacer = null });

        // Even where another option took it for its value: whoever typed it reads the error as JSON.
        session.Json = parsed.GetResult(json) is { Implicit: false } || arguments.TakeWhile(a => a != "--").Contains(json.Name);
        string where = parsed.CommandResult.Command == root ? "retort" : parsed.CommandResult.Command.Name;
        try
        {
            if (parsed.Action is not HelpWithExamples)
            {
                OptionValues.Check(parsed, arguments);
            }

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
        catch (AggregateException e) when (e.InnerException is UserError inner)
        {
            // From a thread of the worker pool.
            return Failure.BadInput(session, inner);
        }
        catch (OperationCanceledException) when (session.Stop.IsCancellationRequested)
        {
            return Failure.Interrupted(session, where);
        }
        catch (Exception e) when (FileFault.Is(e))
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

    /// <summary>Every verb, below the program's own name.</summary>
    internal static RootCommand Root(Session session, Option<bool> json)
    {
        RootCommand root = new("Retort distills a language model you may copy into one small enough to own. It runs on the CPU and needs no Python.\n\nExit codes: 0 done, 1 a negative verdict, 2 bad input, 70 a bug in Retort, 130 interrupted with the state saved.")
        {
            json,
            InitCommand.Create(session),
            DistillCommand.Create(session),
            GenerateCommand.Create(session),
            ServeCommand.Create(session),
            GuardCommand.Create(session),
            EvaluateCommand.Create(session),
            ConvertCommand.Create(session),
            PullCommand.Create(session),
            CollectCommand.Create(session),
            ExportDataCommand.Create(session),
            TermsCommand.Create(session),
            LedgerCommand.Create(session),
            VerifyCommand.Create(session),
            BenchCommand.Create(session),
        };
        root.Directives.Clear();
        HelpOption help = root.Options.OfType<HelpOption>().Single();
        HelpWithExamples action = new((HelpAction)help.Action!, s_examples);
        help.Action = action;
        root.SetAction(parsed => session.Json ? throw new UserError("say what to do", "command line", $"Verbs are {string.Join(", ", root.Subcommands.Select(c => c.Name))}.") : action.Invoke(parsed));
        root.Options.OfType<VersionOption>().Single().Action = new ShowVersion(session);
        return root;
    }

    sealed class ShowVersion(Session session) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            string version = typeof(Door).Assembly.GetName().Version?.ToString(3) ?? "";
            session.Answer(new { retort = version }, [$"retort {version}"]);
            return ExitCode.Done;
        }
    }
}
