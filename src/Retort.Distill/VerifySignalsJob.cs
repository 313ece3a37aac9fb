using System.Globalization;
using System.Text.Json;
using Retort.Asking;
using Retort.Kernels;
using Retort.Model.Chat;
using Retort.Model.Files;
using Retort.Model.Tokenizers;

namespace Retort.Distill;

/// <param name="Answers">Answers that were asked with probabilities.</param>
/// <param name="Tokens">Tokens of those that hold.</param>
/// <param name="Faults">Answers whose probabilities do not hold.</param>
/// <param name="Parity">Beside the same model at hand; null where none was named.</param>
public sealed record VerifiedSignals(long Answers, long Tokens, IReadOnlyList<(string Id, SignalFault Fault)> Faults, ServedParity? Parity)
{
    public bool Holds => Faults.Count == 0 && Parity is null or { Over: 0, Tokens: > 0 };
}

/// <summary>Checks the probabilities an endpoint gave with its answers: 1 read the answers · 2 check each · 3 compare with the model itself, if it is at hand.</summary>
public static class VerifySignalsJob
{
    /// <param name="run">A folder that holds transcripts.</param>
    /// <param name="teacher">The model that is said to have answered, on disk; null where it is not at hand.</param>
    /// <exception cref="UserError">There are no transcripts, none was asked with probabilities, or the model cannot be read.</exception>
    public static VerifiedSignals Run(string run, string? teacher, int threads, Action<RunProgress> progress, TimeProvider time, CancellationToken stop)
    {
        // 1
        string file = Path.Combine(run, CollectJob.StoreFile);
        if (!File.Exists(file))
        {
            throw new UserError("there are no transcripts here", run, "Name the folder of a run of retort collect or retort distill.");
        }

        (StoredAnswer Answer, AskedQuestion Question)[] asked;
        using (Transcripts store = Transcripts.Open(file, time))
        {
            asked = [.. store.Answers().Select(a => (a, AskedQuestion.Read(a.Body))).Where(a => a.Item2.TopLogProbabilities is not null)];
        }

        if (asked.Length == 0)
        {
            throw new UserError("no answer here was asked with probabilities", file, "Ask with ask: {top_logprobs: 20}.");
        }

        // 2
        List<(string Id, SignalFault Fault)> faults = [];
        List<(StoredAnswer Answer, AskedQuestion Question, IReadOnlyList<ServedToken> Tokens)> held = [];
        foreach ((StoredAnswer answer, AskedQuestion question) in asked)
        {
            if (SignalCheck.Of(answer.Choice, question.TopLogProbabilities!.Value, question.Stop, out IReadOnlyList<ServedToken> tokens) is { } fault)
            {
                faults.Add((answer.Id, fault));
            }
            else
            {
                held.Add((answer, question, tokens));
            }
        }

        // 3
        return new(asked.Length, held.Sum(h => (long)h.Tokens.Count), faults, teacher is null ? null : Compare(teacher, held, threads, progress, time, stop));
    }

    static ServedParity Compare(
        string teacher, List<(StoredAnswer Answer, AskedQuestion Question, IReadOnlyList<ServedToken> Tokens)> held, int threads, Action<RunProgress> progress, TimeProvider time, CancellationToken stop)
    {
        OpenModel model = ModelReference.Open(teacher);
        Tokenizer tokenizer = Tokenizer.Open(model.TokenizerPath ?? throw new UserError("the teacher has no tokenizer beside it", teacher, "Put its tokenizer.json or tok*.bin beside it."));
        ChatLayout layout = ChatLayout.Of(teacher, model.Weights.Config, tokenizer, time);
        using Workers workers = new(threads > 0 ? threads : Environment.ProcessorCount);
        return ServedParity.Measure(
            model.Weights, tokenizer, [.. held.Select(h => (h.Answer.Id, layout.Prompt(JsonSerializer.SerializeToElement(h.Question.Turns.Select(t => new { role = t.Role, content = t.Text }))), h.Tokens))], workers,
            (done, all) => progress(new("compare", (double)done / all, string.Create(CultureInfo.InvariantCulture, $"row {done:n0} of {all:n0}"))), stop);
    }
}
