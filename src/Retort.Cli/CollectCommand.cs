using System.CommandLine;
using Retort.Asking;
using Retort.Evidence.Ledger;

namespace Retort.Cli;

static class CollectCommand
{
    public static Verb Create(Session session)
    {
        Argument<string> path = Inputs.Argument("RECIPE", "The recipe, a YAML file; its teacher is an endpoint");
        Option<string?> to = Inputs.Text("--out", "DIR", "The run folder, which keeps transcripts.db [default: runs/NAME, after the recipe's name]");
        Option<string?> register = TermsCommand.Register();
        Option<string[]> set = Inputs.Many("--set", "KEY.PATH=VALUE", "Change a value of the recipe");
        Option<bool> probe = new("--probe") { Description = "See what the endpoint does, once more if that was seen, and ask nothing else" };
        Verb verb = new(
            "collect",
            """
            Ask a teacher behind OpenAI's interface what a recipe's prompts say, and keep every answer. Run again, it asks only what has no answer yet.
            Nothing is asked unless the register of terms opens it: retort terms check says whether it does.

            A recipe for asking:
              teacher: https://api.example.com/v1#model
              data: {prompts: prompts.jsonl}
              terms: {teacher: ID}                               # of retort terms list, where the host does not tell it
              ask: {key: EXAMPLE_API_KEY, max_tokens: 300, temperature: 0.7}
              money: {ceiling: 5, prompt: 0.25, completion: 2}   # USD, a million tokens
              pace: {requests_per_minute: 500, in_flight: 32}    # or left to adapt

            Prompts are read from JSON lines (prompt, messages or turns), CSV (with data.template: "Translate {text} to French"), plain text, ChatGPT's
            conversations.json, Langfuse exports, captures of gateways and HTTP archives; what a file is shows in it, or data.format says it.
            data: {grow: {to: 500}} lets the teacher write new prompts from those; ask: {batch: true} asks in batches. What the endpoint does is seen first.
            """,
            "retort collect recipe.yaml",
            "retort collect recipe.yaml --out runs/mine --json")
        {
            path, to, set, register, probe,
        };
        verb.SetAction(parsed =>
        {
            AskRecipe recipe = AskRecipe.Read(parsed.GetRequiredValue(path), parsed.GetValue(set) ?? []);
            string folder = parsed.GetValue(to) ?? Path.Combine("runs", recipe.Name);
            session.WhenStopped = "What was answered is kept; run the same command again to go on.";
            long left = 0;
            LedgerHome ledger = OwnLedger.Open(session);
            CollectResult result = ProgressDisplay.Run(session, advance => CollectJob.Run(
                recipe, new(folder, ShippedTerms.Or(parsed.GetValue(register)), Environment.GetEnvironmentVariable, Ledger: ledger) { Probe = parsed.GetValue(probe) },
                forecast =>
                {
                    left = forecast.Left;
                    Tell(session, forecast, folder);
                },
                facts => advance("ask", left == 0 ? 1 : (double)(facts.Answered + facts.GivenUp) / left, AskProgress.Line(facts)), session.Time, session.Stop).GetAwaiter().GetResult());
            if (result is CollectResult.Refused refused)
            {
                session.Answer(TermsJson.Verdict(refused.Verdict), TermsText.ForRecipe(refused.Verdict));
                return ExitCode.Negative;
            }

            CollectResult.Asked asked = (CollectResult.Asked)result;
            return Tell(session, asked);
        });
        return verb;
    }

    /// <summary>What asking may cost, before anything is asked.</summary>
    internal static void Tell(Session session, Forecast forecast, string folder)
    {
        foreach (string line in (IEnumerable<string>)[.. forecast.Sources, .. forecast.Sensitive.Count > 0 ? [Found(forecast, folder)] : (string[])[], .. Before(forecast), Line(forecast)])
        {
            session.Error.WriteLine(line);
        }
    }

    /// <summary>How asking ended.</summary>
    internal static int Tell(Session session, CollectResult.Asked asked)
    {
        session.Answer(asked, Lines(asked));
        return asked.End switch
        {
            AskEnd.ShutOut => throw new UserError($"the endpoint shut us out: {asked.Said}", asked.File, "Nothing more was asked; check the key and what the account may do. What was answered is kept."),
            AskEnd.Unavailable => throw new UserError($"the endpoint's files and batches cannot be had: {asked.Said}", asked.File, "Run the same command again later: batches under way are taken up, and what was answered is kept."),
            AskEnd.Stopped => throw new OperationCanceledException(session.Stop),
            AskEnd.Ceiling => ExitCode.Negative,
            _ => asked.Facts.GivenUp > 0 ? ExitCode.Negative : ExitCode.Done,
        };
    }

    static string Line(Forecast f) => f.Left == 0 ? $"{f.Questions:n0} questions, all of them answered{With(f)}" : $"{f.Questions:n0} questions, {f.Left:n0} to ask; {Cost(f)}{With(f)}{(f.Ceiling is { } most ? $", never more than {most} in all" : "")}{(f.Spent > default(Usd) ? $"; {f.Spent} spent so far" : "")}";

