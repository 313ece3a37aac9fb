using Retort.Asking;

namespace Retort.Distill;

/// <summary>
/// Which questions of another run a run without some of its teachers begins with, told in the order in which they came into the store: all of the
/// teachers that are left, and of a judge's those on their answers alone, for the others quote answers that are left out.
/// </summary>
/// <param name="admit">Of the run that begins.</param>
sealed class ReusedQuestions(AdmitRecipe admit)
{
    readonly AnswerJudge? _judge = admit.Judge is { } judge ? new(judge) : null;
    readonly HashSet<string> _verdicts = new(StringComparer.Ordinal);

    /// <param name="question">Of no teacher that is left out.</param>
    public bool Keep(StoredQuestion question)
    {
        if (JudgePrompt.Is(AskedQuestion.Read(question.Body)))
        {
            return _verdicts.Contains(Convert.ToHexStringLower(question.Key));
        }

        // A verdict is asked for after the answer, so it is known here when it comes.
        IEnumerable<AdmittedAnswer> answers = question.Choices.Select((c, i) => AdmissionRow.Of(new(0, i, question.Key, question.Asked, null, question.Body, null, null, c), admit).Admitted(admit, AdmissionEvidence.None));
        _verdicts.UnionWith(_judge?.Keys(answers) ?? []);
        return true;
    }
}
