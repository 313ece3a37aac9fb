using System.Text.Json.Serialization;
using Retort.Evidence.Statistics;

namespace Retort.Distill;

/// <summary>What a metric is computed from: only the first two can show that the teacher helped.</summary>
public enum MetricSource
{
    /// <summary>Held-out text of the corpus, which the teacher did not write.</summary>
    [JsonStringEnumMemberName("held_out_text")]
    HeldOutText,

    /// <summary>Gold answers of the task.</summary>
    [JsonStringEnumMemberName("gold_task")]
    GoldTask,

    /// <summary>Held-out text the teacher wrote: agreement with it is fidelity.</summary>
    [JsonStringEnumMemberName("teacher_text")]
    TeacherText,

    /// <summary>The teacher's distribution, as in forward KL or top-1 agreement: fidelity.</summary>
    [JsonStringEnumMemberName("teacher_distribution")]
    TeacherDistribution,
}

/// <summary>Student against twin on one metric, or against what it began as, signed so that a positive difference favours the student.</summary>
/// <param name="Metric">Its name in a sentence: "held-out cross entropy".</param>
/// <param name="Unit">Of the difference: "nats per token", "points".</param>
/// <param name="Twin">The twin's mean value.</param>
/// <param name="Margin">A difference up to this size makes no practical difference; in the unit of the difference.</param>
public sealed record PairedComparison(string Metric, string Unit, MetricSource Source, double Twin, double Margin, BootstrapInterval Interval)
{
    /// <summary>The practical margin of a loss, as a share of the twin's.</summary>
    public const double LossMargin = 0.005;

    /// <summary>The practical margin of a score between 0 and 1: half a point of a hundred.</summary>
    public const double ScoreMargin = 0.005;

    /// <summary>What the student is compared with.</summary>
    public string Beside { get; init; } = "twin";

    /// <summary>A score between 0 and 1, shown in points of a hundred, where more is better; otherwise a loss, where less is better.</summary>
    [JsonIgnore]
    public bool IsScore => Unit == "points";

    /// <summary>Which way the difference was taken.</summary>
    [JsonIgnore]
    public string Direction => IsScore ? $"student minus {Beside}" : $"{Beside} minus student";

    /// <param name="interval">Of twin minus student, nats per token.</param>
    /// <param name="teacherText">The held-out text was written by the teacher.</param>
    public static PairedComparison OfText(BootstrapInterval interval, double twinCrossEntropy, bool teacherText) =>
        new("held-out cross entropy", "nats per token", teacherText ? MetricSource.TeacherText : MetricSource.HeldOutText, twinCrossEntropy, LossMargin * twinCrossEntropy, interval);

    /// <param name="interval">Of the student before training minus after, nats per token.</param>
    /// <param name="teacherText">The held-out text was written by the teacher.</param>
    public static PairedComparison OfStart(BootstrapInterval interval, double startCrossEntropy, bool teacherText) =>
        OfText(interval, startCrossEntropy, teacherText) with { Beside = "its own start" };

    /// <param name="interval">Of another run's student minus this one's, nats per byte, which hold whatever the tokenizers are.</param>
    /// <param name="teacherText">The held-out text was written by the teacher.</param>
    public static PairedComparison OfOriginal(BootstrapInterval interval, double original, bool teacherText) =>
        OfText(interval, original, teacherText) with { Unit = "nats per byte", Beside = "original" };

    /// <param name="interval">Of student minus twin, scores between 0 and 1.</param>
    public static PairedComparison OfGold(BootstrapInterval interval, double twinScore) =>
        new("gold task score", "points", MetricSource.GoldTask, twinScore, ScoreMargin, interval);

    /// <param name="interval">Of twin minus student, nats per token.</param>
    public static PairedComparison OfForwardKl(BootstrapInterval interval, double twinKl) =>
        new("forward KL to the teacher", "nats per token", MetricSource.TeacherDistribution, twinKl, LossMargin * twinKl, interval);

    /// <param name="interval">Of student minus twin, shares between 0 and 1.</param>
    public static PairedComparison OfAgreement(BootstrapInterval interval, double twinAgreement) =>
        new("top-1 agreement with the teacher", "points", MetricSource.TeacherDistribution, twinAgreement, ScoreMargin, interval);

    /// <summary>A difference in its own unit: "+0.0412 nats per token", "+3.1 points".</summary>
    public string Signed(double difference) => ReportNumbers.Signed(IsScore ? difference * 100 : difference, IsScore ? 1 : 4);
}