    /// <summary>What is asked beside the recipe's questions, each with its price.</summary>
    static IEnumerable<string> Before(Forecast f)
    {
        if (f.Probe is { } probe)
        {
            yield return $"first, to see what the endpoint does: {Requests(probe)}{AtMost(probe.AtMost)}";
        }

        if (f.Growing is { } growing)
        {
            yield return $"to grow prompts: {Requests(growing)}{AtMost(growing.AtMost)}";
        }

        if (f.Grown is { } grown)
        {
            yield return $"to ask what is grown: {grown.Most:n0} questions at most{AtMost(grown.AtMost)}";
        }
    }

    static string Requests(ForecastPart part) => part.Likely == part.Most ? $"{part.Most:n0} requests" : $"about {part.Likely:n0} requests, {part.Most:n0} at most";

    static string AtMost(Usd? cost) => cost is { } most ? $"; at most {most}" : "";

    static string Found(Forecast f, string folder) =>
        $"prompts that by their form hold personal data or secrets: {string.Join(", ", f.Sensitive.OrderBy(p => p.Key).Select(p => $"{p.Value:n0} with {Word(p.Key)}"))}; {(f.LeftOut > 0 ? $"left out: {f.LeftOut:n0} (data: {{scan: report}} asks them all the same)" : "asked all the same")}, see {Path.Combine(folder, "sensitive.jsonl")}";

    static string Word(Sensitive kind) => kind switch
    {
        Sensitive.Mail => "mail addresses",
        Sensitive.Phone => "telephone numbers",
        Sensitive.Card => "card numbers",
        Sensitive.Account => "bank accounts",
        Sensitive.SocialSecurity => "social security numbers",
        Sensitive.PrivateKey => "private keys",
        Sensitive.ServiceKey => "service keys",
        _ => "passwords",
    };

    /// <summary>The sum, where something comes beside the questions.</summary>
    static string With(Forecast f) => f.InAll is { } all && all != f.AtMost ? $", with the above at most {all}" : "";

    static string Cost(Forecast f) => f.AtMost is not { } most ? "what that costs is not known: the recipe has no prices, or no max_tokens" : f.Likely is { } likely ? $"about {likely}, at most {most}" : $"at most {most}";

    static IEnumerable<string> Lines(CollectResult.Asked result)
    {
        (AskFacts facts, StoreFacts store) = (result.Facts, result.Store);
        yield return $"{store.Answers:n0} of {store.Questions:n0} questions answered, {facts.Answered:n0} of them now; {store.Spent} spent{(store.PossiblyPaid > default(Usd) ? $", of that {store.PossiblyPaid} possibly, without an answer" : "")}";
        foreach (BatchFacts b in result.Batches)
        {
            yield return $"batch {b.Id}, {b.Status}: {b.Answers:n0} of {b.Questions:n0} answered{Count(b.Failed, "failed")}{Count(b.Missing, "in no file of it")}{Count(b.Again, "lines twice")}{Count(b.Unknown, "lines of nobody")}{Count(b.Broken, "broken lines")}";
        }

        if (result.Growth is { } g)
        {
            Diversity d = g.Diversity;
            yield return $"{g.Kept:n0} prompts grown ({g.Ended}), of {g.Offered:n0} offered in {g.Requests:n0} answers; {g.Removed:p0} of those were too like another{Count(g.LeftOut, "left out for personal data")}";
            yield return $"diversity: distinct-1 {d.Distinct1:0.00}, distinct-2 {d.Distinct2:0.00}, distinct-3 {d.Distinct3:0.00}; likeness to the nearest {d.Nearest:0.00} on average";
        }

        if (result.Probe is { } probe)
        {
            yield return $"the endpoint, as {probe.Model ?? "a model it does not name"}: {Does(probe)}";
        }

        if (result.Own is { } own)
        {
            yield return own.Sentence;
        }

        if (facts.Faults.Count > 0)
        {
            yield return "requests that brought nothing: " + string.Join(", ", facts.Faults.OrderBy(p => p.Key).Select(p => $"{p.Value:n0} {AskProgress.Word(p.Key)}"));
        }

        if (store.InFlight > 0)
        {
            yield return $"{store.InFlight:n0} requests were under way when the program ended; they are counted as paid in full";
        }

        if (result.End == AskEnd.Ceiling)
        {
            yield return "stopped below the ceiling: the next question could have passed it. Raise money.ceiling to go on";
        }

        if (facts.GivenUp > 0)
        {
            yield return $"{facts.GivenUp:n0} questions have no answer; run the same command again to ask them once more";
        }

        if (facts.NotAsked > 0)
        {
            yield return $"{facts.NotAsked:n0} later turns were not asked: the one before has no answer, a refusal, or one that was cut off";
        }

        yield return result.File;
    }

    static string Count(int count, string what) => count == 0 ? "" : $", {count:n0} {what}";

    static string Does(ProbeFacts p)
    {
        string Said(bool? does, string yes, string no) => does switch { true => yes, false => no, null => $"not known whether {yes}" };
        return string.Join(" · ",
        [
            p.LogProbabilities is not true ? Said(p.LogProbabilities, "log-probabilities", "no log-probabilities") : $"log-probabilities of {p.Alternatives} likely tokens, {(p.Bytes == true ? "with bytes" : "without bytes")}",
            Said(p.Several, "n answers", "one answer at a time"), Said(p.Seed, "seeds repeat", "seeds do not repeat"), Said(p.Schema, "JSON schemas kept", "JSON schemas not kept"),
            Said(p.Usage, "tokens counted", "tokens not counted"), Said(p.Limits, "limits named", "limits not named"),
        ]);
    }
}
