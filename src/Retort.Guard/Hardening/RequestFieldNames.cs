using System.Collections.Frozen;

namespace Retort.Guard.Hardening;

/// <summary>The fields a request may have, by route: what is not here and not in the policy is refused by its name.</summary>
/// <param name="Root">Of the request itself.</param>
/// <param name="Within">Of what is asked, at every depth; null where it holds no objects. What a service would fetch from elsewhere is not among them.</param>
sealed record RequestFieldNames(FrozenSet<string> Root, FrozenSet<string> Within)
{
    static readonly string[] s_drawing = ["model", "stream", "stream_options", "temperature", "top_p", "n", "stop", "max_tokens", "presence_penalty", "frequency_penalty", "logit_bias", "logprobs", "user", "seed"];

    /// <summary>What the model in this process understands besides.</summary>
    static readonly string[] s_local = ["top_k", "min_p", "repetition_penalty", "guided_choice", "chat_template_kwargs"];

    static readonly string[] s_chat =
    [
        .. s_drawing, "messages", "max_completion_tokens", "top_logprobs", "response_format", "tools", "tool_choice", "parallel_tool_calls", "functions", "function_call",
        "reasoning_effort", "verbosity", "metadata", "service_tier", "store", "modalities", "prompt_cache_key", "safety_identifier",
    ];

    static readonly string[] s_completions = [.. s_drawing, "prompt", "suffix", "best_of", "echo"];

    static readonly string[] s_responses =
    [
        "model", "input", "instructions", "stream", "temperature", "top_p", "max_output_tokens", "top_logprobs", "include", "tools", "tool_choice", "parallel_tool_calls", "text",
        "reasoning", "metadata", "user", "safety_identifier", "prompt_cache_key", "service_tier", "store", "truncation",
    ];

    static readonly string[] s_messages = ["role", "content", "name", "type", "text", "refusal", "tool_calls", "tool_call_id", "id", "function", "arguments", "function_call", "custom", "input", "annotations"];

    static readonly string[] s_input = ["role", "content", "type", "text", "refusal", "id", "status", "call_id", "name", "arguments", "output", "input", "annotations", "logprobs"];

    /// <summary>Text of the question given back with its probabilities; what lies at the service and was not inspected here; work that goes on after the answer.</summary>
    static readonly FrozenSet<string> s_never = FrozenSet.Create(StringComparer.Ordinal, "prompt_logprobs", "previous_response_id", "conversation", "background", "input_file_id");

    /// <summary>Of an entry of tools. One that names a server is none.</summary>
    public static readonly FrozenSet<string> Tools = FrozenSet.Create(StringComparer.Ordinal, "type", "function", "name", "description", "parameters", "strict", "custom", "format");

    /// <summary>Every name above.</summary>
    public static readonly FrozenSet<string> Known = Set([.. s_chat, .. s_completions, .. s_responses, .. s_messages, .. s_input, .. s_local, .. s_never, .. Tools, "encoding_format", "dimensions", "include_usage", "include_obfuscation"], new HashSet<string>());

    public static bool IsNever(string name) => s_never.Contains(name);

    public static RequestFieldNames Of(RouteKind route, IReadOnlySet<string> allow, bool isLocal) => new(
        Set([.. route switch { RouteKind.Chat => s_chat, RouteKind.Completions => s_completions, RouteKind.Responses => s_responses, _ => ["model", "input", "encoding_format", "dimensions", "user"] }, .. isLocal ? s_local : []], allow),
        Set(route switch { RouteKind.Chat => s_messages, RouteKind.Responses => s_input, _ => [] }, allow));

    static FrozenSet<string> Set(string[] names, IReadOnlySet<string> allow) => names.Concat(allow).ToFrozenSet(StringComparer.Ordinal);
}
