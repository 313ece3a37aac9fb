using System.CommandLine;
using Retort.Asking;
using Retort.Evidence.Terms;

namespace Retort.Cli;

static class CollectCommand
{
    public static Verb Create(Session session)
    {
        Argument<string> path = Inputs.Argument("RECIPE", "The recipe, a YAML file; its teacher is an endpoint");
        Option<string?> to = Inputs.Text("--out", "DIR", "The run folder, which keeps transcripts.db [default: runs/NAME, after the recipe's name]"), register = Inputs.Text("--register", "DIR", "A folder of .yaml files instead of the register of terms that ships");
        Option<bool> probe = new("--probe") { Description = "See what the endpoint does, once more if that was seen, and ask nothing else" };
        Verb verb = new(
            "collect",
            """
            Ask a teacher behind OpenAI's interface what a recipe's prompts say, and keep every answer. Run again, it asks only what has no answer yet.
            Nothing is asked unless the register of terms opens it: retort terms check says whether it does.

            A recipe for asking:
              teacher: https://api.example.com/v1#model
              data: {prompts: prompts.jsonl}
              ask: {key: EXAMPLE_API_KEY, terms: ID, max_tokens: 300, temperature: 0.7}
              money: {ceiling: 5, prompt: 0.25, completion: 2}   # USD, a million tokens
              pace: {requests_per_minute: 500, in_flight: 32}    # or left to adapt
            """,
            "retort collect recipe.yaml",
            "retort collect recipe.yaml --out runs/mine --json")
        {
            path, to, register, probe,
        };
        verb.SetAction(parsed =>
        {
            string file = parsed.GetRequiredValue(path), folder = parsed.GetValue(to) ?? Path.Combine("runs", AskRecipe.Read(file).Name);
            session.WhenStopped = "What was answered is kept; run the same command again to go on.";
            long left = 0;
            CollectResult result = ProgressDisplay.Run(session, advance => CollectJob.Run(
                file, new(folder, parsed.GetValue(register) is { } terms ? TermsRegister.Read(terms) : ShippedTerms.Read()) { Probe = parsed.GetValue(probe) }, Environment.GetEnvironmentVariable,
                forecast =>
                {
                    left = forecast.Left;
                    foreach (string source in forecast.Sources)
                    {
                        session.Error.WriteLine(source);
                    }

                    if (forecast.Sensitive.Count > 0)
                    {
                        session.Error.WriteLine(Found(forecast, folder));
                    }

                    session.Error.WriteLine(Line(forecast));
                },
                facts => advance("ask", left == 0 ? 1 : (double)(facts.Answered + facts.GivenUp) / left, Line(facts)), session.Time, session.Stop).GetAwaiter().GetResult());
            if (result is CollectResult.Refused refused)
            {
                session.Answer(TermsJson.Verdict(refused.Verdict), TermsText.Verdict(refused.Verdict, []).Select(l => l.Replace("--permission FILE", "ask.permissions: [FILE] in the recipe", StringComparison.Ordinal).Replace("--terms ID", "ask.terms: ID in the recipe", StringComparison.Ordinal)));
                return ExitCode.Negative;
            }

            CollectResult.Asked asked = (CollectResult.Asked)result;
            session.Answer(asked, Lines(asked));
            return asked.End switch
            {
                AskEnd.ShutOut => throw new UserError($"the endpoint shut us out: {asked.Said}", asked.File, "Nothing more was asked; check the key and what the account may do. What was answered is kept."),
                AskEnd.Unavailable => throw new UserError($"the endpoint's files and batches cannot be had: {asked.Said}", asked.File, "Run the same command again later: batches under way are taken up, and what was answered is kept."),
                AskEnd.Stopped => throw new OperationCanceledException(session.Stop),
                AskEnd.Ceiling => ExitCode.Negative,
                _ => asked.Facts.GivenUp > 0 ? ExitCode.Negative : ExitCode.Done,
            };
        });
        return verb;
    }

    static string Line(Forecast f) => f.Left == 0 ? $"{f.Questions:n0} questions, all of them answered" : $"{f.Questions:n0} questions, {f.Left:n0} to ask; {Cost(f)}{(f.Ceiling is { } most ? $", never more than {most} in all" : "")}{(f.Spent > default(Usd) ? $"; {f.Spent} spent so far" : "")}";

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

    static string Cost(Forecast f) => f.AtMost is not { } most ? "what that costs is not known: the recipe has no prices, or no max_tokens" : f.Likely is { } likely ? $"about {likely}, at most {most}" : $"at most {most}";

    static string Line(AskFacts f)
    {
        string faults = f.Faults.Count == 0 ? "" : "  " + string.Join(", ", f.Faults.OrderBy(p => p.Key).Select(p => $"{p.Value:n0} {Word(p.Key)}"));
        return $"{f.Answered:n0} answered{(f.GivenUp > 0 ? $", {f.GivenUp:n0} given up" : "")}{faults}  {f.Spent}  {f.Answered / Math.Max(f.Elapsed.TotalMinutes, 1e-3):n0} a minute";
    }

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

        if (facts.Faults.Count > 0)
        {
            yield return "requests that brought nothing: " + string.Join(", ", facts.Faults.OrderBy(p => p.Key).Select(p => $"{p.Value:n0} {Word(p.Key)}"));
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

    static string Word(FaultKind kind) => kind switch
    {
        FaultKind.Limited => "too fast (429)",
        FaultKind.Unauthorized => "not authorised (401)",
        FaultKind.Forbidden => "forbidden (403)",
        FaultKind.Challenged => "met a page for people",
        FaultKind.Refused => "refused",
        FaultKind.Unavailable => "failed at the endpoint",
        FaultKind.Broken => "broke off",
        FaultKind.Slow => "took too long",
        FaultKind.Expired => "not asked before their batch ended",
        _ => "not connected",
    };
}
