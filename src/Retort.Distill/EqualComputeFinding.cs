using static Retort.Distill.ReportNumbers;

namespace Retort.Distill;

/// <summary>
/// What is left of the comparison when the twin may spend on training what the student's side spent on the teacher. The verdict rests on
/// equal tokens; whoever reads it is told when it would not stand at equal compute.
/// </summary>
public static class EqualComputeFinding
{
    /// <summary>One sentence; null without a twin.</summary>
    /// <param name="verdict">At equal tokens.</param>
    /// <param name="student">The student's mean cross entropy.</param>
    public static string? Of(Verdict verdict, ComputeFacts compute, double student)
    {
        if (compute.TwinFlops is null)
        {
            return null;
        }

        string times = $"{Fixed(compute.Factor, 2)} times the tokens";
        if (compute.Factor < TrainingCompute.LeastFactor)
        {
            return $"Equal tokens and equal compute are the same within 2 %: the teacher’s arithmetic was {Percent(compute.Factor - 1)} of the student’s.";
        }

        if (compute.Equal is not { } equal)
        {
            return $"Equal compute was not measured (twin.equal_compute is false): it would give the twin {times}.";
        }

        if (equal.Comparisons.Count == 0)
        {
            return $"At equal compute, where the twin saw {times}, it ends at a held-out cross entropy of {Fixed(equal.Twin.Mean.CrossEntropy, 4)} nats per token, the student at {Fixed(student, 4)}.";
        }

        PairedComparison c = equal.Comparisons[0];
        if (!double.IsFinite(c.Interval.Low) || !double.IsFinite(c.Interval.High))
        {
            return $"At equal compute, where the twin saw {times}, the difference is not a finite number: at least one training diverged.";
        }

        string measured = $"{c.Direction} {c.Signed(c.Interval.Mean)} {c.Unit} ({c.Interval.Level * 100:0.#} % interval {c.Signed(c.Interval.Low)} to {c.Signed(c.Interval.High)})";
        return verdict.Outcome is not VerdictOutcome.Beats ? $"At equal compute, where the twin saw {times}: {measured}."
            : c.Interval.Low > 0 ? $"It stays ahead at equal compute, where the twin saw {times}: {measured}."
            : $"This holds at equal tokens but not at equal compute: given {times} for the teacher’s arithmetic, the twin {(c.Interval.High < 0 ? "is ahead" : "cannot be told from the student")}: {measured}.";
    }
}
