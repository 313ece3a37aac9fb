using System.CommandLine;
using System.Text.Json;
using Retort.Distill;

namespace Retort.Cli;

static class ExportDataCommand
{
    public static Verb Create(Session session)
    {
        Argument<string> run = Inputs.Argument("RUN", "The folder of a run of retort collect");
        Option<string?> to = Inputs.Text("--to", "FILE", "The file to write [default: RUN/data.jsonl]"), form = Inputs.Text("--form", "chat|prompt", "messages, as OpenAI and TRL read them, or prompt and answer, as a recipe's data.prompts [default: chat]"), register = TermsCommand.Register();
        Verb verb = new(
            "export-data", "Hand a run's answers over as JSON lines, to train from elsewhere or here. Each row has its id; answers left out are listed beside, with why. The terms are checked again first.",
            "retort export-data runs/mine", "retort export-data runs/mine --form prompt --to prompts.jsonl")
        {
            run, to, form, register,
        };
        verb.SetAction(parsed =>
        {
            string folder = parsed.GetRequiredValue(run);
            DataForm shape = parsed.GetValue(form) switch { null or "chat" => DataForm.Chat, "prompt" => DataForm.Prompt, string other => throw new UserError($"must be chat or prompt, not '{other}'", "--form", "chat has messages, prompt has prompt and answer.") };
            ExportDataResult result = ExportDataJob.Run(folder, parsed.GetValue(to) ?? Path.Combine(folder, "data.jsonl"), shape, ShippedTerms.Or(parsed.GetValue(register)), session.Time);
            if (result is ExportDataResult.Refused refused)
            {
                session.Answer(TermsJson.Verdict(refused.Verdict), TermsText.Verdict(refused.Verdict, []));
                return ExitCode.Negative;
            }

            ExportDataResult.Written written = (ExportDataResult.Written)result;
            session.Answer(written, Lines(written));
            return ExitCode.Done;
        });
        return verb;
    }

    static IEnumerable<string> Lines(ExportDataResult.Written w)
    {
        yield return $"{w.File}: {w.Rows:n0} rows";
        yield return w.Excluded.Count == 0
            ? "nothing is left out"
            : $"{w.List}: {w.Excluded.Values.Sum():n0} answers left out ({string.Join(", ", w.Excluded.OrderBy(e => e.Key).Select(e => $"{e.Value:n0} {JsonNamingPolicy.KebabCaseLower.ConvertName(e.Key.ToString()).Replace('-', ' ')}"))})";
    }
}
