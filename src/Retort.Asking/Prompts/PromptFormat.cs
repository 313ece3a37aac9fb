namespace Retort.Asking;

/// <summary>What a file of prompts is.</summary>
public enum PromptFormat
{
    /// <summary>Objects with "prompt", "messages" or "turns", one a line or in one list; files for fine-tuning among them.</summary>
    JsonLines,

    /// <summary>A table with a header row, filled into a template.</summary>
    Csv,

    /// <summary>One prompt a line.</summary>
    Text,

    /// <summary>conversations.json of ChatGPT's data export.</summary>
    ChatGpt,

    /// <summary>Traces or observations exported from Langfuse, as JSON, JSON lines or CSV.</summary>
    Langfuse,

    /// <summary>Requests that a gateway wrote down, one a line.</summary>
    Capture,

    /// <summary>Requests that a browser or a proxy wrote down, an HTTP archive.</summary>
    Har,
}

/// <summary>Formats by the names a recipe gives them, and how they are recognised.</summary>
public static class PromptFormats
{
    /// <summary>In the order of the enumeration.</summary>
    public static IReadOnlyList<string> Names => s_names;

    static readonly string[] s_names = ["jsonl", "csv", "text", "chatgpt", "langfuse", "capture", "har"];

    static readonly string[] s_words = ["JSON lines", "CSV", "plain text", "a ChatGPT export", "a Langfuse export", "a gateway's capture", "an HTTP archive"];

    /// <summary>Fields of which a gateway's row has one beside its messages.</summary>
    static readonly string[] s_gateway = ["response", "call_type", "litellm_call_id", "model_parameters", "response_cost"];

    /// <summary>Columns of which a table from Langfuse has one beside "input".</summary>
    static readonly string[] s_langfuse = ["traceId", "trace_id", "output", "metadata", "parentObservationId", "parent_observation_id", "sessionId", "session_id"];

    public static string Word(this PromptFormat format) => s_words[(int)format];

    /// <summary>What a recipe calls it; null for null.</summary>
    public static string? Name(PromptFormat? format) => format is { } known ? s_names[(int)known] : null;

    public static PromptFormat? Parse(string? name) => name is null ? null : (PromptFormat)Array.IndexOf(s_names, name);

    /// <summary>By its keys; null where they say nothing.</summary>
    public static PromptFormat? Of(System.Text.Json.JsonElement row)
    {
        if (row.ValueKind != System.Text.Json.JsonValueKind.Object)
        {
            return null;
        }

        bool Has(string name) => row.TryGetProperty(name, out _);
        return Has("mapping") ? PromptFormat.ChatGpt
            : HarCapture.Entries(row) is not null ? PromptFormat.Har
            : Has("messages") && !Has("prompt") && s_gateway.Any(Has) ? PromptFormat.Capture
            : Has("prompt") || Has("messages") || Has("turns") ? PromptFormat.JsonLines
            : Has("request") || Has("kwargs") || Has("body") || Has("request_body") ? PromptFormat.Capture
            : Has("input") || Has("observations") || Has("data") ? PromptFormat.Langfuse
            : null;
    }

    /// <summary>By the columns of a table.</summary>
    public static PromptFormat Of(IReadOnlyList<string> header) => header.Contains("input", StringComparer.Ordinal) && s_langfuse.Any(c => header.Contains(c, StringComparer.Ordinal)) ? PromptFormat.Langfuse : PromptFormat.Csv;
}
