using System.Text.Json;

namespace Retort.Asking;

/// <summary>
/// Conversations as a list of messages, each with a role and a content: OpenAI's, whose content may be a list of parts; Anthropic's, alike; and those of
/// ChatGPT's page, whose role is its author's.
/// </summary>
static class ChatMessages
{
    public const string NotUnderstood = "a message is not understood", NothingToAnswer = "there is nothing to answer: the user does not have the last word";

    static readonly string[] s_roles = ["system", "developer", "user", "assistant"];

    public static string Roles => string.Join(", ", s_roles);

    /// <summary>Asks up to the last answer, which is the gold.</summary>
    /// <param name="system">A first turn that stands beside the messages; null for none.</param>
    public static PromptRow Read(JsonElement messages, string? system, string where)
    {
        List<Turn> turns = system is null ? [] : [new("system", system)];
        foreach (JsonElement message in messages.EnumerateArray())
        {
            if (Fault(message) is { } why)
            {
                return new PromptRow.Nothing(why, where);
            }

            turns.Add(new(Role(message)!, Text(message.GetProperty("content"))!));
        }

        string? gold = null;
        if (turns is [.., { Role: "assistant" } last])
        {
            (gold, turns) = (last.Text, turns[..^1]);
        }

        return turns is [.., { Role: "user" }] ? new PromptRow.Asks(new(turns, gold, where)) : new PromptRow.Nothing(NothingToAnswer, where);
    }

    /// <summary>Why a message is none of a conversation in text; null where it is one.</summary>
    static string? Fault(JsonElement message)
    {
        if (message.ValueKind != JsonValueKind.Object)
        {
            return NotUnderstood;
        }

        string? role = Role(message);
        return role is "tool" or "function" || Filled(message, "tool_calls") || Filled(message, "function_call") ? "a tool is called"
            : role is null || !s_roles.Contains(role, StringComparer.Ordinal) || !message.TryGetProperty("content", out JsonElement content) || content.ValueKind is not (JsonValueKind.String or JsonValueKind.Array or JsonValueKind.Object) ? NotUnderstood
            : Text(content) is null ? "a message holds more than text"
            : null;
    }

    static bool Filled(JsonElement message, string name) => message.TryGetProperty(name, out JsonElement value) && (value.ValueKind == JsonValueKind.Object || (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() > 0));

    /// <summary>Who speaks; null where that is not said.</summary>
    public static string? Role(JsonElement message)
    {
        if (message.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        JsonElement from = message.TryGetProperty("author", out JsonElement author) && author.ValueKind == JsonValueKind.Object ? author : message;
        return from.TryGetProperty("role", out JsonElement role) && role.ValueKind == JsonValueKind.String ? role.GetString() : null;
    }

    /// <summary>A content's text: it itself, or its parts if all of them are text; else null.</summary>
    public static string? Text(JsonElement content) => content.ValueKind switch
    {
        JsonValueKind.String => content.GetString(),
        JsonValueKind.Array => content.EnumerateArray().Select(Part).ToArray() is var parts && Array.TrueForAll(parts, p => p is not null) ? string.Join('\n', parts) : null,
        JsonValueKind.Object => content.TryGetProperty("parts", out JsonElement parts) && parts.ValueKind == JsonValueKind.Array ? Text(parts) : null,
        _ => null,
    };

    static string? Part(JsonElement part) => part.ValueKind == JsonValueKind.String ? part.GetString()
        : part.ValueKind == JsonValueKind.Object && part.TryGetProperty("text", out JsonElement text) && text.ValueKind == JsonValueKind.String ? text.GetString()
        : null;
}
