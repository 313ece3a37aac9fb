using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Retort.Model.Grammars;

namespace Retort.Model.Files;

/// <summary>
/// answer_form.json beside a model made for one task: <c>{"labels": ["yes", "no"]}</c> or <c>{"schema": {…}}</c>. Whoever answers with the model keeps to it
/// where nothing else is asked for.
/// </summary>
public static class AnswerFormFile
{
    public const string Name = "answer_form.json";

    const int Longest = 1 << 20;

    static readonly JsonSerializerOptions s_plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <param name="model">A model's path; only a folder can hold the file.</param>
    /// <returns>Any text where there is none.</returns>
    /// <exception cref="UserError">It is broken, holds neither labels nor a schema, or a schema that cannot be kept to.</exception>
    public static AnswerForm Read(string model)
    {
        string path = Path.Combine(model, Name);
        if (!Directory.Exists(model) || !File.Exists(path))
        {
            return new AnswerForm.Free();
        }

        JsonFields json = JsonFields.Read(path, Longest);
        JsonElement? labels = json.Find("labels"), schema = json.Find("schema");
        AnswerForm form = labels is { ValueKind: JsonValueKind.Array } list && schema is null && list.GetArrayLength() > 0 && list.EnumerateArray().All(l => l.ValueKind == JsonValueKind.String && l.GetString()!.Length > 0)
            ? new AnswerForm.Labels([.. list.EnumerateArray().Select(l => l.GetString()!)])
            : schema is { ValueKind: JsonValueKind.Object } its && labels is null ? new AnswerForm.Schema(its)
            : throw new UserError("it holds neither a list of labels nor a schema", path, "It is {\"labels\": [\"yes\", \"no\"]} or {\"schema\": {…}}; delete it to let the model write any text.");
        form.Check(path);
        return form;
    }

    /// <param name="form">Labels or a schema.</param>
    public static void Write(string folder, AnswerForm form) => AtomicFile.WriteAllBytes(Path.Combine(folder, Name), Encoding.UTF8.GetBytes((form switch
    {
        AnswerForm.Labels labels => JsonSerializer.Serialize(new { labels = labels.Texts }, s_plain),
        AnswerForm.Schema schema => JsonSerializer.Serialize(new { schema = schema.Json }, s_plain),
        _ => throw new ArgumentException("AnswerFormFile.Write: labels or a schema are needed.", nameof(form)),
    }) + "\n"));
}
