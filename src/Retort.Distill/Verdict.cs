using System.Text.Json.Serialization;
using Retort.Evidence.Statistics;

namespace Retort.Distill;

public enum VerdictOutcome
{
    [JsonStringEnumMemberName("BEATS")]
    Beats,

    [JsonStringEnumMemberName("NO BEATS")]
    NoBeats,

    [JsonStringEnumMemberName("INCONCLUSIVE")]
    Inconclusive,

    [JsonStringEnumMemberName("LEARNED")]
    Learned,
}

/// <summary>
/// Whether the teacher helped, judged by the interval of student against twin on a metric the teacher has no part in.
/// <list type="bullet">
/// <item>BEATS: at least five seeds, and the whole interval favours the student.</item>
/// <item>NO BEATS: at least five seeds, and the interval's best end for the student is below zero or within the practical margin.</item>
/// <item>LEARNED: there is no text without the teacher, so no twin, and the student is better than what it began as. Whether the teacher helped more
/// than other text would have, nothing shows.</item>
/// <item>INCONCLUSIVE: anything else: fewer seeds, no twin, fidelity only, or an interval that leaves both open.</item>
/// </list>
/// </summary>
/// <param name="FidelityOnly">Every metric at hand was computed from the teacher, so the question could not be asked.</param>
/// <param name="Reason">One sentence for a reader: why this outcome.</param>
/// <param name="Measurement">One sentence: the difference, its interval and what it was taken over; null without a twin or with one seed.</param>
/// <param name="Comparison">What the verdict rests on; null without a twin.</param>
public sealed record Verdict(VerdictOutcome Outcome, bool FidelityOnly, string Reason, string? Measurement, PairedComparison? Comparison)
{
    public const int SeedsNeeded = 5;

    /// <summary>One sentence: whether the comparison stands when the twin may train for as much arithmetic as the teacher cost; null without a twin.</summary>
    public string? EqualCompute { get; init; }

    /// <summary>The outcome as it is printed.</summary>
    [JsonIgnore]
    public string Label => Outcome switch
    {
        VerdictOutcome.Beats => "BEATS",
        VerdictOutcome.NoBeats => "NO BEATS",
        VerdictOutcome.Learned => "LEARNED",
        _ => "INCONCLUSIVE",
    };

    /// <summary>The verdict of a run that trained no twin.</summary>
    public static Verdict WithoutTwin() =>
        new(VerdictOutcome.Inconclusive, false, "No twin was trained, so nothing shows what the teacher added.", null, null);

    /// <summary>The verdict of a run with a twin but a single seed, where no interval over seeds exists.</summary>
    public static Verdict OfOneSeed() =>
        new(VerdictOutcome.Inconclusive, false, $"One seed cannot show the spread between seeds. A verdict needs at least {SeedsNeeded} seeds.", null, null);

    /// <summary>The verdict where a teacher was asked and there is no text without it, to train a twin on.</summary>
    /// <param name="comparison">With what the student began as; null with one seed or one row.</param>
    public static Verdict AgainstStart(PairedComparison? comparison)
    {
        const string NoTwin = "There is no text without the teacher to train a twin on (gold answers to the prompts, or twin.prompts), so nothing shows that the teacher helped more than other text would have.";
        return comparison is null ? OfOneSeed() with { Reason = $"One seed, or one row of held-out text, shows no spread. {NoTwin}" }
            : comparison.Interval.Low > 0 && double.IsFinite(comparison.Interval.High) ? new(VerdictOutcome.Learned, false, $"The student is better than what it began as. {NoTwin}", Measure(comparison), comparison)
            : new(VerdictOutcome.Inconclusive, false, $"The student {(comparison.Interval.High < 0 ? "is worse than" : "cannot be told from")} what it began as. {NoTwin}", Measure(comparison), comparison);
    }

    public static Verdict Of(PairedComparison comparison)
    {
        BootstrapInterval interval = comparison.Interval;
        string found = Measure(comparison);
        if (comparison.Source is MetricSource.TeacherText or MetricSource.TeacherDistribution)
        {
            string why = comparison.Source is MetricSource.TeacherText ? "the teacher wrote the held-out text" : "the metric is computed from the teacher's distribution";
            return new(VerdictOutcome.Inconclusive, true, $"Fidelity only: {why}, so it measures closeness to the teacher and cannot show that the teacher helped.", found, comparison);
        }

        if (interval.Seeds < SeedsNeeded)
        {
            return new(VerdictOutcome.Inconclusive, false, $"{interval.Seeds} seeds are too few; a verdict needs at least {SeedsNeeded}.", found, comparison);
        }

        if (!double.IsFinite(interval.Low) || !double.IsFinite(interval.High))
        {
            return new(VerdictOutcome.Inconclusive, false, "The difference is not a finite number: at least one training diverged.", null, comparison);
        }

        if (interval.Low > 0)
        {
            return new(VerdictOutcome.Beats, false, $"The student is better than its twin, which had no teacher.", found, comparison);
        }

        if (interval.High < 0)
        {
            return new(VerdictOutcome.NoBeats, false, $"The twin, which had no teacher, is ahead of the student.", found, comparison);
        }

        return interval.High <= comparison.Margin
            ? new(VerdictOutcome.NoBeats, false, $"Whatever the teacher added is within the practical margin of {Margin(comparison)}.", found, comparison)
            : new(VerdictOutcome.Inconclusive, false, $"The interval contains zero and reaches past the practical margin of {Margin(comparison)}.", found, comparison);
    }

    static string Measure(PairedComparison c)
    {
        BootstrapInterval i = c.Interval;
        string share = c.IsScore || !(c.Twin > 0) ? "" : $", {ReportNumbers.SignedPercent(i.Mean / c.Twin)} of {(c.Beside == "twin" ? "the twin's" : "the start's")}";
        return $"{char.ToUpperInvariant(c.Metric[0])}{c.Metric[1..]}, {c.Direction}: {c.Signed(i.Mean)} {c.Unit} "
            + $"({i.Level * 100:0.#} % interval {c.Signed(i.Low)} to {c.Signed(i.High)}{share}) over {i.Seeds} seeds and "
            + $"{ReportNumbers.Whole(i.Sequences)} held-out {(c.Source is MetricSource.GoldTask ? "tasks" : "sequences")}.";
    }

    static string Margin(PairedComparison c) =>
        c.IsScore ? $"{ReportNumbers.Fixed(c.Margin * 100, 1)} points" : $"{ReportNumbers.Fixed(c.Margin, 4)} {c.Unit}";
}
