using static Retort.Distill.ReportNumbers;

namespace Retort.Distill;

/// <summary>What the report of a task leads with: how often answers are right, where not, and what to let the student answer alone.</summary>
static class TaskTables
{
    /// <summary>Names and values as the terminal shows them, teacher, student and twin.</summary>
    public static IEnumerable<(string Name, string Teacher, string Student, string Twin)> Lines(TaskFacts f)
    {
        (string, string, string, string) Line(string name, Func<TaskRow, double?> value) => (name, Text(f.Row("teacher"), value), Text(f.Row("student"), value), Text(f.Row("twin"), value));
        bool gold = f.Row("student")?.Gold is not null, told = f.Row("student")?.Teacher is not null;
        if (gold)
        {
            yield return Line("accuracy", r => r.Gold?.Accuracy);
            yield return Line("macro F1", r => r.Gold?.MacroF1);
        }

        if (told)
        {
            yield return Line("same as the teacher", r => r.Teacher?.Accuracy);
        }

        foreach (FieldMeasure field in (gold ? f.Row("student")!.Gold : f.Row("student")!.Teacher)?.Fields ?? [])
        {
            yield return Line("  " + field.Name, r => (gold ? r.Gold : r.Teacher)?.Fields.FirstOrDefault(x => x.Name == field.Name)?.Accuracy);
        }
    }

