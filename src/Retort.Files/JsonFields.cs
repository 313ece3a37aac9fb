using System.Text.Json;
using System.Text.Unicode;

namespace Retort.Files;

/// <summary>A JSON object from outside, read field by field; a missing or wrong field is a <see cref="UserError"/> that names it.
/// A field that is null counts as absent, as Hugging Face's readers have it.</summary>
public sealed class JsonFields
{
    /// <summary>Bounds the memory a document takes: about 12 bytes a token beside its text.</summary>
    const int MostTokens = 8_000_000;

    readonly JsonElement _object;

    JsonFields(JsonElement element, string where) => (_object, Where) = (element, where);

    /// <summary>The file, and the path inside it for a nested object.</summary>
    public string Where { get; }

    public static JsonFields Read(string path, int limit = 16 << 20) => Parse(InputFile.ReadAll(path, limit), path);

    /// <exception cref="UserError">Not UTF-8, not JSON, not an object, a name twice in one object, or absurdly many tokens.</exception>
    public static JsonFields Parse(ReadOnlySpan<byte> utf8, string where)
    {
        const string Hint = "Copy or download the file again.";
        if (!Utf8.IsValid(utf8))
        {
            throw new UserError("The text is not UTF-8", where, Hint);
        }

        try
        {
            // Lone surrogates and sheer number are found before a document is built.
            Utf8JsonReader reader = new(utf8);
            for (int tokens = 0; reader.Read();)
            {
                if (++tokens > MostTokens)
                {
                    throw new UserError($"The JSON has more than {MostTokens} tokens", where, "Check that this is the right file.");
                }

                if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName && reader.ValueIsEscaped)
                {
                    _ = reader.GetString();
                }
            }

            JsonElement root = JsonElement.Parse(utf8, new JsonDocumentOptions { AllowDuplicateProperties = false });
            return root.ValueKind == JsonValueKind.Object ? new(root, where) : throw new UserError("The JSON is not an object", where, Hint);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new UserError($"The JSON is broken ({Short(e.Message.TrimEnd('.'))})", where, Hint);
        }
    }

    public IEnumerable<string> Names => _object.EnumerateObject().Select(p => p.Name);

    /// <summary>Name and value of every field, nulls included.</summary>
    public IEnumerable<(string Name, JsonElement Value)> All => _object.EnumerateObject().Select(p => (p.Name, p.Value));

    public bool Has(string name) => Find(name) is not null;

    /// <summary>The field, or null when it is absent or null.</summary>
    public JsonElement? Find(string name) =>
        _object.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    /// <summary>A whole number; a missing one is a fault unless there is a fallback.</summary>
    public int Int(string name, int? fallback = null)
    {
        JsonElement? value = Find(name);
        if (value is null)
        {
            return fallback ?? throw Missing(name);
        }

        return IsInt(value.Value, out int number) ? number : throw Wrong(name, "It must be a whole number that fits in 32 bits.");
    }

    public double Double(string name, double? fallback = null)
    {
        JsonElement? value = Find(name);
        if (value is null)
        {
            return fallback ?? throw Missing(name);
        }

        return value.Value.ValueKind == JsonValueKind.Number && value.Value.TryGetDouble(out double number) ? number : throw Wrong(name, "It must be a number.");
    }

    public bool Bool(string name, bool fallback) => Find(name)?.ValueKind switch
    {
        null => fallback,
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Wrong(name, "It must be true or false."),
    };

    public string Text(string name, string? fallback = null)
    {
        JsonElement? value = Find(name);
        if (value is null)
        {
            return fallback ?? throw Missing(name);
        }

        return value.Value.ValueKind == JsonValueKind.String ? value.Value.GetString()! : throw Wrong(name, "It must be a string.");
    }

    /// <summary>A nested object, or null when absent.</summary>
    public JsonFields? Object(string name) => Find(name) switch
    {
        null => null,
        { } value => Nested(name, value),
    };

    /// <summary>The value of a field met in <see cref="All"/>, which must be an object.</summary>
    public JsonFields Nested(string name, JsonElement value)
    {
        string where = $"{Where}, {Short(name)}";
        return value.ValueKind == JsonValueKind.Object ? new(value, where) : throw new UserError($"The value is {Short(value.GetRawText())}", where, "It must be an object.");
    }

    /// <summary>The elements of an array, or null when absent.</summary>
    public IReadOnlyList<JsonElement>? Array(string name) => Find(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Array } value => [.. value.EnumerateArray()],
        _ => throw Wrong(name, "It must be a list."),
    };

    /// <summary>One whole number or a list of them; null when absent.</summary>
    public IReadOnlyList<int>? Ints(string name)
    {
        const string Rule = "It must be a whole number or a list of whole numbers.";
        if (Find(name) is not { } value)
        {
            return null;
        }

        IEnumerable<JsonElement> elements = value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : [value];
        return [.. elements.Select(e => IsInt(e, out int number) ? number : throw Wrong(name, Rule))];
    }

    public UserError Missing(string name) => new($"{Short(name)} is missing", Where, "Add the field, or copy the file again from where the model came.");

    /// <summary>A fault of one field's value.</summary>
    public UserError Wrong(string name, string hint) =>
        new($"{Short(name)} is {(Find(name) is { } value ? Short(value.GetRawText()) : "missing")}", Where, hint);

    /// <summary>At most 80 characters of text from outside, without line breaks.</summary>
    public static string Short(string text) => (text.Length > 80 ? text[..79] + "…" : text).ReplaceLineEndings(" ");

    static bool IsInt(JsonElement value, out int number)
    {
        number = 0;
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out number);
    }
}
