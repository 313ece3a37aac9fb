using System.Text;
using static Retort.Distill.ReportNumbers;

namespace Retort.Distill;

/// <summary>The report on a terminal: plain lines of at most 96 columns, the verdict and where the files are at the end.</summary>
public static class ReportSummary
{
    public const int Columns = 96;

    const int NameWidth = 26, ValueWidth = 14, MostGoldRows = 6, MostTaskRows = 13;

    /// <param name="files">What each written file is, and its path: ("report", "out/report.html").</param>
    public static IReadOnlyList<string> Lines(RunReport report, IReadOnlyList<(string Name, string Path)> files)
    {
        bool teacher = report.Teacher is not null, twin = report.Results.Twin is not null;
        List<string> lines = [Cut($"{report.Run.Name} · {Whole(report.Seeds())} {(report.Seeds() == 1 ? "seed" : "seeds")} · {Count(report.Compute.Tokens)} training tokens each"), ""];
        lines.Add(Row("", teacher ? "teacher" : "", "student", twin ? "twin" : ""));
        lines.Add(Row("parameters", report.Teacher is { } t ? Parameters(t.Parameters) : "", Parameters(report.Student.Parameters), twin ? Parameters(report.Student.Parameters) : ""));
        lines.Add(Row("on disk", report.Teacher is { } d ? Bytes(d.Bytes) : "", Bytes(report.Student.Bytes), twin ? Bytes(report.Student.Bytes) : ""));
        foreach ((string name, string its, string own, string without) in report.Task is { } task ? TaskTables.Lines(task).Take(MostTaskRows) : [])
        {
            lines.Add(Row(name, teacher ? its : "", own, twin ? without : ""));
        }

        IReadOnlyList<MetricRow> metrics = ReportTables.Metrics(report);
        MetricRow[] gold = [.. metrics.Where(m => m.Name.StartsWith("Gold: ", StringComparison.Ordinal))];

        // What a task's answers are worth stands before; the rest of a task is in the report.
        foreach (MetricRow metric in report.Task is null ? metrics.Except(gold.Skip(MostGoldRows)) : metrics.Take(1))
        {
            lines.Add(Row(char.ToLowerInvariant(metric.Name[0]) + metric.Name[1..], teacher ? metric.Teacher : "", metric.Student, twin ? metric.Twin : ""));
        }

        if (report.Speed is { } speed)
        {
            lines.Add(Row("prompt tokens/s", speed.Teacher is { } p ? Count(p.Prompt) : "", Count(speed.Student.Prompt), ""));
            lines.Add(Row("decode tokens/s", speed.Teacher is { } q ? Count(q.Decode) : "", Count(speed.Student.Decode), ""));
        }

        if (report is { Task: not null, Cost: { } calls })
        {
            lines.Add(Row("a thousand calls", calls.TeacherPerCall is { } its ? Money(its * 1000, calls.Currency) : "", Money(calls.StudentPerCall * 1000, calls.Currency), ""));
        }

        if (report.Cost is { } cost)
        {
            lines.Add(Row("per million tokens", cost.TeacherPerMillion is { } m ? Money(m, cost.Currency) : "", Money(cost.StudentPerMillion, cost.Currency), ""));
        }

        if (report.Asked is { } asked)
        {
            lines.Add("");
            lines.Add(Cut($"asked {Whole(asked.Store.Answers)} answers for {asked.Store.Spent}; text: {report.Data.Source}"));
        }

        if (report.Task?.Cascade is { } c)
        {
            lines.Add("");
            lines.AddRange(Wrap(c.Threshold is not { } threshold ? $"Before its teacher the student answers nothing: at no confidence are {Percent(c.Agree)} of its answers the teacher's."
                : $"Before its teacher the student answers {Percent(c.Share)}, those it gives a probability of {Significant(threshold)} or more{(c.Agreement is { } same ? $": as the teacher would in {Percent(same)} of them, at least {Percent(c.AgreementLow)}" : "")}{(c.CallsToBreakEven is { } even ? $"; it has paid for itself after {Count(even)} calls" : "")}."));
        }

        if (report.Verdict is { } verdict)
        {
            lines.Add("");
            lines.AddRange(Wrap(string.Join(' ', new[] { $"{verdict.Label}.", verdict.Reason, verdict.Measurement, verdict.EqualCompute }.Where(s => s is not null))));
        }

        if (report.Warnings.Count > 0)
        {
            lines.Add(Cut(report.Warnings.Count == 1 ? "Warning: " + report.Warnings[0] : $"{report.Warnings.Count} warnings: see the report."));
        }

        lines.Add("");
        lines.AddRange(files.Select(f => Plain($"{f.Name,-12} {f.Path}")));
        return lines;
    }

    static int Seeds(this RunReport report) => report.Results.Student.Seeds.Count;

    static string Row(string name, string teacher, string student, string twin) =>
        (Pad(name, NameWidth) + teacher.PadLeft(ValueWidth) + student.PadLeft(ValueWidth) + twin.PadLeft(ValueWidth)).TrimEnd();

    static string Pad(string text, int width) => Plain(text.Length <= width ? text.PadRight(width) : string.Concat(text.AsSpan(0, width - 1), "…"));

    static string Cut(string text) => Plain(text.Length <= Columns ? text : string.Concat(text.AsSpan(0, Columns - 1), "…"));

    /// <summary>Names come from recipes and model files: no control sequence of theirs may reach a terminal.</summary>
    static string Plain(string text) => string.Create(text.Length, text, (to, from) =>
    {
        for (int i = 0; i < from.Length; i++)
        {
            to[i] = char.IsControl(from[i]) ? ' ' : from[i];
        }
    });

    static IEnumerable<string> Wrap(string text)
    {
        StringBuilder line = new();
        foreach (string word in Plain(text).Split(' '))
        {
            if (line.Length > 0 && line.Length + 1 + word.Length > Columns)
            {
                yield return line.ToString();
                line.Clear();
            }

            line.Append(line.Length > 0 ? " " : "").Append(word);
        }

        yield return line.ToString();
    }
}
