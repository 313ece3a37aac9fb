using Retort.Evidence.Statistics;

namespace Retort.Distill;

/// <summary>How a student of one task does, which is what its report leads with. Every answer was kept to the task's form while it was written.</summary>
/// <param name="Labels">What an answer may be; empty where it is JSON.</param>
/// <param name="Items">Held-out prompts answered.</param>
/// <param name="Rows">One a model.</param>
/// <param name="Calibration">Of the students: the probability of a whole answer beside how often it is right.</param>
/// <param name="JudgedBy">"gold", or "teacher" where no held-out prompt has a right answer: what calibration and slices go by.</param>
/// <param name="SlicesSeen">Slices that were looked at.</param>
/// <param name="Slices">Those the students fail most, the worst first.</param>
/// <param name="Cascade">Null where too few prompts have a teacher's answer to choose by.</param>
public sealed record TaskFacts(IReadOnlyList<string> Labels, int Items, IReadOnlyList<TaskRow> Rows, Calibration Calibration, string JudgedBy, int SlicesSeen, IReadOnlyList<TaskSlice> Slices, TaskCascade? Cascade)
{
    /// <summary>The row of a model; null where it was not measured.</summary>
    public TaskRow? Row(string model) => Rows.FirstOrDefault(r => r.Model == model);
}

/// <summary>One model's answers, or of several seeds the mean.</summary>
/// <param name="Model">"teacher", "student", "twin" or "twin_equal_compute".</param>
/// <param name="Gold">Beside the right answers; null where no held-out prompt has one.</param>
/// <param name="Teacher">Beside the teacher's answers to the same prompts; null for the teacher itself and where there are none.</param>
public sealed record TaskRow(string Model, TaskMeasure? Gold, TaskMeasure? Teacher);

/// <summary>Held-out prompts that have something in common.</summary>
/// <param name="By">What: "label", a field's name, "length", "slice" or "kind".</param>
/// <param name="Accuracy">Of the students, mean over seeds.</param>
/// <param name="Low">Of a 95 % interval (Wilson) for this slice by itself.</param>
/// <param name="Twin">The same of the twins; null without them.</param>
/// <param name="Teacher">The same of the teacher; null where the slices go by its answers.</param>
public sealed record TaskSlice(string By, string Value, int Items, double Accuracy, double Low, double High, double? Twin, double? Teacher);

/// <summary>
/// The exported student before its teacher: it answers where its probability of the whole answer reaches the threshold, the teacher elsewhere. The threshold
/// is chosen on the validation prompts and judged on the held-out ones.
/// </summary>
/// <param name="Agree">How often the student's answers are to be the teacher's.</param>
/// <param name="Threshold">Null where no confidence reached that: the teacher answers all.</param>
/// <param name="ChosenOn">Prompts that chose it.</param>
/// <param name="JudgedOn">Prompts that judge it.</param>
/// <param name="Share">Of these, the share the student answers.</param>
/// <param name="Agreement">Of those, the share on which both say the same; null where it answers none.</param>
/// <param name="AgreementLow">Its one-sided 95 % lower bound.</param>
/// <param name="Accuracy">Of the two together beside gold; null without gold.</param>
/// <param name="PerCall">Price of a call to the two together; null where the teacher's is not known.</param>
/// <param name="CallsToBreakEven">What the run cost divided by what such a call saves; null where it saves nothing or no price is known.</param>
public sealed record TaskCascade(
    double Agree, double? Threshold, int ChosenOn, int JudgedOn, double Share, double? Agreement, double AgreementLow, double? Accuracy, double? PerCall, double? CallsToBreakEven);
