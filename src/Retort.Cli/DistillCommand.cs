using System.CommandLine;
using System.Text.Json.Nodes;
using Retort.Distill;
using Retort.Evidence.Terms;

namespace Retort.Cli;

static class DistillCommand
{
    public static Verb Create(Session session)
    {
        Argument<string> path = Inputs.Argument("RECIPE", "The recipe, a YAML file");
        Option<string?> to = Inputs.Text("--out", "DIR", "The run folder [default: runs/NAME, after the recipe's name]");
        Option<string[]> without = Inputs.Many("--without", "TEACHER", "Leave one of several teachers out: train again without its answers and say what that cost [default folder: runs/NAME-without-MODEL]"), set = Inputs.Many("--set", "KEY.PATH=VALUE", "Change a value of the recipe");
        Option<string?> register = TermsCommand.Register();
        Option<string?> dataset = Inputs.Text("--dataset", "FILE", "Train on the dataset.jsonl of another run in place of what the recipe names");
        Option<bool> noAsk = Inputs.Flag("--no-ask", "Ask a teacher behind an endpoint nothing more; train on what it has answered");
        Option<bool> resume = Inputs.Flag("--resume", "Go on with the run in the folder"), noTwin = Inputs.Flag("--no-twin", "Train no twin; the report then gives no verdict on the teacher");
        Verb verb = new(
            "distill", "Distill a teacher into a student as a recipe says, train its twin without the teacher, and report whether the teacher helped.",
            "retort distill recipes/tales.yaml",
            "retort distill recipes/tales.yaml --set train.tokens=100000 --out runs/quick",
            "retort distill recipes/tales.yaml --resume",
            "retort distill recipe.yaml --without https://host/v1#model")
        {
            path, to, set, resume, noTwin, noAsk, dataset, register, without,
        };
        verb.SetAction(parsed =>
        {
            string file = parsed.GetRequiredValue(path);
            string[] left = parsed.GetValue(without) ?? [], changes = [.. parsed.GetValue(set) ?? [], .. parsed.GetValue(noTwin) ? (string[])["twin=false"] : []];
            Recipe recipe = RecipeFile.Read(file, changes, [.. BundledSamples.All.Keys]);
            string folder = parsed.GetValue(to) ?? Path.Combine("runs", recipe.Name + string.Concat(left.Select(LeftOut.Suffix)));
            recipe = left.Length == 0 ? recipe : LeftOut.Of(recipe, left, file, reuse: changes.Any(c => c.StartsWith("ask.reuse=", StringComparison.Ordinal)));
            session.WhenStopped = $"Go on from the last checkpoint with: {Again(file, parsed.GetValue(to), changes, left)}";
            DistillOptions options = new(folder, parsed.GetValue(resume), ShippedTerms.Or(parsed.GetValue(register)), !parsed.GetValue(noAsk), Environment.GetEnvironmentVariable) { Dataset = parsed.GetValue(dataset), Ledger = OwnLedger.Open(session), OnForecast = f => CollectCommand.Tell(session, f, folder) };
            DistillResult result = ProgressDisplay.Run(session, advance =>
                DistillJob.Run(recipe, options, BundledSamples.All, p => advance(p.Step, p.Whole ?? p.Share, p.Detail, p.Left), session.Time, session.Stop), whole: true);
            switch (result)
            {
                case DistillResult.Refused refused:
                    session.Answer(TermsJson.Verdict(refused.Verdict), TermsText.ForRecipe(refused.Verdict));
                    return ExitCode.Negative;
                case DistillResult.NotAsked { Asked: var asked }:
                    session.Error.WriteLine("nothing is trained until all is asked; --no-ask trains on what is answered");
                    return CollectCommand.Tell(session, asked);
                default:
                    DistillResult.Finished finished = (DistillResult.Finished)result;
                    Print(session, finished, folder);
                    return finished.Export is ExportVerdict.Unmet ? ExitCode.Negative : ExitCode.Done;
            }
        });
        return verb;
    }

    static string Again(string file, string? folder, IReadOnlyList<string> changes, IReadOnlyList<string> without) =>
        string.Join(' ', ["retort distill", Quote(file), .. folder is null ? (string[])[] : ["--out", Quote(folder)], .. changes.Select(c => "--set " + Quote(c)), .. without.Select(w => "--without " + Quote(w)), "--resume"]);

    static string Quote(string text) => text.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '/' or '\\' or '_' or '-' or '=' or ':' or ',') ? text : $"\"{text}\"";

    /// <summary>The report as report.json holds it, and where the files are.</summary>
    static void Print(Session session, DistillResult.Finished finished, string folder)
    {
        RunReport report = finished.Report;
        (string Name, string Path)[] files = [("report", Path.Combine(folder, "report.html")), ("numbers", Path.Combine(folder, "report.json")), ("student", Path.Combine(folder, "student"))];
        IReadOnlyList<Obligation> unmet = (finished.Export as ExportVerdict.Unmet)?.Obligations ?? [];
        JsonObject json = [];
        if (session.Json)
        {
            json = JsonNode.Parse(ReportJson.Write(report))!.AsObject();
            json["files"] = new JsonObject { ["run"] = folder, ["report_html"] = files[0].Path, ["report_json"] = files[1].Path, ["student"] = unmet.Count > 0 ? null : files[2].Path };
            json["export"] = new JsonObject { ["unmet"] = new JsonArray([.. unmet.Select(o => (JsonNode)$"{o.Entry}: {o.Sentence}")]), ["conditions"] = new JsonArray([.. finished.Export.Conditions.Select(o => (JsonNode)$"{o.Entry}: {o.Sentence}")]) };
        }

        session.Answer(json, [.. ReportSummary.Lines(report, unmet.Count > 0 ? files[..2] : files), .. Unmet(unmet)]);
    }

    static IEnumerable<string> Unmet(IReadOnlyList<Obligation> unmet) => unmet.Count == 0 ? [] :
    [
        "",
        "The student is trained but not handed out. Its teachers' terms ask for more:",
        .. unmet.Select(o => $"  {o.Sentence} ({o.Entry})"),
        "Give export.name, export.notices or export.licences, and run again with --resume: nothing is trained again.",
    ];
}
