using System.Text.Json;

namespace Retort.Distill;

/// <summary>A question of an evaluation, with its right answer where there is one.</summary>
/// <param name="Where">File and line.</param>
public sealed record EvaluationItem(string Where, string Question, string? Answer);

/// <summary>An evaluation that training data must not hold.</summary>
public sealed record EvaluationSet(string Name, IReadOnlyList<EvaluationItem> Items)
{
    static readonly string[] s_questions = ["prompt", "question", "input", "instruction", "problem", "query", "text"], s_answers = ["gold", "target", "answer", "output", "solution", "completion", "response", "label"];

    /// <summary>
    /// The sets of a file, or of every .jsonl and .txt file in a folder and below, by name. A line of .jsonl is an object; its question is the text of
    /// prompt, question, input, instruction, problem, query and text, as many as it has, and of all its messages but the assistant's; its answer that of gold,
    /// target, answer, output, solution, completion, response and label, and of the assistant's messages. A line of .txt is a question.
    /// </summary>
    /// <exception cref="UserError">A path cannot be read, holds nothing, or a line has none of these.</exception>
    public static IReadOnlyList<EvaluationSet> Read(string path)
    {
        string[] files = Directory.Exists(path) ? [.. Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).Where(f => f.EndsWith(".jsonl", StringComparison.OrdinalIgnoreCase) || f.EndsWith(".txt", StringComparison.OrdinalIgnoreCase)).Order(StringComparer.Ordinal)] : [path];
        return files.Length > 0 ? [.. files.Select(f => One(f, Directory.Exists(path) ? Path.GetRelativePath(path, f) : Path.GetFileName(f)))]
            : throw new UserError("the folder holds no evaluation sets", path, "Put .jsonl or .txt files there.");
    }

    static EvaluationSet One(string file, string name)
    {
        bool plain = file.EndsWith(".txt", StringComparison.OrdinalIgnoreCase);
        EvaluationItem[] items = [.. TextFile.Read(file).Split('\n').Index().Where(l => !string.IsNullOrWhiteSpace(l.Item)).Select(l => plain ? new($"{name}, line {l.Index + 1}", l.Item.Trim(), null) : Item(l.Item, $"{name}, line {l.Index + 1}", $"{file}, line {l.Index + 1}"))];
        return items.Length > 0 ? new(name, items) : throw new UserError("the evaluation set is empty", file, "Give one question a line, or take the file out of admit.contamination.sets.");
    }

    static EvaluationItem Item(string line, string name, string where)
    {
        if (JsonText.Read(line) is not { ValueKind: JsonValueKind.Object } json)
        {
            throw new UserError("the line is no JSON object", where, "Give one JSON object a line, each member once.");
        }

        (bool Answers, string Text)[] messages = json.TryGetProperty("messages", out JsonElement list) && list.ValueKind == JsonValueKind.Array
            ? [.. list.EnumerateArray().Where(m => m.ValueKind == JsonValueKind.Object).Select(m => (Text(m, "role") == "assistant", Text(m, "content") ?? ""))]
            : [];
        string[] questions = [.. s_questions.Select(n => Text(json, n)).OfType<string>(), .. messages.Where(m => !m.Answers).Select(m => m.Text)], answers = [.. s_answers.Select(n => Text(json, n)).OfType<string>(), .. messages.Where(m => m.Answers).Select(m => m.Text)];
        return questions.Length > 0
            ? new(name, string.Join('\n', questions), answers.Length > 0 ? string.Join('\n', answers) : null)
            : throw new UserError($"the line has no question: none of {string.Join(", ", s_questions)} or messages", where, "Rename the member that holds the question.");
    }

    /// <summary>A member's text; of a list the texts in it; null where there is none.</summary>
    static string? Text(JsonElement json, string name) => !json.TryGetProperty(name, out JsonElement value) ? null : value.ValueKind switch
    {
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Number => value.GetRawText(),
        JsonValueKind.Array => string.Join('\n', value.EnumerateArray().Where(v => v.ValueKind == JsonValueKind.String).Select(v => v.GetString())) is { Length: > 0 } all ? all : null,
        _ => null,
    };
}
