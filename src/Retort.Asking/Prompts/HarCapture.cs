using System.Text.Json;

namespace Retort.Asking;

/// <summary>An HTTP archive (HAR 1.2) of a browser or a proxy: every POST whose body holds messages.</summary>
static class HarCapture
{
    public static IEnumerable<PromptRow> Rows(JsonRow row)
    {
        if (row.Fault is { } fault)
        {
            throw fault;
        }

        if (Entries(row.Json) is not { } entries)
        {
            throw new UserError("this is no HTTP archive: there is no log.entries", row.Where, "Save it again from the browser or the proxy, as HAR.");
        }

        return entries.EnumerateArray().Select((entry, i) => One(entry, $"{row.Where}, entry {i + 1}"));
    }

    /// <summary>The list log.entries; null where there is none.</summary>
    public static JsonElement? Entries(JsonElement row) =>
        row.ValueKind == JsonValueKind.Object && row.TryGetProperty("log", out JsonElement log) && log.ValueKind == JsonValueKind.Object && log.TryGetProperty("entries", out JsonElement entries) && entries.ValueKind == JsonValueKind.Array ? entries : null;

    static PromptRow One(JsonElement entry, string where) =>
        entry.ValueKind == JsonValueKind.Object && entry.TryGetProperty("request", out JsonElement request) && request.ValueKind == JsonValueKind.Object
        && request.TryGetProperty("postData", out JsonElement posted) && posted.ValueKind == JsonValueKind.Object && posted.TryGetProperty("text", out JsonElement text)
            ? ModelInput.Body(ModelInput.Plain(text), where) ?? new PromptRow.Nothing(ModelInput.None, where)
            : new PromptRow.Nothing("a request without a body", where);
}
