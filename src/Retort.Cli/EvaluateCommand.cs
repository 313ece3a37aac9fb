using System.CommandLine;
using Retort.Distill;

namespace Retort.Cli;

static class EvaluateCommand
{
    public static Verb Create(Session session)
    {
        Argument<string> model = Inputs.Argument("MODEL", "A Hugging Face folder, a .gguf file or a llama2.c .bin file");
        Option<string?> teacher = Inputs.Text("--teacher", "MODEL", "A model of the same vocabulary to compare with"), text = Inputs.Text("--text", "FILE", "Plain text to score, from end to end");
        Option<string?> prompts = Inputs.Text("--prompts", "FILE", "JSON lines of \"prompt\" and \"answer\"; the answers are scored"), tokenizer = Inputs.Text("--tokenizer", "FILE", "A tokenizer that goes before the one beside the model");
        Option<int?> context = Inputs.OptionalWhole("--context", "Tokens a row, a multiple of 32 [default: the model's own, at most 512]", 32, 1 << 20);
        Option<int> threads = Inputs.Threads();
        Verb verb = new(
            "evaluate", "Score a model on text: cross entropy, perplexity, calibration and, with a teacher, forward KL and top-1 agreement.",
            "retort evaluate runs/tales/student --text story.txt",
            "retort evaluate runs/tales/student --teacher models/tales-teacher --prompts questions.jsonl")
        {
            model, teacher, text, prompts, tokenizer, context, threads,
        };
        verb.SetAction(parsed =>
        {
            if (parsed.GetValue(text) is null == parsed.GetValue(prompts) is null)
            {
                throw new UserError("one of --text and --prompts is needed", "evaluate", "Give --text FILE for plain text, or --prompts FILE for questions and answers.");
            }

            EvaluateOptions options = new(
                parsed.GetRequiredValue(model), parsed.GetValue(teacher), parsed.GetValue(tokenizer), parsed.GetValue(text), parsed.GetValue(prompts), parsed.GetValue(context), Inputs.Count(parsed.GetValue(threads)));
            EvaluateResult r = ProgressDisplay.Run(session, advance => EvaluateJob.Run(options, p => advance(p.Step, p.Share, p.Detail), session.Stop));
            session.Answer(r, Lines(r));
            return ExitCode.Done;
        });
        return verb;
    }

    static IEnumerable<string> Lines(EvaluateResult r)
    {
        yield return $"{r.Model}: {r.Parameters:n0} parameters, {r.Bytes:n0} bytes";
        yield return $"{r.Source}: {r.Tokens:n0} tokens scored in {r.Rows:n0} {(r.Rows == 1 ? "row" : "rows")} of {r.Context}";
        if (r.Cut > 0)
        {
            yield return $"{r.Cut:n0} documents were longer than a row and were cut; raise --context to keep them whole.";
        }

        yield return "";
        yield return $"cross entropy      {r.CrossEntropy:f4} nats per token";
        yield return $"perplexity         {r.Perplexity:g5}";
        yield return $"calibration error  {r.CalibrationError * 100:f1} %";
        if (r.Teacher is not null)
        {
            yield return $"forward KL         {r.ForwardKl:f4} nats per token from the teacher {r.Teacher}";
            yield return $"top-1 agreement    {r.TopAgreement * 100:f1} %";
            yield return $"teacher's own      {r.TeacherCrossEntropy:f4} nats per token";
        }
    }
}
