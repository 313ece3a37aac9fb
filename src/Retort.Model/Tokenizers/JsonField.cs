using System.Text.Json;

namespace Retort.Model.Tokenizers;

/// <summary>A value in a JSON file together with its place, so that every complaint names both.</summary>
readonly record struct JsonField(JsonElement Element, string File, string Path)
{
    const int DeepestNesting = 64;

    internal string Where => Path.Length == 0 ? File : $"{File}, {Path}";

    internal bool IsObject => Element.ValueKind == JsonValueKind.Object;

    internal bool IsText => Element.ValueKind == JsonValueKind.String;

    /// <summary>Parses a whole file: strict JSON in UTF-8 without duplicate fields, nested at most 64 deep.</summary>
    /// <exception cref="UserError">The file is not that.</exception>
    internal static JsonField Parse(byte[] bytes, string file)
    {
        if (!System.Text.Unicode.Utf8.IsValid(bytes))
        {
            throw new UserError("the file is not valid UTF-8", file, "Download it again; it is damaged or no JSON file.");
        }

        try
        {
            var options = new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = DeepestNesting };
            ReadOnlyMemory<byte> content = bytes.AsSpan().StartsWith("\uFEFF"u8) ? bytes.AsMemory(3) : bytes;
            return new JsonField(JsonDocument.Parse(content, options).RootElement, file, "");
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw new UserError($"the file is not valid JSON ({error.Message.TrimEnd('.')})", file, "Download it again; it is damaged.");
        }
    }

    internal JsonField Required(string name) =>
        Optional(name) ?? throw new UserError($"the field \"{name}\" is missing", Where, "Use a complete file.");

    /// <summary>The field, or null where it is absent or null.</summary>
    internal JsonField? Optional(string name)
    {
        if (!IsObject)
        {
            throw Wrong("an object");
        }

        return Element.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null
            ? new JsonField(value, File, Path.Length == 0 ? name : $"{Path}.{name}")
            : null;
    }

    internal string Text()
    {
        if (!IsText)
        {
            throw Wrong("a text");
        }

        try
        {
            return Element.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw new UserError("the text holds half a surrogate pair, which is no Unicode", Where, "Correct the escape.");
        }
    }

    internal int Integer() => Element.ValueKind == JsonValueKind.Number && Element.TryGetInt32(out int value) ? value : throw Wrong("a whole number");

    internal bool Flag() => Element.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Wrong("true or false"),
    };

    internal bool Flag(string name, bool otherwise) => Optional(name)?.Flag() ?? otherwise;

    internal IEnumerable<JsonField> Items()
    {
        if (Element.ValueKind != JsonValueKind.Array)
        {
            throw Wrong("a list");
        }

        int index = 0;
        foreach (JsonElement item in Element.EnumerateArray())
        {
            yield return new JsonField(item, File, $"{Path}[{index++}]");
        }
    }

    /// <summary>The fields of an object with their names; their paths are the object's, for there may be many.</summary>
    internal IEnumerable<(string Name, JsonField Value)> Members()
    {
        if (!IsObject)
        {
            throw Wrong("an object");
        }

        foreach (JsonProperty property in Element.EnumerateObject())
        {
            yield return (Name(property), this with { Element = property.Value });
        }
    }

    /// <summary>The complaint that something here is not supported.</summary>
    internal UserError Unsupported(string construct) => new(
        $"{construct} is not supported", Where, "Use a byte-pair tokenizer in the form of GPT-2, Llama or Qwen.");

    internal UserError Fault(string what, string hint) => new(what, Where, hint);

    string Name(JsonProperty property)
    {
        try
        {
            return property.Name;
        }
        catch (InvalidOperationException)
        {
            throw new UserError("a field's name holds half a surrogate pair, which is no Unicode", Where, "Correct the escape.");
        }
    }

    UserError Wrong(string expected) => new($"expected {expected} and found {Kind(Element.ValueKind)}", Where, "Correct the field.");

    static string Kind(JsonValueKind kind) => kind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        JsonValueKind.String => "a text",
        JsonValueKind.Number => "a number out of range or with a fraction, or where none belongs",
        JsonValueKind.True or JsonValueKind.False => "true or false",
        _ => "nothing",
    };
}
