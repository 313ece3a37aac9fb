using System.Text.Json;

namespace Retort.Guard.OpenAi;

/// <summary>A request's JSON object, read field by field; what nobody asked for is refused by its name.</summary>
sealed class RequestFields(JsonElement json)
{
    readonly HashSet<string> _known = new(StringComparer.Ordinal);

    /// <exception cref="RequestException">It is no JSON, no object, or names a field twice.</exception>
    public static RequestFields Parse(ReadOnlyMemory<byte> body)
    {
        JsonElement root;
        try
        {
            root = JsonElement.Parse(body.Span, new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = 128 });
        }
        catch (JsonException e)
        {
            throw new RequestException(new(400, $"The body is no JSON: {e.Message}"));
        }

        if (!IsText(root))
        {
            throw new RequestException(new(400, "The body is no JSON: a text holds half a surrogate pair."));
        }

        return root.ValueKind == JsonValueKind.Object ? new(root) : throw new RequestException(new(400, "The body is no JSON object."));
    }

    /// <summary>Whether every text in it is one; the reader finds out only when a text is asked for.</summary>
    static bool IsText(JsonElement json)
    {
        try
        {
            return json.ValueKind switch
            {
                JsonValueKind.String => json.GetString() is not null,
                JsonValueKind.Array => json.EnumerateArray().All(IsText),
                JsonValueKind.Object => json.EnumerateObject().All(p => p.Name is not null && IsText(p.Value)),
                _ => true,
            };
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>A field, or null where it is absent or null.</summary>
    public JsonElement? Get(string name)
    {
        _known.Add(name);
        return json.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;
    }

    public string? Text(string name) => Get(name) is not { } value ? null : value.ValueKind == JsonValueKind.String ? value.GetString() : throw Fault(name, "must be a text");

    public bool Flag(string name) => Get(name) is { } value && value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Fault(name, "must be true or false"),
    };

    public double Number(string name, double otherwise, double least, double most) => Get(name) is not { } value ? otherwise
        : value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double x) && x >= least && x <= most ? x
        : throw Fault(name, $"must be a number from {least} to {most}");

    public int? Whole(string name, int least, int most) => Get(name) is not { } value ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int x) && x >= least && x <= most ? x
        : throw Fault(name, $"must be a whole number from {least} to {most}");

    public ulong? Seed(string name) => Get(name) is not { } value ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long x) ? (ulong)x
        : throw Fault(name, "must be a whole number");

    /// <summary>A text or a list of texts.</summary>
    public string[] Texts(string name, int most) => Get(name) is not { } value ? []
        : value.ValueKind == JsonValueKind.String ? [value.GetString()!]
        : value.ValueKind == JsonValueKind.Array && value.GetArrayLength() <= most && value.EnumerateArray().All(v => v.ValueKind == JsonValueKind.String) ? [.. value.EnumerateArray().Select(v => v.GetString()!)]
        : throw Fault(name, $"must be a text or a list of at most {most} texts");

    /// <summary>A field that may be given only where it changes nothing.</summary>
    public void Only(string name, Func<JsonElement, bool> changesNothing)
    {
        if (Get(name) is { } value && !changesNothing(value))
        {
            throw new RequestException(new(400, $"{name} is not supported here.", Code: "unsupported_parameter", Parameter: name));
        }
    }

    /// <summary>A field that never changes an answer.</summary>
    public void Passed(params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            _known.Add(name);
        }
    }

    /// <summary>Ends the reading.</summary>
    /// <exception cref="RequestException">A field was not asked for.</exception>
    public void End()
    {
        foreach (JsonProperty field in json.EnumerateObject())
        {
            if (!_known.Contains(field.Name))
            {
                throw new RequestException(new(400, $"Unrecognized request argument supplied: {field.Name}", Code: "unknown_parameter", Parameter: field.Name));
            }
        }
    }

    public static RequestException Fault(string name, string rule) => new(new ApiError(400, $"{name} {rule}.", Code: "invalid_value", Parameter: name));
}
