using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Retort.Asking;

/// <summary>One turn of a conversation.</summary>
/// <param name="Role">system, user or assistant.</param>
public sealed record Turn(string Role, string Text);

/// <summary>How an answer is to be drawn; what is null is left to the endpoint.</summary>
/// <param name="MaxTokens">Most tokens of one answer.</param>
/// <param name="Count">Answers to one question.</param>
/// <param name="Schema">A JSON schema the answer must follow, as JSON.</param>
/// <param name="TopLogProbabilities">Most likely tokens wanted at each place; 0 wants the drawn token's alone.</param>
public sealed record AskParameters(
    int? MaxTokens = null, double? Temperature = null, double? TopP = null, int Count = 1, long? Seed = null, IReadOnlyList<string>? Stop = null, string? Schema = null, int? TopLogProbabilities = null);

/// <summary>
/// What is asked of whom. Its body is what goes over the wire; the hash of address and body is what it is filed under, so that nothing else that changes
/// in a recipe ever asks again.
/// </summary>
public sealed record Question(Endpoint Endpoint, IReadOnlyList<Turn> Turns, AskParameters Parameters)
{
    /// <summary>The request as OpenAI's interface takes it, UTF-8, its fields always in this order.</summary>
    public byte[] Body()
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter json = new(buffer))
        {
            json.WriteStartObject();
            json.WriteString("model", Endpoint.Model);
            json.WriteStartArray("messages");
            foreach (Turn turn in Turns)
            {
                json.WriteStartObject();
                json.WriteString("role", turn.Role);
                json.WriteString("content", turn.Text);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            Parameter(json);
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    void Parameter(Utf8JsonWriter json)
    {
        AskParameters p = Parameters;
        if (p.MaxTokens is { } most)
        {
            json.WriteNumber("max_tokens", most);
        }

        if (p.Temperature is { } temperature)
        {
            json.WriteNumber("temperature", temperature);
        }

        if (p.TopP is { } topP)
        {
            json.WriteNumber("top_p", topP);
        }

        if (p.Count > 1)
        {
            json.WriteNumber("n", p.Count);
        }

        if (p.Seed is { } seed)
        {
            json.WriteNumber("seed", seed);
        }

        if (p.Stop is { Count: > 0 } stop)
        {
            json.WriteStartArray("stop");
            foreach (string text in stop)
            {
                json.WriteStringValue(text);
            }

            json.WriteEndArray();
        }

        if (p.Schema is { } schema)
        {
            json.WriteStartObject("response_format");
            json.WriteString("type", "json_schema");
            json.WriteStartObject("json_schema");
            json.WriteString("name", "answer");
            json.WriteBoolean("strict", true);
            json.WritePropertyName("schema");
            json.WriteRawValue(schema);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        if (p.TopLogProbabilities is { } top)
        {
            json.WriteBoolean("logprobs", true);
            if (top > 0)
            {
                json.WriteNumber("top_logprobs", top);
            }
        }
    }

    public byte[] Key() => Key(Endpoint.Address, Body());

    /// <summary>SHA-256 of the address, a zero byte, and the body.</summary>
    public static byte[] Key(string address, ReadOnlySpan<byte> body) => SHA256.HashData([.. Encoding.UTF8.GetBytes(address), 0, .. body]);

    /// <summary>The same for an <see cref="IChatClient"/>; a <see cref="RemoteModel"/> takes all of it, another client what its library knows.</summary>
    public (IReadOnlyList<ChatMessage> Messages, ChatOptions Options) ForClient()
    {
        ChatOptions options = new()
        {
            ModelId = Endpoint.Model,
            MaxOutputTokens = Parameters.MaxTokens,
            Temperature = (float?)Parameters.Temperature,
            TopP = (float?)Parameters.TopP,
            Seed = Parameters.Seed,
            StopSequences = Parameters.Stop is { Count: > 0 } stop ? [.. stop] : null,
            ResponseFormat = Parameters.Schema is { } schema ? ChatResponseFormat.ForJsonSchema(JsonElement.Parse(schema), "answer") : null,
            AdditionalProperties = new() { [nameof(Question)] = this },
        };
        return ([.. Turns.Select(t => new ChatMessage(new ChatRole(t.Role), t.Text))], options);
    }
}
