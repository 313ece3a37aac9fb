using System.Globalization;
using Retort.Asking;
using static Retort.Distill.ReportNumbers;

namespace Retort.Distill;

/// <summary>What asking a teacher behind an interface took: questions, money, time, and what stood in the way.</summary>
static class ReportAsked
{
    public static Markup Section(RunReport report) => report.Asked is not { } asked ? Markup.None
        : Markup.Of($"<section><h2>Asking the teacher</h2><p class=\"note\">Every question and answer is kept in {CollectJob.StoreFile} beside this report.</p>{ReportTables.Facts("Asking the teacher", Facts(asked))}</section>");

    static IEnumerable<(string, string)> Facts(AskedFacts asked)
    {
        (StoreFacts s, StoreUsage u) = (asked.Store, asked.Usage);
        yield return ("Questions", $"{Whole(s.Questions)}, {Whole(s.Answers)} of them answered in {Whole(s.Attempts)} requests");
        yield return ("Spent", $"{s.Spent}{(s.PossiblyPaid > default(Usd) ? $", of that {s.PossiblyPaid} possibly, without an answer" : "")}");
        if (asked.PerCall is { } call)
        {
            yield return ("A thousand answers", $"{Money(call * 1000, "USD")} on average");
        }

        foreach (TeacherPart t in asked.Teachers.Where(_ => asked.Teachers.Count > 1))
        {
            yield return (t.Teacher, $"{Whole(t.Answered)} of {Whole(t.Questions)} questions answered, {Whole(t.Admitted)} answers admitted, {t.Spent}");
        }

        yield return ("Tokens", $"{Whole(u.PromptTokens)} asked, {Whole(u.CompletionTokens)} answered, as the endpoint counts them");
        if (u is { MedianLatency: { } half, Latency95: { } most })
        {
            yield return ("Latency", $"{Seconds(half / 1000)} in the middle, {Seconds(most / 1000)} for the slowest twentieth and more");
        }

        yield return ("Models that answered", string.Join(", ", u.Models.Select(m => $"{(m.Key.Length == 0 ? "without a name" : m.Key)} ({Whole(m.Value)})")));
        yield return ("Limits and refusals met", u.Limited.Count == 0 ? "none" : string.Join(", ", u.Limited.Select(l => string.Create(CultureInfo.InvariantCulture, $"{l.Value:n0} {(Enum.TryParse(l.Key, out FaultKind kind) ? AskProgress.Word(kind) : l.Key)}"))));
    }
}
