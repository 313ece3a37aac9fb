using static Retort.Distill.ReportNumbers;

namespace Retort.Distill;

/// <summary>
/// report.html: one file that fetches nothing (its content security policy forbids it) and runs no script. All text is escaped by
/// <see cref="Markup"/>; everything shown is in report.json.
/// </summary>
public static class ReportPage
{
    public static string Write(RunReport report) => Markup.Of(
        $"""
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
        <title>{report.Run.Name} · {report.Verdict?.Label ?? "training"} · Retort</title>
        <style>{new Markup(ReportStyle.Css)}</style>
        </head>
        <body>
        <main>
        {Head(report)}
        {VerdictPanel(report)}
        {Tiles(report)}
        {WarningList(report)}
        {TaskTables.Section(report)}
        <section><h2>Results</h2><p class="note">{ResultsNote(report)}</p>{ReportTables.MetricsTable(report)}{ReportTables.SeedsTable(report)}</section>
        {Charts("Learning", "How the losses fell, seed by seed.", ReportFigures.HeldOut(report), ReportFigures.Advantage(report), ReportFigures.Training(report), ReportFigures.RateSearch(report))}
        {Compute(report)}
        {Charts("Tasks, size and speed", "What the model can do, and what it takes.", ReportFigures.Gold(report), ReportFigures.Size(report), ReportFigures.Speed(report))}
        {Charts(report.Teacher is null ? "Calibration" : "Fidelity and calibration", report.Teacher is null ? "Whether the model is as right as it is sure." : "How close to the teacher, and whether each model is as right as it is sure.", ReportFigures.Fidelity(report), ReportFigures.Calibration(report))}
        {ReportTables.FormatsTable(report)}
        {ReportAsked.Section(report)}
        {ReportWithout.Section(report)}
        {(report.Admission is { } admission ? AdmissionTables.Section(admission) : Markup.None)}
        {Cost(report)}
        {Samples(report)}
        <section><h2>Provenance</h2><p class="note">What went in, and on what machine.</p>{ReportTables.Facts("Provenance", Provenance(report))}</section>
        <footer>Written by Retort. The same numbers in full precision are in report.json beside this file.</footer>
        </main>
        </body>
        </html>

        """).Html;

    static Markup Head(RunReport report)
    {
        Markup pair = report.Teacher is { } teacher
            ? Markup.Of($"<b>{Name(teacher)}</b> ({(teacher.Parameters is { } its ? $"{Parameters(its)} parameters" : teacher.Shape)}) distilled into <b>{Name(report.Student)}</b> ({Parameters(report.Student.Parameters)})")
            : Markup.Of($"<b>{Name(report.Student)}</b> ({Parameters(report.Student.Parameters)} parameters) trained on text, without a teacher");
        return Markup.Of($"<header><p class=\"eyebrow\">Retort {(report.Teacher is null ? "training" : "distillation")} report · {Date(report)}</p><h1>{report.Run.Name}</h1><p class=\"lead\">{pair}</p></header>");

        static string Name(ModelFacts model) => model.Reference;
    }

    static Markup VerdictPanel(RunReport report)
    {
        if (report.Verdict is not { } verdict)
        {
            return Markup.None;
        }

        string tone = verdict.Outcome switch { VerdictOutcome.Beats or VerdictOutcome.Learned => "beats", VerdictOutcome.NoBeats => "no", _ => "open" };
        Markup interval = Markup.None;
        (string Name, PairedComparison Comparison)[] intervals =
        [
            .. new[] { ("equal tokens", verdict.Comparison), ("equal compute", report.Compute.Equal is { Comparisons: [var equal, ..] } ? equal : null) }
                .Where(r => r.Item2 is { Interval: { } i } && double.IsFinite(i.Low) && double.IsFinite(i.High)).Select(r => (r.Item1, r.Item2!)),
        ];
        if (verdict.Comparison is { } c && intervals.Length > 0)
        {
            interval = Markup.Of($"<figure>{ReportCharts.Interval("interval", "Interval of the paired difference", $"{verdict.Measurement ?? verdict.Reason} {verdict.EqualCompute}", intervals)}<figcaption>Mean and {c.Interval.Level * 100} % interval of {c.Direction}, {c.Metric}. Shaded: too small to matter in practice.</figcaption></figure>");
        }

        Markup measured = Markup.Join(new[] { verdict.Measurement, verdict.EqualCompute }.Where(m => m is not null).Select(m => Markup.Of($"<p class=\"measured\">{m}</p>")));
        return Markup.Of($"<div class=\"verdict {tone}\" role=\"region\" aria-label=\"Verdict\"><div><p class=\"label\">{verdict.Label}</p><p class=\"reason\">{verdict.Reason}</p>{measured}</div>{interval}</div>");
    }

