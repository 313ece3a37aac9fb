using System.Text.Json;

namespace Retort.Asking;

/// <summary>What a log says a model was given: a text, messages, or an object around them. What it answered is another model's and no gold.</summary>
static class ModelInput
{
    public const string None = "no messages and no text are given to a model";

    public static PromptRow Read(JsonElement input, string where) => Plain(input) switch
    {
        { ValueKind: JsonValueKind.String } text when !string.IsNullOrWhiteSpace(text.GetString()) => new PromptRow.Asks(new([new("user", text.GetString()!)], null, where)),
        { ValueKind: JsonValueKind.Array } messages => Messages(messages, null, where),
        { ValueKind: JsonValueKind.Object } body => Body(body, where) ?? new PromptRow.Nothing(None, where),
        _ => new PromptRow.Nothing(None, where),
    };

    /// <summary>A request's body, or an object like one: "messages" or "input", with "system" or "instructions" before them; null where it has neither.</summary>
    public static PromptRow? Body(JsonElement body, string where)
    {
        if (body.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        string? system = body.TryGetProperty("system", out JsonElement s) || body.TryGetProperty("instructions", out s) ? ChatMessages.Text(s) : null;
        return body.TryGetProperty("messages", out JsonElement messages) && Plain(messages) is { ValueKind: JsonValueKind.Array } list ? Messages(list, system, where)
            : body.TryGetProperty("kwargs", out JsonElement arguments) && arguments.ValueKind == JsonValueKind.Object ? Body(arguments, where)
            : !body.TryGetProperty("input", out JsonElement input) ? null
            : Plain(input) switch
            {
                { ValueKind: JsonValueKind.Array } items when items.EnumerateArray().All(i => ChatMessages.Role(i) is not null) => Messages(items, system, where),
                { ValueKind: JsonValueKind.String } text => new PromptRow.Asks(new([.. system is null ? (Turn[])[] : [new("system", system)], new("user", text.GetString()!)], null, where)),
                _ => null,
            };
    }

    /// <summary>The value itself, or what it holds as JSON in a text.</summary>
    public static JsonElement Plain(JsonElement value) =>
        value.ValueKind == JsonValueKind.String && value.GetString() is { } text && text.AsSpan().TrimStart() is ['{' or '[', ..] && JsonRows.Inside(text) is { } inside ? inside : value;

    static PromptRow Messages(JsonElement messages, string? system, string where) => ChatMessages.Read(messages, system, where) switch
    {
        PromptRow.Asks asks => new PromptRow.Asks(asks.Prompt with { Gold = null }),
        PromptRow other => other,
    };
}
