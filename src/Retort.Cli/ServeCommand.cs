using System.CommandLine;
using Retort.Guard;

namespace Retort.Cli;

static class ServeCommand
{
    const string DefaultUrls = "http://127.0.0.1:8080";

    public static Verb Create(Session session)
    {
        Argument<string?> model = Inputs.OptionalArgument("MODEL", "A Hugging Face folder, a .gguf file or a llama2.c .bin file");
        Option<string?> upstream = Inputs.Text("--upstream", "URL", "In place of a model a service that speaks OpenAI's interface, up to /v1"), guard = Inputs.Text("--guard", "FILE", "The policy: who may ask, under which terms, how much and what [default: everybody; an upstream's requests are hardened all the same]");
        Option<string?> urls = Inputs.Text("--urls", "URLS", "Addresses to listen on, parted by semicolons [default: http://127.0.0.1:8080]"), name = Inputs.Text("--name", "NAME", "What clients call the model [default: its folder's or file's name]");
        Option<string?> tokenizer = Inputs.Text("--tokenizer", "FILE", "A tokenizer that goes before the one beside the model"), format = AnswerFormats.Option();
        Option<int?> cache = Inputs.OptionalWhole("--cache-tokens", "Tokens whose keys and values are kept, of all answers together [default: what 1 GiB holds, at least one context]", 32, int.MaxValue);
        Option<int> answers = Inputs.Whole("--answers", "Answers computed side by side", 16, 1, 1024), queue = Inputs.Whole("--queue", "Answers that may wait beyond those before new ones get a 429", 64, 0, 1 << 20);
        Option<int> most = Inputs.Whole("--max-tokens", "Tokens of a chat answer for which the client names no number", 1024, 1, int.MaxValue), threads = Inputs.Threads();
        Option<string?> cascade = Inputs.Text("--cascade", "TEACHER", "A larger model that answers where this one is not sure enough"), prompts = Inputs.Text("--cascade-prompts", "FILE", "JSON lines of \"prompt\", not trained on, by which that is decided [default: held-out.jsonl beside the student of a run]");
        Option<double> agree = Inputs.Number("--agree", "How often the model's own answers are to be the teacher's", 0.98, 0.01, 1);
        Verb verb = new(
            "serve", "Serve a model behind OpenAI's interface: /v1/chat/completions, /v1/completions, /v1/models. Ctrl-C lets answers under way end.",
            "retort serve runs/tales/student --format q8_0",
            "retort serve qwen2.5-0.5b.gguf --urls http://0.0.0.0:8000 --answers 8",
            "retort serve runs/tales/student --cascade models/tales-teacher --agree 0.98",
            "retort serve --upstream https://api.openai.com/v1 --guard guard.yaml")
        {
            model, upstream, guard, urls, name, tokenizer, format, cache, answers, queue, most, cascade, agree, prompts, threads,
        };
        verb.SetAction(parsed =>
        {
            if (parsed.GetValue(upstream) is { } service)
            {
                if (parsed.GetValue(model) is not null)
                {
                    throw new UserError("a model and an upstream are both given", "--upstream", "Give one of them.");
                }

                ServeJob.RunUpstream(
                    service, parsed.GetValue(guard), parsed.GetValue(urls) ?? DefaultUrls, Environment.GetEnvironmentVariable,
                    facts =>
                    {
                        session.Answer(facts, Lines(facts));
                        session.Output.Flush();
                    },
                    said => session.Error.WriteLine($"retort: {said}"), session.Time, session.Stop).GetAwaiter().GetResult();
                return ExitCode.Done;
            }

            string reference = parsed.GetValue(model) ?? throw new UserError("there is nothing to serve", "MODEL", "Name a model, or a service with --upstream URL.");
            ServeOptions options = new(
                parsed.GetValue(name) ?? Path.GetFileNameWithoutExtension(Path.TrimEndingDirectorySeparator(reference)), parsed.GetValue(urls) ?? DefaultUrls,
                Inputs.Count(parsed.GetValue(threads)), CacheTokens: 0, parsed.GetValue(answers), parsed.GetValue(queue), parsed.GetValue(most));
            CascadeOptions? behind = parsed.GetValue(cascade) is not { } teacher ? null
                : new(teacher, AnswerFormats.Of(parsed.GetValue(format)), parsed.GetValue(agree), parsed.GetValue(prompts) ?? HeldOut(reference));
            ServeJob.Run(
                reference, parsed.GetValue(tokenizer), AnswerFormats.Of(parsed.GetValue(format)), parsed.GetValue(cache), behind, options, parsed.GetValue(guard), Environment.GetEnvironmentVariable, said => session.Error.WriteLine($"retort: {said}"),
                (done, all) =>
                {
                    if (done % 20 == 0 || done == all)
                    {
                        session.Error.WriteLine($"calibrating: {done} of {all} prompts asked of both");
                    }
                },
                facts =>
                {
                    session.Answer(facts, Lines(facts));
                    session.Output.Flush();
                },
                session.Time, session.Stop).GetAwaiter().GetResult();
            return ExitCode.Done;
        });
        return verb;
    }

    /// <summary>What a run held out lies beside its student.</summary>
    static string HeldOut(string student) =>
        Path.Combine(Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(student)))!, "held-out.jsonl") is var file && File.Exists(file) ? file
        : throw new UserError("a cascade needs prompts to be calibrated by", "--cascade", "Give --cascade-prompts FILE: JSON lines of \"prompt\", not trained on.");

    static IEnumerable<string> Lines(GuardFacts facts)
    {
        yield return $"{facts.Model} answers at {string.Join(", ", facts.Addresses.Select(a => a + "/v1"))}";
        yield return facts.Policy is { } policy ? $"guarded by {policy}" : "there is no policy: everybody who reaches this address may ask; what is asked for is hardened all the same";
    }

    static IEnumerable<string> Lines(ServeFacts facts)
    {
        yield return $"{facts.Model} ({facts.Bytes / 1048576.0:0.#} MiB) answers at {string.Join(", ", facts.Addresses.Select(a => a + "/v1"))}; keys and values of {facts.CacheTokens:n0} tokens are kept";
        if (facts.Policy is { } policy)
        {
            yield return $"guarded by {policy}";
        }

        if (facts.Cascade is not { } c)
        {
            yield break;
        }

        yield return double.IsInfinity(c.Threshold)
            ? "cascade: no confidence reached the agreement that is asked, so the teacher answers everything"
            : $"cascade: the student answers {c.Share:p0} of prompts, those to whose answer it gives a probability of {c.Threshold:g2} or more; as the teacher would in {c.Agreement:p1} of them (at least {c.AgreementLow:p1}, one-sided 95 %, {c.Prompts} prompts that did not choose the threshold); {c.Overall:p1} over all, in {c.Cost:p0} of the teacher's time{(c.Cost < 1 ? "" : ", so the teacher alone is quicker")}";
    }
}
