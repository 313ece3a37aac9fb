using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Retort.Evidence.Statistics;
using Retort.Model.Files;
using Retort.Model.Grammars;
using Retort.Model.Inference;
using Retort.Model.Llama;

namespace Retort.Guard;

/// <summary>What calibrating a cascade found. Half of the prompts choose the threshold, the other half says how it does.</summary>
/// <param name="Threshold">The least confidence at which the student answers; infinite where none reached the agreement.</param>
/// <param name="Prompts">Prompts of the second half.</param>
/// <param name="Share">Of them, the share the student answers.</param>
/// <param name="Agreement">Of those, the share on which both give the same answer; NaN without any.</param>
/// <param name="AgreementLow">The lower end of its one-sided 95 % interval (Wilson).</param>
/// <param name="Overall">The share of all on which the cascade gives the teacher's answer.</param>
/// <param name="StudentSeconds">Time the student takes, in the mean, until its answer is whole or it gives up.</param>
/// <param name="TeacherSeconds">Time of the teacher alone, in the mean.</param>
/// <param name="Seconds">Time of the cascade, in the mean: the student's, and the teacher's where it must answer.</param>
public sealed record CascadeFacts(
    double Threshold, int Prompts, double Share, double Agreement, double AgreementLow, double Overall, double StudentSeconds, double TeacherSeconds, double Seconds)
{
    /// <summary>Time of the cascade by time of the teacher alone.</summary>
    public double Cost => Seconds / TeacherSeconds;
}

/// <summary>Chooses when a student may answer for its teacher: the lowest confidence above which both gave the same answer often enough.</summary>
static class Cascade
{
    /// <summary>Fewer prompts than this choose nothing worth trusting.</summary>
    const int Fewest = 20;

    /// <summary>An answer, and how sure its writer was when.</summary>
    sealed record Heard(string Text, IReadOnlyList<(double Confidence, double Seconds)> Course)
    {
        public double Confidence => Course[^1].Confidence;

        /// <summary>Until it was whole, or below the threshold.</summary>
        public double Seconds(double threshold) => Course.FirstOrDefault(c => c.Confidence < threshold, Course[^1]).Seconds;
    }

    /// <summary>One prompt asked of both.</summary>
    sealed record Trial(Heard Student, Heard Teacher)
    {
        public bool Agrees { get; } = string.Equals(Student.Text.Trim(), Teacher.Text.Trim(), StringComparison.Ordinal);
    }

    /// <param name="agree">The agreement wanted among the student's answers, above 0 and at most 1.</param>
    /// <param name="mostTokens">Most tokens of an answer.</param>
    /// <param name="onDone">Called after every prompt, with how many there are.</param>
    /// <exception cref="UserError">There are too few prompts, or one does not fit.</exception>
    public static async Task<CascadeFacts> Calibrate(Voice student, Voice teacher, IReadOnlyList<string> prompts, double agree, int mostTokens, Action<int, int> onDone, TimeProvider time, CancellationToken stop)
    {
        if (prompts.Count < Fewest)
        {
            throw new UserError($"there are {prompts.Count} prompts to calibrate with", "--cascade-prompts", $"Give at least {Fewest} that were not trained on, better some hundreds.");
        }

        // Not counted: what a first answer costs whoever gives it.
        await Ask(student, student.Form, prompts[0], mostTokens, time, stop).ConfigureAwait(false);
        await Ask(teacher, student.Form, prompts[0], mostTokens, time, stop).ConfigureAwait(false);
        List<Trial> trials = [];
        foreach (string prompt in prompts)
        {
            trials.Add(new(await Ask(student, student.Form, prompt, mostTokens, time, stop).ConfigureAwait(false), await Ask(teacher, student.Form, prompt, mostTokens, time, stop).ConfigureAwait(false)));
            onDone(trials.Count, prompts.Count);
        }

        double threshold = SelectiveAnswers.Threshold(trials.Where((_, i) => i % 2 == 0).Select(t => (t.Student.Confidence, t.Agrees)), agree);
        return Judge([.. trials.Where((_, i) => i % 2 == 1)], threshold);
    }

    static CascadeFacts Judge(IReadOnlyList<Trial> trials, double threshold)
    {
        int answered = trials.Count(t => t.Student.Confidence >= threshold), same = trials.Count(t => t.Student.Confidence >= threshold && t.Agrees);
        double student = trials.Average(t => t.Student.Seconds(threshold)), rest = trials.Average(t => t.Student.Confidence >= threshold ? 0 : t.Teacher.Seconds(0));
        return new(
            threshold, trials.Count, (double)answered / trials.Count, answered == 0 ? double.NaN : (double)same / answered, WilsonInterval.Lower(same, answered),
            (double)(trials.Count - answered + same) / trials.Count, student, trials.Average(t => t.Teacher.Seconds(0)), student + rest);
    }

    static async Task<Heard> Ask(Voice voice, AnswerForm form, string prompt, int mostTokens, TimeProvider time, CancellationToken stop)
    {
        Channel<AnswerPart> parts = Channel.CreateUnbounded<AnswerPart>();
        int[] tokens = voice.Layout.Prompt(JsonSerializer.SerializeToElement(new[] { new { role = "user", content = prompt } }));
        int room = Math.Min(mostTokens, voice.Service.Model.Weights.Config.Context - tokens.Length);
        long start = time.GetTimestamp();
        Answer answer = voice.Service.TryStart(new(tokens, new SamplingOptions { Temperature = 0, MaxTokens = Math.Max(room, 0) }, 0, Probabilities: 0, Constraint: form.Constraint(voice.Index, voice.Service.Ends, AnswerFormFile.Name), OnPart: p => parts.Writer.TryWrite(p)))
            ?? throw new UserError("the model takes no more answers", voice.Name, "Give --queue room for one at least.");
        StringBuilder text = new();
        List<(double, double)> course = [];
        AnswerConfidence confidence = default;
        for (AnswerPart? part = null; part?.Finish is null;)
        {
            part = await parts.Reader.ReadAsync(stop).ConfigureAwait(false);
            text.Append(part.Text);
            course.Add((confidence.Add(part), time.GetElapsedTime(start).TotalSeconds));
        }

        return answer.Fault is { } fault ? throw fault : new(text.ToString(), course);
    }
}
