using System.Text.Json;

namespace Retort.Asking;

/// <summary>
/// Conversations of ChatGPT's data export. Each is a tree of nodes, since a question can be changed and an answer drawn again; the branch that was last
/// shown, from current_node to the root, is followed. Every text of the user there is a prompt, with what was said before it. The exported answers
/// are another model's: they are history, never gold.
/// </summary>
static class ChatGptExport
{
    public static IEnumerable<PromptRow> Rows(JsonRow row)
    {
        if (row.Fault is { } fault)
        {
            throw fault;
        }

        if (row.Json.ValueKind != JsonValueKind.Object || !row.Json.TryGetProperty("mapping", out JsonElement mapping) || mapping.ValueKind != JsonValueKind.Object)
        {
            return [new PromptRow.Nothing("there is no tree of messages", row.Where)];
        }

        List<PromptRow> rows = [];
        List<Turn> said = [];
        bool whole = true;
        foreach (JsonElement message in Branch(row.Json, mapping))
        {
            (string? role, string? text) = (ChatMessages.Role(message), message.TryGetProperty("content", out JsonElement content) ? ChatMessages.Text(content) : null);
            if (role == "user")
            {
                whole &= text is not null;
                if (whole)
                {
                    said.Add(new("user", text!));
                }

                rows.Add(whole ? new PromptRow.Asks(new([.. said], null, row.Where)) : new PromptRow.Nothing("an image or a file stands in or before it", row.Where));
            }
            else if (whole && role == "assistant" && !string.IsNullOrEmpty(text))
            {
                // What is said before and after a tool was used is one answer.
                bool goes = said is [.., { Role: "assistant" }];
                said = goes ? [.. said[..^1], new("assistant", said[^1].Text + "\n\n" + text)] : [.. said, new("assistant", text)];
            }
        }

        return rows.Count > 0 ? rows : [new PromptRow.Nothing("the user says nothing", row.Where)];
    }

    /// <summary>Messages of text and images that were shown, from the first to the current one.</summary>
    static List<JsonElement> Branch(JsonElement conversation, JsonElement mapping)
    {
        string? at = Name(conversation, "current_node") ?? mapping.EnumerateObject().Select(n => n.Name).LastOrDefault();
        HashSet<string> met = new(StringComparer.Ordinal);
        List<JsonElement> branch = [];
        while (at is not null && met.Add(at) && mapping.TryGetProperty(at, out JsonElement node) && node.ValueKind == JsonValueKind.Object)
        {
            if (node.TryGetProperty("message", out JsonElement message) && message.ValueKind == JsonValueKind.Object && IsShown(message))
            {
                branch.Add(message);
            }

            at = Name(node, "parent");
        }

        branch.Reverse();
        return branch;
    }

    /// <summary>Not what is kept from view, sent to a tool, or thought.</summary>
    static bool IsShown(JsonElement message) =>
        !(message.TryGetProperty("metadata", out JsonElement metadata) && metadata.ValueKind == JsonValueKind.Object && metadata.TryGetProperty("is_visually_hidden_from_conversation", out JsonElement hidden) && hidden.ValueKind == JsonValueKind.True)
        && Name(message, "recipient") is null or "all"
        && message.TryGetProperty("content", out JsonElement content) && content.ValueKind == JsonValueKind.Object && Name(content, "content_type") is null or "text" or "multimodal_text";

    static string? Name(JsonElement from, string name) => from.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
