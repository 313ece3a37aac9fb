using System.Text.Json;
using Retort.Guard.OpenAi;

namespace Retort.Guard.Answers;

/// <summary>What a client is told of an upstream's failure: its status and sentence where they are about the request, never its key, headers or address.</summary>
sealed class UpstreamErrors(Uri url, string? key)
{
    const int MostBytes = 8 << 20, MostMessage = 2000;

    public ApiError Unreachable { get; } = new(502, "The model cannot be reached now.", "server_error", "upstream_unreachable");

    public ApiError Broken { get; } = new(502, "The model broke its answer off; it is not whole.", "server_error", "upstream_broke_off");

    public ApiError Silent { get; } = new(504, "The model was silent for too long.", "server_error", "upstream_timeout");

    public ApiError Unreadable { get; } = new(502, "The model's answer cannot be read.", "server_error", "upstream_unreadable");

    /// <summary>Whether sending or reading failed at the other side.</summary>
    public static bool Is(Exception e) => e is IOException or System.Net.Sockets.SocketException or OperationCanceledException or ObjectDisposedException;

    /// <summary>The beginning of a body.</summary>
    public static async Task<byte[]> Read(UpstreamConnection from)
    {
        using PooledBytes bytes = new();
        while (bytes.Length < MostBytes && await from.Read(bytes.GetMemory(4096)).ConfigureAwait(false) is > 0 and var read)
        {
            bytes.Advance(read);
        }

        return bytes.Span.ToArray();
    }

    /// <summary>A refusal of the upstream's. That it does not know its own key is no fault of the client's.</summary>
    public ApiError Of(UpstreamHead head, ReadOnlySpan<byte> body) => head.Status switch
    {
        401 or 403 or 407 => new(502, "The model refused this server.", "server_error", "upstream_refused"),
        429 => new(429, Message(body) ?? "The model is busy.", "rate_limit_error", "upstream_busy", Headers: head.RetryAfter is { } after ? [new("retry-after", after.ToString(System.Globalization.CultureInfo.InvariantCulture))] : null),
        408 or 504 => Silent,
        >= 400 and < 500 and var status => new(status, Message(body) ?? "The model refused the request.", status == 404 ? "not_found_error" : "invalid_request_error", Word(body, "code") ?? "upstream_refused_request", Word(body, "param")),
        503 => new(503, Message(body) ?? "The model is not available now.", "server_error", "upstream_unavailable"),
        _ => new(502, Message(body) ?? "The model failed.", "server_error", "upstream_failed"),
    };

    /// <summary>A failure within an answer that had begun.</summary>
    public ApiError Within(ReadOnlySpan<byte> json) => Message(json) is { } message ? Broken with { Message = message, Code = "upstream_failed" } : Broken;

    string? Message(ReadOnlySpan<byte> json) => Field(json, "message") is { Length: > 0 } message && !Tells(message) ? message.Length > MostMessage ? message[..MostMessage] + "…" : message : null;

    static string? Word(ReadOnlySpan<byte> json, string name) => Field(json, name) is { Length: > 0 and < 64 } word && word.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '[' or ']') ? word : null;

    /// <summary>Whether a sentence tells what a client must not know.</summary>
    bool Tells(string message) => message.Contains(url.Host, StringComparison.OrdinalIgnoreCase) || message.Contains("Bearer ", StringComparison.OrdinalIgnoreCase)
        || (key is { Length: > 7 } && (message.Contains(key, StringComparison.Ordinal) || message.Contains(key[..7], StringComparison.Ordinal) || message.Contains(key[^7..], StringComparison.Ordinal)));

    /// <summary>A field of error, or of the object itself.</summary>
    static string? Field(ReadOnlySpan<byte> json, string name)
    {
        try
        {
            Utf8JsonReader reader = new(json);
            if (!JsonDocument.TryParseValue(ref reader, out JsonDocument? document))
            {
                return null;
            }

            using (document)
            {
                JsonElement at = document.RootElement;
                if (at.ValueKind == JsonValueKind.Object && at.TryGetProperty("response", out JsonElement response))
                {
                    at = response;
                }

                if (at.ValueKind == JsonValueKind.Object && at.TryGetProperty("error", out JsonElement error))
                {
                    at = error;
                }

                return at.ValueKind == JsonValueKind.String && name == "message" ? at.GetString() : at.ValueKind == JsonValueKind.Object && at.TryGetProperty(name, out JsonElement field) && field.ValueKind == JsonValueKind.String ? field.GetString() : null;
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}
