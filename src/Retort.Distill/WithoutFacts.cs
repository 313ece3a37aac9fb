using Retort.Asking;

namespace Retort.Distill;

/// <summary>What it cost to train without some of a recipe's teachers.</summary>
/// <param name="Teachers">Who was left out.</param>
/// <param name="Run">The run they were left out of; null where none was there.</param>
/// <param name="Answers">Their answered questions, those that others were asked about their answers among them; none of it was copied.</param>
/// <param name="AnswersCost">What these had cost.</param>
/// <param name="Asked">What new answers of the others cost.</param>
/// <param name="Training">What training and measuring again cost, in the report's currency.</param>
/// <param name="Rows">Null where that run has no dataset.</param>
/// <param name="Quality">Null where that run has no student to compare with.</param>
/// <param name="Notes">What is to be borne in mind, a sentence each.</param>
public sealed record WithoutFacts(IReadOnlyList<string> Teachers, string? Run, long Answers, Usd AnswersCost, Usd Asked, double Training, RowsLost? Rows, QualityCost? Quality, IReadOnlyList<string> Notes);

/// <summary>Documents that went with their teachers.</summary>
/// <param name="Before">Documents the original was trained on.</param>
/// <param name="Lost">Of them those of teachers left out.</param>
/// <param name="Now">Documents trained on now; others of the same questions may have come in, that were not the best or not the first before.</param>
/// <param name="HeldOutBefore">Prompts the original was tested on.</param>
/// <param name="HeldOut">Of them those that have an answer still, and are tested on now.</param>
public sealed record RowsLost(int Before, int Lost, int Now, int HeldOutBefore, int HeldOut)
{
    /// <summary>Documents trained on that were not before.</summary>
    public int Gained => Now - (Before - Lost);
}

/// <summary>The original student beside this one, on the same held-out documents.</summary>
/// <param name="Documents">Those that are whole in a row of both.</param>
/// <param name="Original">Its cross entropy on them, nats per byte, mean over seeds.</param>
/// <param name="Student">The same of this one.</param>
/// <param name="Tasks">Gold tasks answered by both.</param>
/// <param name="OriginalGold">Its mean score in [0, 1]; null without tasks.</param>
/// <param name="StudentGold">The same of this one.</param>
/// <param name="OriginalSeeds">Its models that were there to measure.</param>
/// <param name="Comparisons">Original against student, a positive difference in favour of the student; empty with one seed or document.</param>
public sealed record QualityCost(int Documents, double Original, double Student, int Tasks, double? OriginalGold, double? StudentGold, int OriginalSeeds, IReadOnlyList<PairedComparison> Comparisons);
