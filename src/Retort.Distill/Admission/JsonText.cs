using System.Text;
using System.Text.Json;

namespace Retort.Distill;

/// <summary>JSON in what a model wrote.</summary>
static class JsonText
{
    /// <summary>The value that a text is; null where it is none, names a member twice, holds half of a character, or nests deeper than 64.</summary>
    public static JsonElement? Read(string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        try
        {
            Utf8JsonReader reader = new(utf8);
            while (reader.Read())
            {
                if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName && reader.ValueIsEscaped)
                {
                    _ = reader.GetString();
                }
            }

            return JsonElement.Parse(utf8, new JsonDocumentOptions { AllowDuplicateProperties = false });
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>The value that a text is, or that its last fenced block holds.</summary>
    public static JsonElement? Find(string text) => Read(text) ?? (FencedText.Last(text) is { } block ? Read(block) : null);
}
