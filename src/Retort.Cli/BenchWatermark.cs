using System.CommandLine;
using Retort.Guard.Bench;

namespace Retort.Cli;

static class BenchWatermark
{
    public static Verb Create(Session session)
    {
        Argument<string> model = Inputs.Argument("MODEL", "A Hugging Face folder, a .gguf file or a llama2.c .bin file");
        Option<string> prompts = Inputs.Required("--prompts", "FILE", "JSON lines with \"prompt\"");
        Option<int> answers = Inputs.Whole("--answers", "Answers to every prompt, each way", 16, 1, 100_000), tokens = Inputs.Whole("--max-tokens", "Most tokens of an answer", 400, 1, 1 << 20), threads = Inputs.Threads();
        Option<double> temperature = Inputs.Number("--temperature", "Of drawing", 1, 1e-3, 100), topP = Inputs.Number("--top-p", "Of drawing", 1, 1e-9, 1), delta = Inputs.Number("--delta", "What the green list adds to green tokens' log odds", 2, 0, 20);
        Option<string?> judge = Inputs.Text("--judge", "MODEL", "Another model that reads the answers"), format = AnswerFormats.Option();
        Option<long> seed = Inputs.Seed("Of keys and answers", 1);
        Verb verb = new(
            "watermark", "Measure watermarks: the same prompts answered without, with a tournament and with a green list, from the same seeds; what that does to quality and speed, and from how many tokens it is found.",
            "retort bench watermark models/tales-teacher --prompts bench/story-prompts.jsonl --answers 40",
            "retort bench watermark models/tales-teacher --prompts bench/story-prompts.jsonl --temperature 0.7 --delta 1 --json")
        {
            model, prompts, answers, tokens, temperature, topP, delta, judge, format, seed, threads,
        };
        verb.SetAction(parsed =>
        {
            WatermarkBenchOptions options = new(
                parsed.GetRequiredValue(model), AnswerFormats.Of(parsed.GetValue(format)), parsed.GetRequiredValue(prompts), parsed.GetValue(answers), parsed.GetValue(tokens), parsed.GetValue(temperature), parsed.GetValue(topP),
                parsed.GetValue(delta), parsed.GetValue(judge), Inputs.Count(parsed.GetValue(threads)), (ulong)parsed.GetValue(seed));
            WatermarkBenchResult r = ProgressDisplay.Run(session, advance => WatermarkBench.Run(options, (step, share) => advance(step, share, ""), session.Stop));
            session.Answer(r, Lines(r));
            return ExitCode.Done;
        });
        return verb;
    }

    static IEnumerable<string> Lines(WatermarkBenchResult r)
    {
        yield return "mark         answers  tokens  perplexity (95 %)        nats a token more (95 %)     distinct 2, 4   different  tokens/s   µs a draw";
        foreach (WatermarkArm a in r.Arms)
        {
            yield return $"{a.Mark,-12}{a.Answers,8}{a.Tokens,8:f0}  {a.Perplexity.Mean,6:f2} ({a.Perplexity.Low:f2} to {a.Perplexity.High:f2})  {a.NatsAgainstUnmarked.Mean,8:f3} ({a.NatsAgainstUnmarked.Low:f3} to {a.NatsAgainstUnmarked.High:f3})"
                + $"  {a.Distinct2,7:f3} {a.Distinct4,6:f3}  {a.DifferentAnswers,7:f3}  {a.TokensPerS,8:n0}  {a.DrawMicroseconds,9:n0}{(a.JudgeNatsPerByte is { } j ? $"  judge {j:f4} nats/byte" : "")}";
        }

        yield return "";
        yield return "looked for   in answers   tokens   texts   median log10 p   p <= 0.01";
        foreach ((string what, WatermarkDetection d) in r.Marked.Select(d => ("marked", d)).Concat(r.Unmarked.Select(d => ("unmarked", d))).Where(l => l.Item2.Texts > 0))
        {
            yield return $"{d.Mark,-12} {what,-11}{d.Tokens,8}{d.Texts,8}{d.MedianLog10P,17:f2}{d.Found,12:p1}";
        }
    }
}
