using System.Text.Encodings.Web;
using System.Text.Json;
using Retort.Asking;
using Retort.Evidence.Terms;

namespace Retort.Distill;

/// <summary>How answers are handed over.</summary>
public enum DataForm
{
    /// <summary>{"messages": [{role, content}, …]}: OpenAI's fine-tuning files and TRL's conversations.</summary>
    Chat,

    /// <summary>{"prompt": …, "answer": …}: what a recipe's data.prompts reads; of questions of one user turn.</summary>
    Prompt,
}

/// <summary>What came of it.</summary>
public abstract record ExportDataResult
{
    /// <summary>Terms that held when the answers were asked no longer allow to train on them, or nobody knows whether they do.</summary>
    public sealed record Refused(TermsVerdict.Closed Verdict) : ExportDataResult;

    /// <param name="Rows">Rows written.</param>
    /// <param name="Excluded">Answers left out, by reason.</param>
    /// <param name="List">The file that lists them.</param>
    public sealed record Written(int Rows, IReadOnlyDictionary<Exclusion, int> Excluded, string File, string List) : ExportDataResult;
}

/// <summary>Hands the answers of a run over to whoever trains: 1 read the store · 2 check the terms again, for training · 3 admit · 4 write rows, and the list of what is left out.</summary>
public static class ExportDataJob
{
    static readonly JsonSerializerOptions s_json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <param name="run">A folder that holds transcripts.db.</param>
    /// <param name="to">The file to write.</param>
    /// <exception cref="UserError">There is no store, it holds no answers, or a file cannot be written.</exception>
    public static ExportDataResult Run(string run, string to, DataForm form, TermsRegister register, TimeProvider time)
    {
        // 1
        string store = Path.Combine(run, CollectJob.StoreFile);
        if (!File.Exists(store))
        {
            throw new UserError("there are no transcripts here", run, "Name the folder of a run of retort collect.");
        }

        IReadOnlyList<StoredAnswer> answers;
        Dictionary<Endpoint, PolicyReading?> own;
        using (Transcripts transcripts = Transcripts.Open(store, time))
        {
            // A judge's verdicts lie in the same store; they are no text to train on.
            answers = [.. transcripts.Answers().Where(a => !JudgePrompt.Is(AskedQuestion.Read(a.Body)))];
            own = answers.Select(a => a.Asked).Distinct().ToDictionary(e => e, transcripts.Policy);
        }

        // 2
        TermsUse[] uses = [.. answers.Select(a => (a.Asked, a.Terms)).Distinct().Select(a => new TermsUse(TermsRole.Teacher, UsedModel.Of(a.Asked.ToString(), register), TermsPurpose.Train, a.Terms?.Split(' ')[0], own[a.Asked]))];
        if (uses.Length == 0)
        {
            throw new UserError("the store holds no answers", store, "Ask first: retort collect RECIPE.");
        }

        if (TermsGate.Check(register, uses, DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime)) is TermsVerdict.Closed closed)
        {
            return new ExportDataResult.Refused(closed);
        }

        // 3
        Admission admission = Admission.Of(answers);

        // 4
        int rows = 0;
        Lines(to, admission.Admitted.Select(a => Row(a, form)).OfType<object>().Select(r => (rows++, r).r));
        string list = to + ".excluded.jsonl";
        AtomicFile.WriteAllBytes(list, admission.List());
        return new ExportDataResult.Written(rows, admission.Excluded.GroupBy(e => e.Why).ToDictionary(g => g.Key, g => g.Count()), to, list);
    }

    static object? Row(AdmittedAnswer a, DataForm form) => form == DataForm.Chat
        ? new { id = a.Answer.Id, teacher = a.Answer.Asked.ToString(), messages = a.Asked.Turns.Append(new("assistant", a.Text)).Select(t => new { role = t.Role, content = t.Text }) }
        : a.Asked.Turns is [{ Role: "user" } only] ? new { id = a.Answer.Id, prompt = only.Text, answer = a.Text } : null;

    static void Lines(string path, IEnumerable<object> rows) => AtomicFile.Write(path, stream =>
    {
        foreach (object row in rows)
        {
            stream.Write(JsonSerializer.SerializeToUtf8Bytes(row, s_json));
            stream.WriteByte((byte)'\n');
        }
    });
}
