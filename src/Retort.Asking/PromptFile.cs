using System.Text.Json;

namespace Retort.Asking;

/// <summary>
/// Prompts from a file: JSON lines with "prompt", or with "messages" as OpenAI's chat has them, each with "gold" if there is one; a .txt file is one prompt
/// a line. A conversation that ends with an answer, as in files for fine-tuning, is asked up to there, and that answer is its gold.
/// </summary>
public static class PromptFile
{
    static readonly string[] s_roles = ["system", "developer", "user", "assistant"];

    /// <param name="system">Goes before every conversation that has no system turn; null for none.</param>
    /// <exception cref="UserError">The file cannot be read, or a line is none of these; it is named.</exception>
    public static IReadOnlyList<Prompt> Read(string path, string? system)
    {
        string text = TextFile.Read(path);
        bool plain = path.EndsWith(".txt", StringComparison.OrdinalIgnoreCase);
        List<Prompt> prompts = [];
        int number = 0;
        foreach (ReadOnlySpan<char> line in text.AsSpan().EnumerateLines())
        {
            number++;
            if (!line.IsWhiteSpace())
            {
                string where = $"{path}, line {number}";
                Prompt prompt = plain ? new([new("user", line.ToString())], null, where) : Parse(line.ToString(), where);
                prompts.Add(system is null || prompt.Turns[0].Role is "system" or "developer" ? prompt : prompt with { Turns = [new("system", system), .. prompt.Turns] });
            }
        }

        return prompts.Count > 0 ? prompts : throw new UserError("the file holds no prompts", path, "Give JSON lines, each an object with \"prompt\" or \"messages\", or a .txt file of one prompt a line.");
    }

    static Prompt Parse(string line, string where)
    {
        try
        {
            return Parse(Object(line, where), where);
        }
        catch (InvalidOperationException)
        {
            throw new UserError("a text holds half of a character (a lone surrogate)", where, "Write such characters as they are, in UTF-8.");
        }
    }

    static Prompt Parse(JsonElement json, string where)
    {
        string? gold = json.TryGetProperty("gold", out JsonElement g) && g.ValueKind != JsonValueKind.Null ? g.ValueKind == JsonValueKind.String ? g.GetString() : g.GetRawText() : null;
        if (json.TryGetProperty("prompt", out JsonElement prompt) && prompt.ValueKind == JsonValueKind.String)
        {
            return new([new("user", prompt.GetString()!)], gold, where);
        }

        if (!json.TryGetProperty("messages", out JsonElement messages) || messages.ValueKind != JsonValueKind.Array || messages.GetArrayLength() == 0)
        {
            throw new UserError("there is no \"prompt\" and there are no \"messages\"", where, "A line is an object with \"prompt\": \"…\" or \"messages\": [{\"role\": \"user\", \"content\": \"…\"}].");
        }

        Turn[] turns = [.. messages.EnumerateArray().Select(m => One(m, where))];
        (turns, gold) = turns[^1].Role == "assistant" ? (turns[..^1], gold ?? turns[^1].Text) : (turns, gold);
        return turns is [.., { Role: "user" }] ? new(turns, gold, where) : throw new UserError("there is nothing to answer: the user does not have the last word", where, "End the conversation with a message of role user, or with the answer to one.");
    }

    static Turn One(JsonElement message, string where) =>
        message.ValueKind == JsonValueKind.Object && message.TryGetProperty("role", out JsonElement role) && role.ValueKind == JsonValueKind.String && s_roles.Contains(role.GetString(), StringComparer.Ordinal)
        && message.TryGetProperty("content", out JsonElement content) && content.ValueKind == JsonValueKind.String
            ? new(role.GetString()!, content.GetString()!)
            : throw new UserError("a message is not understood", where, $"Each has a role ({string.Join(", ", s_roles)}) and a content that is text.");

    static JsonElement Object(string line, string where)
    {
        try
        {
            JsonElement json = JsonElement.Parse(line, new JsonDocumentOptions { AllowDuplicateProperties = false });
            return json.ValueKind == JsonValueKind.Object ? json : throw new UserError("the line is no JSON object", where, "A line is an object with \"prompt\" or \"messages\".");
        }
        catch (JsonException e)
        {
            throw new UserError($"the line is no JSON: {e.Message.TrimEnd('.')}", where, "Give one JSON object a line.");
        }
    }
}
