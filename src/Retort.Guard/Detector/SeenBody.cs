using System.Text.Json;
using Retort.Evidence.Statistics;

namespace Retort.Guard.Detector;

/// <summary>Reads what the detector wants of a request's JSON, which the path has found to be in order.</summary>
static class SeenBody
{
    static readonly string[] s_parameters = ["temperature", "top_p", "top_k", "max_tokens", "max_completion_tokens", "max_output_tokens", "n", "best_of", "frequency_penalty", "presence_penalty", "reasoning_effort"];

    /// <summary>Null where it holds nothing that is asked.</summary>
    public static SeenRequest? Read(WaitingRequest request)
    {
        using JsonDocument document = JsonDocument.Parse(request.Body);
        JsonElement root = document.RootElement;
        (string? prompt, ulong system, int turns) = Asked(root);
        return prompt is null ? null : new(request.Account, request.At, prompt, new(Parameters(root), system, turns, AsksProbabilities(root)), request.Origin);
    }

    static (string? Prompt, ulong System, int Turns) Asked(JsonElement root)
    {
        ulong system = root.TryGetProperty("tools", out JsonElement tools) ? PlainWords.Hash(tools.GetRawText()) : 0;
        if (root.TryGetProperty("instructions", out JsonElement instructions))
        {
            system = PlainWords.Mix(system + PlainWords.Hash(instructions.GetRawText()));
        }

        if (!root.TryGetProperty("messages", out JsonElement messages) && !root.TryGetProperty("input", out messages))
        {
            return (root.TryGetProperty("prompt", out JsonElement prompt) ? Text(prompt) : null, system, 1);
        }

        if (messages.ValueKind != JsonValueKind.Array || messages.EnumerateArray().All(m => m.ValueKind != JsonValueKind.Object))
        {
            return (Text(messages), system, 1);
        }

        string? asked = null;
        int turns = 0;
        foreach (JsonElement message in messages.EnumerateArray().Where(m => m.ValueKind == JsonValueKind.Object && m.TryGetProperty("content", out _)))
        {
            string? role = message.TryGetProperty("role", out JsonElement r) && r.ValueKind == JsonValueKind.String ? r.GetString() : "user", text = Text(message.GetProperty("content"));
            switch (role)
            {
                case "system" or "developer":
                    system = PlainWords.Mix(system + PlainWords.Hash(text ?? ""));
                    break;
                case "user" when text is not null:
                    (asked, turns) = (text, turns + 1);
                    break;
                case "assistant":
                    turns++;
                    break;
            }
        }

        return (asked, system, Math.Max(turns, 1));
    }

    /// <summary>A text, or the texts of a list of texts or parts, one below the other.</summary>
    static string? Text(JsonElement content) => content.ValueKind switch
    {
        JsonValueKind.String => content.GetString(),
        JsonValueKind.Array => string.Join('\n', content.EnumerateArray().Select(p => p.ValueKind == JsonValueKind.Object ? (p.TryGetProperty("text", out JsonElement t) && t.ValueKind == JsonValueKind.String ? t.GetString() : null) : p.ValueKind == JsonValueKind.String ? p.GetString() : null).OfType<string>()) is { Length: > 0 } all ? all : null,
        _ => null,
    };

    /// <summary>What the client chose, as far as it chose anything.</summary>
    static ulong Parameters(JsonElement root)
    {
        ulong hash = 1;
        for (int i = 0; i < s_parameters.Length; i++)
        {
            if (root.TryGetProperty(s_parameters[i], out JsonElement value))
            {
                hash = PlainWords.Mix(hash + (ulong)i + PlainWords.Hash(value.GetRawText()));
            }
        }

        return hash;
    }

    static bool AsksProbabilities(JsonElement root) => root.TryGetProperty("logprobs", out JsonElement logprobs) && logprobs.ValueKind is JsonValueKind.True or JsonValueKind.Number;
}