    static Markup Tiles(RunReport report)
    {
        List<(string Name, string Value, string Small)> tiles = [];
        if (report.Task is { } task && task.Row("student") is { } row && (row.Gold ?? row.Teacher) is { } measure)
        {
            string Beside(Func<TaskMeasure, double> value) => string.Join(" · ", task.Rows.Where(r => r.Model is "teacher" or "twin" && (row.Gold is null ? r.Teacher : r.Gold) is not null).Select(r => $"{r.Model} {Percent(value((row.Gold is null ? r.Teacher : r.Gold)!))}"));
            tiles.Add((row.Gold is null ? "Same as the teacher" : "Accuracy", Percent(measure.Accuracy), Beside(m => m.Accuracy)));
            tiles.Add(("Macro F1", Percent(measure.MacroF1), Beside(m => m.MacroF1)));
            if (report.Cost is { } cost)
            {
                tiles.Add(("A thousand calls", Money(cost.StudentPerCall * 1000, cost.Currency), cost.TeacherPerCall is not { } call ? "" : $"teacher {Money(call * 1000, cost.Currency)}{(cost.CallsToBreakEven is { } calls ? $"; paid for after {Count(calls)} calls" : "")}"));
            }
        }

        ModelFacts student = report.Student;
        if (report.Teacher is { Parameters: { } its } && student.Parameters is { } own)
        {
            tiles.Add(("Smaller", Times((double)its / own), $"{Parameters(its)} → {Parameters(student.Parameters)} parameters"));
        }
        else
        {
            tiles.Add(("Parameters", Parameters(student.Parameters), Bytes(student.Bytes) + " on disk"));
        }

        if (report.Speed is { } speed)
        {
            tiles.Add(speed.Teacher is { } t
                ? ("Decoding speed", Times(speed.Student.Decode / t.Decode), $"{Count(t.Decode)} → {Count(speed.Student.Decode)} tokens/s")
                : ("Decoding speed", Count(speed.Student.Decode) + "/s", "tokens per second"));
        }

        // A task's own measures stand first, and say it better.
        Scores mean = report.Results.Student.Mean;
        if (report.Task is null)
        {
            tiles.Add(("Held-out cross entropy", ReportTables.Nats(mean.CrossEntropy), report.Results.Twin is { } twin ? $"twin {ReportTables.Nats(twin.Mean.CrossEntropy)}" : "nats per token"));
        }

        if (report.Task is null && mean.GoldMean is { } gold)
        {
            string others = string.Join(" · ", new[] { ("teacher", report.Results.Teacher?.GoldMean), ("twin", report.Results.Twin?.Mean.GoldMean) }.Where(o => o.Item2 is not null).Select(o => $"{o.Item1} {Percent(o.Item2!.Value)}"));
            tiles.Add(("Gold tasks", Percent(gold), others));
        }
        else if (report.Task is null && mean.TopAgreement is { } agreement)
        {
            tiles.Add(("Agreement with teacher", Percent(agreement), "most likely token"));
        }

        return Markup.Of($"<dl class=\"tiles\">{Markup.Join(tiles.Select(t => Markup.Of($"<div class=\"tile\"><dt>{t.Name}</dt><dd>{t.Value}<small>{t.Small}</small></dd></div>")))}</dl>");
    }

    static Markup WarningList(RunReport report) => report.Warnings.Count == 0
        ? Markup.None
        : Markup.Of($"<ul class=\"warnings\" aria-label=\"Warnings\">{Markup.Join(report.Warnings.Select(w => Markup.Of($"<li>{w}</li>")))}</ul>");

    static string ResultsNote(RunReport report)
    {
        string text = report.Asked is not null ? AskedNote(report) : report.Data.TeacherTextOnly ? "The held-out text was written by the teacher, so every row but the gold tasks measures fidelity." : "Cross entropy and gold tasks are measured without the teacher; forward KL and agreement are fidelity to it.";
        string twin = report.Results.Twin is null ? "" : report.Asked is not null ? " The twin is the same student with the same budget, seeds and learning-rate search, trained on text the teacher had no part in." : " The twin is the same student on the same text with the same budget, seeds and learning-rate search, but no teacher.";
        return report.Teacher is null ? $"Measured on {Count(report.Data.HeldOutTokens)} held-out tokens." : $"Measured on {Count(report.Data.HeldOutTokens)} held-out tokens. {text}{twin}";
    }

    static string AskedNote(RunReport report) => report.TeacherAnswers is { } t
        ? $"Cross entropy and gold tasks are measured on the prompts’ gold answers, which the teacher did not write; on its own held-out answers the student is at {ReportTables.Nats(t.Student)} nats per token{(t.Twin is { } twin ? $", the twin at {ReportTables.Nats(twin)}" : "")}."
        : "The held-out answers are the teacher’s own, so every row but the gold tasks measures fidelity.";

    static Markup Compute(RunReport report) => report.Teacher is null || report.Asked is not null
        ? Markup.None
        : Markup.Of($"<section><h2>Equal tokens, equal compute</h2><p class=\"note\">{ComputeNote(report)}</p>{ReportTables.ComputeTable(report)}</section>");

    static string ComputeNote(RunReport report)
    {
        ComputeFacts c = report.Compute;
        string cost = $"Asking the teacher costs arithmetic too: with it, a student took {Fixed(c.Factor, 2)} times its own.";
        return c.Equal is not null ? $"{cost} The last row gives the twin that much more training." : $"{cost} {report.Verdict?.EqualCompute}".TrimEnd();
    }

    static Markup Charts(string heading, string note, params Markup?[] figures) => figures.All(f => f is null) ? Markup.None : Markup.Of(
        $"<section><h2>{heading}</h2><p class=\"note\">{note}</p><div class=\"charts\">{Markup.Join(figures.OfType<Markup>())}</div></section>");

    static Markup Cost(RunReport report)
    {
        if (report.Cost is not { } cost)
        {
            return Markup.None;
        }

        string Price(double? amount) => amount is { } a ? Money(a, cost.Currency) : Absent;
        List<(string, string)> facts =
        [
            ("Million generated tokens", $"{(cost.TeacherPerMillion is null ? "" : $"teacher {Price(cost.TeacherPerMillion)}, ")}student {Price(cost.StudentPerMillion)}"),
            ("Thousand calls", $"{(cost.TeacherPerCall is null ? "" : $"teacher {Price(cost.TeacherPerCall * 1000)}, ")}student {Price(cost.StudentPerCall * 1000)}"),
            ("This run", Price(cost.Distillation)),
        ];
        if (report.Teacher is not null)
        {
            facts.Add(("Calls to break even", cost.CallsToBreakEven is { } calls ? Count(calls) : "never: a call to the student is not cheaper"));
        }

        string shape = report.Speed is { } speed ? $" A call is a prompt of {Whole(speed.PromptTokens)} tokens and an answer of {Whole(speed.DecodeTokens)}." : "";
        return Markup.Of($"<section><h2>Cost</h2><p class=\"note\">At {Price(cost.PricePerCoreHour)} per core-hour, {cost.Cores} {(cost.Cores == 1 ? "core" : "cores")} busy, one request at a time.{shape}</p>{ReportTables.Facts("Cost", facts)}</section>");
    }

    static Markup Samples(RunReport report)
    {
        if (report.Samples.Count == 0)
        {
            return Markup.None;
        }

        return Markup.Of($"<section><h2>Samples</h2><p class=\"note\">The same prompts, answered by each.</p>{Markup.Join(report.Samples.Select(Sample))}</section>");

        static Markup Sample(AnswerSample s) => Markup.Of(
            $"<article class=\"sample\"><div class=\"prompt\"><div class=\"text\" dir=\"auto\">{s.Prompt}</div></div><div class=\"answers\">{Answer("teacher", "Teacher", s.Teacher)}{Answer("student", "Student", s.Student)}{Answer("twin", "Twin", s.Twin)}{Answer("gold", "Gold answer", s.Gold)}</div></article>");

        static Markup Answer(string css, string name, string? text) => text is null ? Markup.None : Markup.Of($"<div class=\"{css}\"><h4>{name}</h4><div class=\"text\" dir=\"auto\">{text}</div></div>");
    }

    static IEnumerable<(string, string)> Provenance(RunReport report)
    {
        RunIdentity run = report.Run;
        if (report.Teacher is { } teacher)
        {
            yield return ("Teacher", $"{teacher.Reference}: {teacher.Shape}{(teacher.Parameters is null ? "" : $"; {Whole(teacher.Parameters)} parameters, {Bytes(teacher.Bytes)}")}");
        }

        yield return ("Student", $"{report.Student.Reference}: {report.Student.Shape}; {Whole(report.Student.Parameters)} parameters, {Bytes(report.Student.Bytes)}");
        DataFacts data = report.Data;
        yield return ("Text", data.Source);
        yield return ("Admitted", $"{Whole(data.Documents)} documents, {Whole(data.Tokens)} tokens");
        yield return ("Held out", $"{Whole(data.HeldOutDocuments)} documents, {Whole(data.HeldOutTokens)} tokens");
        if (report.Signal is { } signal)
        {
            yield return ("Teacher signal", $"{signal.Kind}{(signal.K is { } k ? $", k = {k}" : "")}, {Significant(signal.BytesPerToken)} bytes per token{(signal.Tail is { } tail ? $", tail: {tail}" : "")}");
            if (signal.Alignment is { } met)
            {
                yield return ("Tokens met", $"{Whole(met.Same)} of the student’s {Whole(met.Tokens)} answer tokens are the teacher’s own, {Whole(met.Begun)} begin with one of its; the others, and {Whole(met.AsText)} of {Whole(met.Documents)} answers as a whole, are learned as text");
            }
        }

        yield return ("Seeds", string.Join(", ", run.Seeds));
        yield return ("Recipe", $"SHA-256 {run.RecipeHash}");
        yield return ("Machine", $"{run.Cpu}, {run.Threads} {(run.Threads == 1 ? "thread" : "threads")}, {run.VectorPath}");
        foreach ((string name, string version) in run.Versions)
        {
            yield return (name, version);
        }

        if (report.Steps.Count > 0)
        {
            yield return ("Time", string.Join(", ", report.Steps.Select(s => $"{s.Step} {Seconds(s.Seconds)}")) + $"; together {Seconds(report.Steps.Sum(s => s.Seconds))}");
        }
    }

    static string Date(RunReport report) => report.Run.Date.UtcDateTime.ToString("d MMMM yyyy, HH:mm 'UTC'");
}
