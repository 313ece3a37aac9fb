using static Retort.Distill.ReportNumbers;

namespace Retort.Distill;

/// <summary>What leaving teachers out cost, in sentences: quality, rows and money.</summary>
static class ReportWithout
{
    public static Markup Section(RunReport report) => report.Without is not { } without ? Markup.None
        : Markup.Of($"<section><h2>Without {Names(without)}</h2>{Markup.Join(Sentences(without, report.Cost?.Currency ?? "USD").Select(s => Markup.Of($"<p>{s}</p>")))}</section>");

    /// <summary>What a terminal has room for: quality, or why there is nothing to say of it, and money.</summary>
    public static IEnumerable<string> Brief(WithoutFacts w, string currency) => [Head(w), .. w.Quality is { } q ? Quality(q) : w.Notes.Take(1), Cost(w, currency)];

    /// <param name="currency">Of the report's own prices.</param>
    static IEnumerable<string> Sentences(WithoutFacts w, string currency) => [Head(w), .. w.Quality is { } q ? Quality(q) : [], .. w.Rows is { } r ? [Rows(r)] : (string[])[], Cost(w, currency), .. w.Notes];

    static string Head(WithoutFacts w) => $"Trained without {Names(w)}{(w.Run is { } run ? $", of the run in {run}" : "")}.";

    static IEnumerable<string> Quality(QualityCost q) => q.Comparisons.Count > 0 ? q.Comparisons.Select(c => Compared(c, q)) : [Beside(q)];

    static string Rows(RowsLost r) =>
        $"Trained on {Whole(r.Now)} documents, and on {Whole(r.Before)} before: {Whole(r.Lost)} of those were theirs{(r.Gained > 0 ? $", {Whole(r.Gained)} came in" : "")}. Tested on {Whole(r.HeldOut)} of the {Whole(r.HeldOutBefore)} prompts held out before.";

    static string Cost(WithoutFacts w, string currency) =>
        $"{(w.Answers > 0 ? $"What is no longer used, {Whole(w.Answers)} answered questions, had cost {w.AnswersCost}; " : "")}{(w.Answers > 0 ? "training" : "Training")} and measuring again cost {Money(w.Training, currency)}, new answers {w.Asked}.";

    static string Compared(PairedComparison c, QualityCost q)
    {
        string found = c.Interval.High < 0 ? "It cost quality" : c.Interval.Low > 0 ? "It cost no quality, the student is better" : "No difference in quality can be told";
        return $"{found}: {c.Metric}, {c.Direction}, {c.Signed(c.Interval.Mean)} {c.Unit} ({c.Interval.Level * 100:0.#} % interval {c.Signed(c.Interval.Low)} to {c.Signed(c.Interval.High)}) "
            + $"over {c.Interval.Seeds} seeds and {(c.Source is MetricSource.GoldTask ? $"{Whole(q.Tasks)} tasks" : $"{Whole(q.Documents)} documents")} held out from both.";
    }

    static string Beside(QualityCost q) =>
        $"Held-out cross entropy on {Whole(q.Documents)} documents held out from both: {Fixed(q.Student, 4)} nats per byte, and {Fixed(q.Original, 4)} before{(q.StudentGold is { } now && q.OriginalGold is { } before ? $"; {Percent(now)} of {Whole(q.Tasks)} gold tasks, and {Percent(before)} before" : "")}. One seed, or one document, shows no spread.";

    static string Names(WithoutFacts w) => string.Join(" and ", w.Teachers);
}
