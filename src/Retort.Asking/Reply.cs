using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Retort.Asking;

/// <summary>One of the answers to a question.</summary>
/// <param name="Finish">Why it ended, in OpenAI's words: stop, length, content_filter.</param>
/// <param name="Refusal">What the model said instead of answering, where the endpoint tells that apart; else null.</param>
/// <param name="LogProbabilities">The "content" list of the answer's log-probabilities as the endpoint gave it, UTF-8 JSON; null without any.</param>
public sealed record Choice(string Text, string? Finish, string? Refusal, byte[]? LogProbabilities)
{
    /// <summary>What the model wrote to itself before, where the endpoint gives it apart from the text, as reasoning_content or reasoning; else null.</summary>
    public string? Reasoning { get; init; }

    /// <summary>Whether it says all it has to say: it is no refusal, not empty, and was not cut off.</summary>
    public bool IsWhole => Refusal is null && Text.Length > 0 && Finish is null or "stop";
}

/// <summary>What an endpoint answered.</summary>
/// <param name="Model">The model it names, which need not be the one asked.</param>
/// <param name="Id">Its name for this answer.</param>
/// <param name="PromptTokens">Tokens it counts for the question; null where it does not say.</param>
/// <param name="CompletionTokens">Tokens it counts for all answers.</param>
/// <param name="Raw">The body as it came; null for clients that do not show it.</param>
/// <param name="Limits">What it said of its limits.</param>
public sealed record Reply(string? Model, string? Fingerprint, string? Id, IReadOnlyList<Choice> Choices, int? PromptTokens, int? CompletionTokens, byte[]? Raw, LimitFacts Limits)
{
    /// <summary>From OpenAI's JSON; null when it is not a whole answer.</summary>
    public static Reply? Parse(byte[] body, LimitFacts limits)
    {
        try
        {
            JsonElement root = JsonElement.Parse(body);
            if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("choices", out JsonElement list) || list.ValueKind != JsonValueKind.Array || list.GetArrayLength() == 0)
            {
                return null;
            }

            List<Choice> choices = [.. list.EnumerateArray().Select(One).OfType<Choice>()];
            JsonElement usage = root.TryGetProperty("usage", out JsonElement u) && u.ValueKind == JsonValueKind.Object ? u : default;
            return choices.Count < list.GetArrayLength() ? null
                : new(Text(root, "model"), Text(root, "system_fingerprint"), Text(root, "id"), choices, Whole(usage, "prompt_tokens"), Whole(usage, "completion_tokens"), body, limits);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>What another client's response tells.</summary>
    public static Reply Of(ChatResponse response) => response.RawRepresentation as Reply ?? new(
        response.ModelId, response.AdditionalProperties?.GetValueOrDefault("system_fingerprint") as string, response.ResponseId,
        [.. response.Messages.Select(m => new Choice(m.Text, response.FinishReason?.Value, null, null))],
        (int?)response.Usage?.InputTokenCount, (int?)response.Usage?.OutputTokenCount, null, LimitFacts.None);

    static Choice? One(JsonElement choice)
    {
        if (choice.ValueKind != JsonValueKind.Object || !choice.TryGetProperty("message", out JsonElement message) || message.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        byte[]? probabilities = choice.TryGetProperty("logprobs", out JsonElement l) && l.ValueKind == JsonValueKind.Object && l.TryGetProperty("content", out JsonElement content) && content.ValueKind == JsonValueKind.Array
            ? JsonSerializer.SerializeToUtf8Bytes(content)
            : null;
        return new(Text(message, "content") ?? "", Text(choice, "finish_reason"), Text(message, "refusal"), probabilities) { Reasoning = Text(message, "reasoning_content") ?? Text(message, "reasoning") };
    }

    static string? Text(JsonElement from, string name) => from.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    static int? Whole(JsonElement from, string name) => from.ValueKind == JsonValueKind.Object && from.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int whole) ? whole : null;
}
