using static Retort.Distill.ReportNumbers;

namespace Retort.Distill;

/// <summary>One measured quantity for teacher, student and twin, in words fit for the page and the terminal alike.</summary>
/// <param name="Difference">Mean and interval of the paired difference; null where it was not taken.</param>
sealed record MetricRow(string Name, string Unit, string Teacher, string Student, string Twin, PairedComparison? Difference);

/// <summary>The tables of a report.</summary>
static class ReportTables
{
    /// <summary>Every metric in the order it is shown; rows nobody measured are left out.</summary>
    public static IReadOnlyList<MetricRow> Metrics(RunReport report)
    {
        RunResults r = report.Results;
        List<MetricRow> rows = [];
        void Add(string name, string unit, Func<Scores, double?> value, Func<double, string> text, Func<PairedComparison, bool> compares)
        {
            double? teacher = r.Teacher is { } t ? value(t) : null, student = value(r.Student.Mean), twin = r.Twin is { } w ? value(w.Mean) : null;
            if ((teacher ?? student ?? twin) is not null)
            {
                rows.Add(new(name, unit, Text(teacher, text), Text(student, text), Text(twin, text), report.Comparisons.FirstOrDefault(compares)));
            }
        }

        Add("Cross entropy", report.Data.TeacherTextOnly ? "nats per token, fidelity" : "nats per token", s => s.CrossEntropy, Nats, c => c.Source is MetricSource.HeldOutText or MetricSource.TeacherText);
        Add("Perplexity", "", s => s.Perplexity, Significant, _ => false);
        Add("Forward KL to teacher", "nats per token, fidelity", s => s.ForwardKl, Nats, c => c.Source is MetricSource.TeacherDistribution && !c.IsScore);
        Add("Top-1 agreement", "fidelity", s => s.TopAgreement, Percent, c => c.Source is MetricSource.TeacherDistribution && c.IsScore);
        Add("Calibration error", "ECE, 15 bins", s => s.Calibration?.Error, Percent, _ => false);
        Add("Gold tasks, all", "", s => s.GoldMean, Percent, c => c.Source is MetricSource.GoldTask);
        foreach (GoldScore gold in r.Student.Mean.Gold)
        {
            Add("Gold: " + gold.Kind, $"{Whole(gold.Items)} items", s => s.Gold.FirstOrDefault(g => g.Kind == gold.Kind)?.Score, Percent, _ => false);
        }

        return rows;
    }

    public static Markup MetricsTable(RunReport report)
    {
        bool twin = report.Results.Twin is not null, teacher = report.Teacher is not null && (report.Asked is null || report.Results.Teacher is not null);
        bool differences = report.Comparisons.Count > 0;
        Markup rows = Markup.Join(Metrics(report).Select(row => Markup.Of(
            $"<tr><th scope=\"row\">{row.Name}<small>{row.Unit}</small></th>{Cell(teacher, row.Teacher)}{Cell(true, row.Student)}{Cell(twin, row.Twin)}{(differences ? Difference(row.Difference) : Markup.None)}</tr>")));
        return Markup.Of(
            $"""
            <div class="scroll" tabindex="0" role="region" aria-label="Metrics"><table><thead><tr><th scope="col">Metric</th>{Head(teacher, ChartRole.Teacher, "")}{Head(true, ChartRole.Student, Mean(report.Results.Student))}{Head(twin, ChartRole.Twin, report.Results.Twin is { } w ? Mean(w) : "")}{(differences ? Markup.Of($"<th scope=\"col\">student’s advantage<small>over the twin, 95 % interval</small></th>") : Markup.None)}</tr></thead>
            <tbody>{rows}</tbody></table></div>
            """);
    }

    /// <summary>The student in each format it can be shipped in; nothing where none was measured.</summary>
    public static Markup FormatsTable(RunReport report)
    {
        if (report.Formats.Count == 0)
        {
            return Markup.None;
        }

        FormatFacts whole = report.Formats[0];
        Markup rows = Markup.Join(report.Formats.Select(f => Markup.Of(
            $"<tr><th scope=\"row\">{f.Name}</th><td>{Bytes(f.Bytes)}</td><td>{Significant(f.Perplexity)}</td><td>{SignedPercent((f.Perplexity / whole.Perplexity) - 1, 2)}</td><td>{Count(f.Decode)}</td></tr>")));
        return Markup.Of(
            $"""
            <section><h2>Formats</h2><p class="note">The first seed’s student as it can be shipped: what each format costs in perplexity on held-out documents, and what it saves. Matrices whose rows are no multiple of 32 numbers are not quantised.</p><div class="scroll" tabindex="0" role="region" aria-label="Formats"><table><thead><tr><th scope="col">Format</th><th scope="col">weights</th><th scope="col">perplexity</th><th scope="col">change<small>against {whole.Name}</small></th><th scope="col">tokens/s<small>one text</small></th></tr></thead>
            <tbody>{rows}</tbody></table></div></section>
            """);
    }

