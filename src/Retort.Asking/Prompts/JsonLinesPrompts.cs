using System.Text.Json;

namespace Retort.Asking;

/// <summary>
/// An object with "prompt"; with "messages" as OpenAI's chat has them, whose last answer, as in files for fine-tuning, is the gold; or with "turns", the
/// user's texts, which are asked one after another. Each may have "gold", and "slice", what it belongs to.
/// </summary>
static class JsonLinesPrompts
{
    const string Form = "A line is an object with \"prompt\": \"…\", \"messages\": [{\"role\": \"user\", \"content\": \"…\"}] or \"turns\": [\"…\", \"…\"].";

    /// <exception cref="UserError">It is none of these: whoever writes such files wants to know, where a log may hold anything.</exception>
    public static PromptRow One(JsonRow row)
    {
        if (row.Fault is { } fault)
        {
            throw fault;
        }

        (JsonElement json, string where) = (row.Json, row.Where);
        if (json.ValueKind != JsonValueKind.Object)
        {
            throw new UserError("the line is no JSON object", where, Form);
        }

        string? gold = json.TryGetProperty("gold", out JsonElement g) && g.ValueKind != JsonValueKind.Null ? g.ValueKind == JsonValueKind.String ? g.GetString() : g.GetRawText() : null;
        string? slice = json.TryGetProperty("slice", out JsonElement part) && part.ValueKind == JsonValueKind.String ? part.GetString() : null;
        if (json.TryGetProperty("prompt", out JsonElement prompt) && prompt.ValueKind == JsonValueKind.String)
        {
            return new PromptRow.Asks(new([new("user", prompt.GetString()!)], gold, where) { Slice = slice });
        }

        if (json.TryGetProperty("turns", out JsonElement turns) && turns.ValueKind == JsonValueKind.Array && turns.GetArrayLength() > 0)
        {
            string[] texts = [.. turns.EnumerateArray().Select(t => t.ValueKind == JsonValueKind.String ? t.GetString()! : throw new UserError("a turn is no text", where, Form))];
            return new PromptRow.Asks(new([new("user", texts[0])], gold, where) { Later = texts[1..], Slice = slice });
        }

        if (!json.TryGetProperty("messages", out JsonElement messages) || messages.ValueKind != JsonValueKind.Array || messages.GetArrayLength() == 0)
        {
            throw new UserError("there is no \"prompt\", and there are no \"messages\" and no \"turns\"", where, Form);
        }

        return ChatMessages.Read(messages, null, where) switch
        {
            PromptRow.Asks asks => new PromptRow.Asks(asks.Prompt with { Gold = gold ?? asks.Prompt.Gold, Slice = slice }),
            PromptRow.Nothing { Why: ChatMessages.NotUnderstood } => throw new UserError(ChatMessages.NotUnderstood, where, $"Each has a role ({ChatMessages.Roles}) and a content that is text."),
            PromptRow.Nothing { Why: ChatMessages.NothingToAnswer } => throw new UserError(ChatMessages.NothingToAnswer, where, "End the conversation with a message of role user, or with the answer to one."),
            PromptRow other => other,
        };
    }
}