    public static Markup Section(RunReport report) => report.Task is not { } f ? Markup.None : Markup.Of(
        $"<section><h2>The task</h2><p class=\"note\">{Note(f)}</p>{Measures(f)}{Fields(f)}{Markup.Of($"<div class=\"charts\">{ReportFigures.TaskCalibration(f)}</div>")}{Slices(f)}{Cascade(report, f)}</section>");

    static string Note(TaskFacts f)
    {
        TaskRow student = f.Row("student")!;
        string gold = student.Gold is { } g ? $"{Whole(g.Items)} of them have a right answer" : "none of them has a right answer to compare with", told = student.Teacher is { } t ? $", {Whole(t.Items)} an answer of the teacher’s" : "";
        return $"{Whole(f.Items)} held-out prompts; {gold}{told}. Answers are written greedily and kept to {(f.Labels.Count > 0 ? $"the {Whole(f.Labels.Count)} labels" : "the schema")}; numbers of student and twin are means over seeds.";
    }

    static Markup Measures(TaskFacts f)
    {
        bool gold = f.Rows.Any(r => r.Gold is not null), told = f.Rows.Any(r => r.Teacher is not null);
        Markup Cells(bool shown, TaskMeasure? m) => !shown ? Markup.None : m is null ? Markup.Of($"<td>{Absent}</td><td>{Absent}</td>") : Markup.Of($"<td>{Percent(m.Accuracy)}</td><td>{Percent(m.MacroF1)}</td>");
        Markup Heads(bool shown, string beside) => !shown ? Markup.None : Markup.Of($"<th scope=\"col\">accuracy<small>{beside}</small></th><th scope=\"col\">macro F1<small>{beside}</small></th>");
        return Markup.Of(
            $"""
            <div class="scroll" tabindex="0" role="region" aria-label="Accuracy"><table><thead><tr><th scope="col">Model</th>{Heads(gold, "beside the right answers")}{Heads(told, "beside the teacher’s")}</tr></thead>
            <tbody>{Markup.Join(f.Rows.Select(r => Markup.Of($"<tr><th scope=\"row\">{Name(r.Model)}</th>{Cells(gold, r.Gold)}{Cells(told, r.Teacher)}</tr>")))}</tbody></table></div>
            """);
    }

    static Markup Fields(TaskFacts f)
    {
        bool gold = f.Row("student")!.Gold is not null;
        TaskMeasure? Of(TaskRow row) => gold ? row.Gold : row.Teacher;
        TaskRow[] rows = [.. f.Rows.Where(r => Of(r) is not null)];
        IReadOnlyList<FieldMeasure> fields = Of(f.Row("student")!)!.Fields;
        if (fields.Count == 0)
        {
            return Markup.None;
        }

        Markup body = Markup.Join(fields.Select((x, i) => Markup.Of($"<tr><th scope=\"row\">{x.Name}</th>{Markup.Join(rows.Select(r => Markup.Of($"<td>{Percent(Of(r)!.Fields[i].Accuracy)}<small>{Percent(Of(r)!.Fields[i].MacroF1)}</small></td>")))}</tr>")));
        return Markup.Of(
            $"""
            <h3 class="later">Exact match, field by field</h3><div class="scroll" tabindex="0" role="region" aria-label="Fields"><table><thead><tr><th scope="col">Field<small>macro F1 beside it</small></th>{Markup.Join(rows.Select(r => Markup.Of($"<th scope=\"col\" class=\"{Css(r.Model)}\">{Name(r.Model)}</th>")))}</tr></thead>
            <tbody>{body}</tbody></table></div>
            """);
    }

    static Markup Slices(TaskFacts f)
    {
        string judged = f.JudgedBy == "gold" ? "right" : "the teacher’s";
        if (f.Slices.Count == 0)
        {
            return Markup.Of($"<h3 class=\"later\">Where the student fails most</h3><p class=\"note\">{(f.SlicesSeen == 0 ? "There are too few held-out prompts to sort them by what they have in common." : $"None of {Whole(f.SlicesSeen)} slices is below the whole.")}</p>");
        }

        bool twin = f.Slices.Any(s => s.Twin is not null), teacher = f.Slices.Any(s => s.Teacher is not null);
        Markup rows = Markup.Join(f.Slices.Select(s => Markup.Of(
            $"<tr><th scope=\"row\">{s.Value}<small>{s.By}</small></th><td>{Whole(s.Items)}</td><td>{Percent(s.Accuracy)}<small>{Percent(s.Low)} to {Percent(s.High)}</small></td>{Cell(twin, s.Twin)}{Cell(teacher, s.Teacher)}</tr>")));
        return Markup.Of(
            $"""
            <h3 class="later">Where the student fails most</h3><p class="note">The lowest of {Whole(f.SlicesSeen)} slices by the share of answers that are {judged}. The interval (95 %, Wilson) is for one slice alone: of so many, some are low by chance.</p><div class="scroll" tabindex="0" role="region" aria-label="Slices"><table><thead><tr><th scope="col">Slice</th><th scope="col">prompts</th><th scope="col" class="student">student</th>{(twin ? Markup.Of($"<th scope=\"col\" class=\"twin\">twin</th>") : Markup.None)}{(teacher ? Markup.Of($"<th scope=\"col\" class=\"teacher\">teacher</th>") : Markup.None)}</tr></thead>
            <tbody>{rows}</tbody></table></div>
            """);

        static Markup Cell(bool shown, double? value) => shown ? Markup.Of($"<td>{(value is { } v ? Percent(v) : Absent)}</td>") : Markup.None;
    }

    static Markup Cascade(RunReport report, TaskFacts f)
    {
        if (report.Teacher is null)
        {
            return Markup.None;
        }

        if (f.Cascade is not { } c)
        {
            return Markup.Of($"<h3 class=\"later\">The student before its teacher</h3><p class=\"note\">There are too few validation prompts with an answer of the teacher’s to choose when the student may answer; raise data.validation.</p>");
        }

        List<(string, string)> facts = c.Threshold is not { } threshold
            ? [("Threshold", $"none: at no confidence are {Percent(c.Agree)} of the student’s answers the teacher’s, so the teacher answers all")]
            :
            [
                ("Threshold", $"the student answers where it gives its answer a probability of {Significant(threshold)} or more"),
                ("Answered by the student", $"{Percent(c.Share)} of {Whole(c.JudgedOn)} held-out prompts"),
                ("As the teacher would", c.Agreement is { } same ? $"{Percent(same)} of them, at least {Percent(c.AgreementLow)} (one-sided 95 %); asked for: {Percent(c.Agree)}" : "it answers none of them"),
            ];
        if (c.Accuracy is { } accuracy)
        {
            facts.Add(("Right, both together", Percent(accuracy)));
        }

        if (c.PerCall is { } call && report.Cost is { } cost)
        {
            facts.Add(("Thousand calls", $"{Money(call * 1000, cost.Currency)}, beside {Money(cost.TeacherPerCall!.Value * 1000, cost.Currency)} of the teacher alone"));
            facts.Add(("Calls to break even", c.CallsToBreakEven is { } calls ? Count(calls) : "never: a call to both is not cheaper"));
        }

        return Markup.Of($"<h3 class=\"later\">The student before its teacher</h3><p class=\"note\"><code>retort serve --cascade</code> lets the student answer where it is sure enough and the teacher elsewhere. The threshold was chosen on {Whole(c.ChosenOn)} validation prompts and is judged on the held-out ones.</p>{ReportTables.Facts("The student before its teacher", facts)}");
    }

    static string Name(string model) => model switch { "twin_equal_compute" => "twin, equal compute", _ => model };

    static string Css(string model) => model == "twin_equal_compute" ? "twin" : model;

    static string Text(TaskRow? row, Func<TaskRow, double?> value) => row is not null && value(row) is { } v ? Percent(v) : Absent;
}