    public static Markup SeedsTable(RunReport report)
    {
        RunResults r = report.Results;
        bool twin = r.Twin is not null;
        IEnumerable<Markup> rows = r.Student.Seeds.Select(s => Row(s, r.Twin?.Seeds.FirstOrDefault(w => w.Seed == s.Seed)?.Scores));
        return Markup.Of(
            $"""
            <details><summary>Each seed</summary><div class="scroll" tabindex="0" role="region" aria-label="Each seed"><table><thead><tr><th scope="col">Seed</th><th scope="col" class="student">student<small>cross entropy</small></th>{Head(twin, ChartRole.Twin, "cross entropy")}<th scope="col" class="student">student<small>forward KL</small></th>{Head(twin, ChartRole.Twin, "forward KL")}<th scope="col" class="student">student<small>gold</small></th>{Head(twin, ChartRole.Twin, "gold")}</tr></thead>
            <tbody>{Markup.Join(rows)}</tbody></table></div></details>
            """);

        Markup Row(SeedScores s, Scores? w) => Markup.Of(
            $"<tr><th scope=\"row\">{s.Seed}</th><td>{Nats(s.Scores.CrossEntropy)}</td>{Cell(twin, Text(w?.CrossEntropy, Nats))}<td>{Text(s.Scores.ForwardKl, Nats)}</td>{Cell(twin, Text(w?.ForwardKl, Nats))}<td>{Text(s.Scores.GoldMean, Percent)}</td>{Cell(twin, Text(w?.GoldMean, Percent))}</tr>");
    }

    /// <summary>Equal tokens beside equal compute.</summary>
    public static Markup ComputeTable(RunReport report)
    {
        ComputeFacts c = report.Compute;
        List<Markup> rows = [Row("Student", Count(c.Tokens), c.StudentFlops + (c.TeacherFlops ?? 0), c.TeacherFlops, report.Results.Student.Mean.CrossEntropy, Difference(null))];
        if (report.Results.Twin is { } twin)
        {
            rows.Add(Row("Twin, equal tokens", Count(c.Tokens), c.TwinFlops, null, twin.Mean.CrossEntropy, Difference(OfText(report.Comparisons))));
        }

        if (c.Equal is { } equal)
        {
            rows.Add(Row("Twin, equal compute", Count(equal.TwinTokens), equal.TwinFlops, null, equal.Twin.Mean.CrossEntropy, Difference(OfText(equal.Comparisons))));
        }

        return Markup.Of(
            $"""
            <div class="scroll" tabindex="0" role="region" aria-label="Compute"><table><thead><tr><th scope="col">One seed</th><th scope="col">training tokens</th><th scope="col">operations<small>floating-point</small></th><th scope="col">the teacher’s<small>share of them</small></th><th scope="col">cross entropy<small>held-out, nats per token</small></th><th scope="col">student’s advantage<small>95 % interval</small></th></tr></thead>
            <tbody>{Markup.Join(rows)}</tbody></table></div>
            """);

        static Markup Row(string name, string tokens, double? flops, double? teacher, double crossEntropy, Markup advantage) => Markup.Of(
            $"<tr><th scope=\"row\">{name}</th><td>{tokens}</td><td>{Text(flops, Count)}</td><td>{Text(teacher, Count)}</td><td>{Nats(crossEntropy)}</td>{advantage}</tr>");

        static PairedComparison? OfText(IEnumerable<PairedComparison> comparisons) => comparisons.FirstOrDefault(p => p.Source is MetricSource.HeldOutText or MetricSource.TeacherText);
    }

    /// <summary>Names and values, one a row.</summary>
    public static Markup Facts(string label, IEnumerable<(string Name, string Value)> facts) => Markup.Of(
        $"""
        <div class="scroll" role="region" aria-label="{label}"><table class="facts"><tbody>{Markup.Join(facts.Select(f => Markup.Of($"<tr><th scope=\"row\">{f.Name}</th><td>{f.Value}</td></tr>")))}</tbody></table></div>
        """);

    public static string Nats(double value) => Fixed(value, 4);

    static string Text(double? value, Func<double, string> text) => value is { } v ? text(v) : Absent;

    static string Mean(SeededScores scores) => scores.Seeds.Count == 1 ? "one seed" : $"mean of {scores.Seeds.Count} seeds";

    static Markup Cell(bool shown, string text) => shown ? Markup.Of($"<td>{text}</td>") : Markup.None;

    static Markup Head(bool shown, ChartRole role, string small) => shown ? Markup.Of($"<th scope=\"col\" class=\"{role.Css}\">{role.Name}<small>{small}</small></th>") : Markup.None;

    static Markup Difference(PairedComparison? c) => c is null
        ? Markup.Of($"<td class=\"difference\">{Absent}<small></small></td>")
        : Markup.Of($"<td class=\"difference\">{c.Signed(c.Interval.Mean)}<small>{c.Signed(c.Interval.Low)} to {c.Signed(c.Interval.High)}{(c.IsScore ? " points" : "")}</small></td>");
}
