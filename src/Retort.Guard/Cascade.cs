using System.Text.Json;
using System.Threading.Channels;
using Retort.Model;
using Retort.Model.Inference;
using Retort.Model.Llama;

namespace Retort.Guard;

/// <summary>What calibrating a cascade found. Half of the prompts choose the threshold, the other half says how it does.</summary>
/// <param name="Threshold">The least confidence at which the student answers: mean natural log-probability of its answer's tokens. Infinite where no
/// threshold reached the agreement.</param>
/// <param name="Prompts">Prompts of the second half.</param>
/// <param name="Share">Of them, the share the student answers.</param>
/// <param name="Agreement">Of those, the share on which both give the same answer; NaN without any.</param>
/// <param name="AgreementLow">The lower end of its one-sided 95 % interval (Wilson).</param>
/// <param name="Overall">The share of all on which the cascade gives the teacher's answer.</param>
/// <param name="StudentSeconds">Time the student took for one answer alone, in the mean.</param>
/// <param name="TeacherSeconds">The teacher's.</param>
public sealed record CascadeFacts(double Threshold, int Prompts, double Share, double Agreement, double AgreementLow, double Overall, double StudentSeconds, double TeacherSeconds)
{
    /// <summary>Time of the cascade by time of the teacher alone: the student always answers, the teacher when it must.</summary>
    public double Cost => (StudentSeconds + ((1 - Share) * TeacherSeconds)) / TeacherSeconds;
}

/// <summary>Chooses when a student may answer for its teacher: the lowest confidence above which both gave the same answer often enough.</summary>
static class Cascade
{
    /// <summary>Fewer prompts than this choose nothing worth trusting.</summary>
    const int Fewest = 20;

    /// <summary>One prompt asked of both.</summary>
    readonly record struct Trial(double Confidence, bool Agrees, double StudentSeconds, double TeacherSeconds);

    /// <param name="agree">The agreement wanted among the student's answers, above 0 and at most 1.</param>
    /// <param name="mostTokens">Most tokens of an answer.</param>
    /// <param name="onDone">Called after every prompt.</param>
    /// <exception cref="UserError">There are too few prompts, or one does not fit.</exception>
    public static async Task<CascadeFacts> Calibrate(Voice student, Voice teacher, IReadOnlyList<string> prompts, double agree, int mostTokens, Action<int> onDone, TimeProvider time, CancellationToken stop)
    {
        if (prompts.Count < Fewest)
        {
            throw new UserError($"there are {prompts.Count} prompts to calibrate with", "--cascade-prompts", $"Give at least {Fewest} that were not trained on, better some hundreds.");
        }

        List<Trial> trials = [];
        foreach (string prompt in prompts)
        {
            (string ours, double confidence, double quick) = await Ask(student, prompt, mostTokens, time, stop).ConfigureAwait(false);
            (string theirs, _, double slow) = await Ask(teacher, prompt, mostTokens, time, stop).ConfigureAwait(false);
            trials.Add(new(confidence, string.Equals(ours.Trim(), theirs.Trim(), StringComparison.Ordinal), quick, slow));
            onDone(trials.Count);
        }

        return Choose([.. trials.Where((_, i) => i % 2 == 0)], [.. trials.Where((_, i) => i % 2 == 1)], agree);
    }

    static CascadeFacts Choose(Trial[] choosing, Trial[] judging, double agree)
    {
        double threshold = double.PositiveInfinity;
        int agreed = 0, taken = 0;
        foreach (Trial trial in choosing.OrderByDescending(t => t.Confidence))
        {
            taken++;
            agreed += trial.Agrees ? 1 : 0;
            threshold = agreed >= agree * taken ? trial.Confidence : threshold;
        }

        Trial[] answered = [.. judging.Where(t => t.Confidence >= threshold)];
        int same = answered.Count(t => t.Agrees);
        return new(
            threshold, judging.Length, (double)answered.Length / judging.Length, answered.Length == 0 ? double.NaN : (double)same / answered.Length, Wilson(same, answered.Length),
            (double)(judging.Length - answered.Length + same) / judging.Length, judging.Average(t => t.StudentSeconds), judging.Average(t => t.TeacherSeconds));
    }

    /// <summary>Lower end of Wilson's one-sided 95 % interval of a share.</summary>
    internal static double Wilson(int successes, int count)
    {
        const double Z = 1.6448536269514722;
        if (count == 0)
        {
            return 0;
        }

        double share = (double)successes / count, spread = Z * Math.Sqrt((share * (1 - share) / count) + (Z * Z / (4.0 * count * count)));
        return Math.Max(0, (share + (Z * Z / (2.0 * count)) - spread) / (1 + (Z * Z / count)));
    }

    /// <summary>How sure an answer is: the mean log-probability of its tokens; an answer of none is not sure of anything.</summary>
    public static double Confidence(IEnumerable<AnswerPart> parts)
    {
        double sum = 0;
        int count = 0;
        foreach (TokenProbability drawn in parts.Select(p => p.Drawn).OfType<TokenProbability>())
        {
            sum += drawn.LogProbability;
            count++;
        }

        return count == 0 ? double.NegativeInfinity : sum / count;
    }

    static async Task<(string Text, double Confidence, double Seconds)> Ask(Voice voice, string prompt, int mostTokens, TimeProvider time, CancellationToken stop)
    {
        Channel<AnswerPart> parts = Channel.CreateUnbounded<AnswerPart>();
        int[] tokens = voice.Layout.Prompt(JsonSerializer.SerializeToElement(new[] { new { role = "user", content = prompt } }));
        int room = Math.Min(mostTokens, voice.Service.Model.Weights.Config.Context - tokens.Length);
        long start = time.GetTimestamp();
        Answer answer = voice.Service.TryStart(new(tokens, new SamplingOptions { Temperature = 0, MaxTokens = Math.Max(room, 0) }, 0, Probabilities: 0, OnPart: p => parts.Writer.TryWrite(p)))
            ?? throw new UserError("the model takes no more answers", voice.Name, "Give --queue room for one at least.");
        List<AnswerPart> all = [];
        do
        {
            all.Add(await parts.Reader.ReadAsync(stop).ConfigureAwait(false));
        }
        while (all[^1].Finish is null);
        return answer.Fault is { } fault ? throw fault : (string.Concat(all.Select(p => p.Text)), Confidence(all), time.GetElapsedTime(start).TotalSeconds);
    }
}
