using System.Text.Json;
using System.Text.RegularExpressions;

namespace Retort.Distill;

/// <summary>
/// A JSON Schema (draft 2020-12) that answers are checked by. It reads the keywords that answers can be kept to while they are written, limits of numbers and
/// patterns; every other keyword is refused, since passing over it would admit what the schema forbids. As in the standard, members that are not declared may
/// stand in an object unless additionalProperties forbids it, and format is an annotation.
/// </summary>
public sealed class AnswerSchema
{
    /// <summary>Schemas looked at for one answer: nested alternatives multiply.</summary>
    const int MostSteps = 100_000;

    /// <summary>References followed without end, and answers nested without end.</summary>
    const int Deepest = 256;

    static readonly string[] s_annotations = ["$schema", "$id", "$comment", "title", "description", "default", "examples", "format", "deprecated", "readOnly", "writeOnly", "nullable", "strict"];
    static readonly string[] s_types = ["object", "array", "string", "integer", "number", "boolean", "null"];

    readonly JsonElement _root;
    readonly string _where;
    readonly HashSet<string> _checked = new(StringComparer.Ordinal);
    readonly Dictionary<string, Regex> _patterns = new(StringComparer.Ordinal);

    /// <param name="where">What errors call the schema.</param>
    /// <exception cref="UserError">It is no schema, or has a keyword that is not read.</exception>
    public AnswerSchema(JsonElement root, string where)
    {
        (_root, _where) = (root, where);
        Check(root, "#", 0);
    }

    /// <exception cref="UserError">The file cannot be read, is no schema, or has a keyword that is not read.</exception>
    public static AnswerSchema Read(string path) => new(ReadJson(path), path);

    /// <exception cref="UserError">The file cannot be read, or is no JSON.</exception>
    internal static JsonElement ReadJson(string path) =>
        JsonText.Read(TextFile.Read(path, 1 << 20)) ?? throw new UserError("this is no JSON", path, "Give a JSON Schema, such as {\"type\": \"object\", \"properties\": {…}}.");

    /// <summary>What is wrong with an answer, and where in it; null where it satisfies the schema.</summary>
    public string? Fault(string answer)
    {
        int steps = 0;
        return JsonText.Read(answer) is { } value ? Fault(_root, value, "", 0, ref steps) : "it is no JSON";
    }

    void Check(JsonElement schema, string at, int depth)
    {
        if (depth > Deepest)
        {
            throw Bad(at, "it nests too deep");
        }

        if (schema.ValueKind is JsonValueKind.True or JsonValueKind.False)
        {
            return;
        }

        if (schema.ValueKind != JsonValueKind.Object)
        {
            throw Bad(at, "it is neither an object nor true or false");
        }

        foreach (JsonProperty keyword in schema.EnumerateObject())
        {
            CheckKeyword(keyword.Name, keyword.Value, at, depth + 1);
        }
    }

    void CheckKeyword(string name, JsonElement value, string at, int depth)
    {
        switch (name)
        {
            case "type" when Texts(value) is { Length: > 0 } types && types.All(t => s_types.Contains(t, StringComparer.Ordinal)):
            case "required" when value.ValueKind == JsonValueKind.Array && Texts(value) is not null:
            case "enum" when value.ValueKind == JsonValueKind.Array:
            case "const":
            case "minItems" or "maxItems" or "minLength" or "maxLength" when value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int count) && count >= 0:
            case "minimum" or "maximum" or "exclusiveMinimum" or "exclusiveMaximum" when value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out _):
            case string when s_annotations.Contains(name, StringComparer.Ordinal):
                break;
            case "pattern" when value.ValueKind == JsonValueKind.String && Patterns.Read(value.GetString()!) is { } pattern:
                _patterns[value.GetString()!] = pattern;
                break;
            case "properties" or "$defs" or "definitions" when value.ValueKind == JsonValueKind.Object:
                foreach (JsonProperty member in value.EnumerateObject())
                {
                    Check(member.Value, $"{at}/{name}/{member.Name}", depth);
                }

                break;
            case "anyOf" or "oneOf" or "allOf" when value.ValueKind == JsonValueKind.Array && value.GetArrayLength() > 0:
                foreach ((int i, JsonElement part) in value.EnumerateArray().Index())
                {
                    Check(part, $"{at}/{name}/{i}", depth);
                }

                break;
            case "items" or "additionalProperties":
                Check(value, $"{at}/{name}", depth);
                break;
            case "$ref" when value.ValueKind == JsonValueKind.String:
                string path = value.GetString()!;
                JsonElement target = Referred(path) ?? throw Bad(at, $"$ref {path} leads nowhere in this schema");
                if (_checked.Add(path))
                {
                    Check(target, path, depth);
                }

                break;
            case "type" or "required" or "enum" or "minItems" or "maxItems" or "minLength" or "maxLength" or "minimum" or "maximum" or "exclusiveMinimum" or "exclusiveMaximum" or "pattern" or "properties" or "$defs" or "definitions" or "anyOf" or "oneOf" or "allOf" or "$ref":
                throw Bad(at, $"{name} is {JsonFields.Short(value.GetRawText())}, which it cannot be");
            default:
                throw Bad(at, $"the keyword {JsonFields.Short(name)} is not read here");
        }
    }

    string? Fault(JsonElement schema, JsonElement value, string at, int depth, ref int steps)
    {
        if (depth > Deepest || ++steps > MostSteps)
        {
            return "the schema leads on without end";
        }

        if (schema.ValueKind != JsonValueKind.Object)
        {
            return schema.ValueKind == JsonValueKind.True ? null : Said(at, "nothing may stand here");
        }

        foreach (JsonProperty keyword in schema.EnumerateObject())
        {
            string? fault = keyword.Name switch
            {
                "$ref" => Fault(Referred(keyword.Value.GetString()!)!.Value, value, at, depth + 1, ref steps),
                "type" => Array.Exists(Texts(keyword.Value)!, t => Is(value, t)) ? null : Said(at, $"it is no {string.Join(" or ", Texts(keyword.Value)!)}"),
                "const" => JsonElement.DeepEquals(value, keyword.Value) ? null : Said(at, $"it is not {JsonFields.Short(keyword.Value.GetRawText())}"),
                "enum" => keyword.Value.EnumerateArray().Any(v => JsonElement.DeepEquals(v, value)) ? null : Said(at, "it is none of the values allowed"),
                "anyOf" or "oneOf" or "allOf" => Several(keyword, value, at, depth, ref steps),
                _ => value.ValueKind switch
                {
                    JsonValueKind.Object => OfObject(schema, keyword, value, at, depth, ref steps),
                    JsonValueKind.Array => OfArray(keyword, value, at, depth, ref steps),
                    JsonValueKind.String => OfText(keyword, value.GetString()!, at),
                    JsonValueKind.Number => OfNumber(keyword, value.TryGetDouble(out double number) ? number : double.NaN, at),
                    _ => null,
                },
            };
            if (fault is not null)
            {
                return fault;
            }
        }

        return null;
    }

    string? Several(JsonProperty keyword, JsonElement value, string at, int depth, ref int steps)
    {
        int held = 0;
        string? first = null;
        foreach (JsonElement part in keyword.Value.EnumerateArray())
        {
            string? fault = Fault(part, value, at, depth + 1, ref steps);
            held += fault is null ? 1 : 0;
            first ??= fault;
        }

        return keyword.Name switch
        {
            "allOf" => first,
            "anyOf" => held > 0 ? null : first,
            _ => held == 1 ? null : held == 0 ? first : Said(at, $"it satisfies {held} of oneOf"),
        };
    }

    string? OfObject(JsonElement schema, JsonProperty keyword, JsonElement value, string at, int depth, ref int steps)
    {
        switch (keyword.Name)
        {
            case "required":
                return Texts(keyword.Value)!.FirstOrDefault(n => !value.TryGetProperty(n, out _)) is { } missing ? Said(at, $"{missing} is missing") : null;
            case "properties":
                foreach (JsonProperty member in keyword.Value.EnumerateObject())
                {
                    if (value.TryGetProperty(member.Name, out JsonElement own) && Fault(member.Value, own, $"{at}/{member.Name}", depth + 1, ref steps) is { } fault)
                    {
                        return fault;
                    }
                }

                return null;
            case "additionalProperties":
                foreach (JsonProperty member in value.EnumerateObject())
                {
                    bool declared = schema.TryGetProperty("properties", out JsonElement properties) && properties.TryGetProperty(member.Name, out _);
                    if (!declared && Fault(keyword.Value, member.Value, $"{at}/{member.Name}", depth + 1, ref steps) is { } fault)
                    {
                        return fault;
                    }
                }

                return null;
            default:
                return null;
        }
    }

    string? OfArray(JsonProperty keyword, JsonElement value, string at, int depth, ref int steps)
    {
        int length = value.GetArrayLength();
        switch (keyword.Name)
        {
            case "minItems":
                return length < keyword.Value.GetInt32() ? Said(at, $"it has {length} items") : null;
            case "maxItems":
                return length > keyword.Value.GetInt32() ? Said(at, $"it has {length} items") : null;
            case "items":
                foreach ((int i, JsonElement item) in value.EnumerateArray().Index())
                {
                    if (Fault(keyword.Value, item, $"{at}/{i}", depth + 1, ref steps) is { } fault)
                    {
                        return fault;
                    }
                }

                return null;
            default:
                return null;
        }
    }

    string? OfText(JsonProperty keyword, string text, string at) => keyword.Name switch
    {
        "minLength" => text.EnumerateRunes().Count() < keyword.Value.GetInt32() ? Said(at, "it is too short") : null,
        "maxLength" => text.EnumerateRunes().Count() > keyword.Value.GetInt32() ? Said(at, "it is too long") : null,
        "pattern" => Patterns.Match(_patterns[keyword.Value.GetString()!], text) is true ? null : Said(at, "it does not match the pattern"),
        _ => null,
    };

    static string? OfNumber(JsonProperty keyword, double number, string at) => keyword.Name switch
    {
        "minimum" => number >= keyword.Value.GetDouble() ? null : Said(at, "it is too small"),
        "maximum" => number <= keyword.Value.GetDouble() ? null : Said(at, "it is too large"),
        "exclusiveMinimum" => number > keyword.Value.GetDouble() ? null : Said(at, "it is too small"),
        "exclusiveMaximum" => number < keyword.Value.GetDouble() ? null : Said(at, "it is too large"),
        _ => null,
    };

    /// <summary>A number without a fraction is an integer however it is written, as 1.0.</summary>
    static bool Is(JsonElement value, string type) => value.ValueKind switch
    {
        JsonValueKind.Object => type == "object",
        JsonValueKind.Array => type == "array",
        JsonValueKind.String => type == "string",
        JsonValueKind.Number => type == "number" || (type == "integer" && value.TryGetDouble(out double number) && double.IsInteger(number)),
        JsonValueKind.True or JsonValueKind.False => type == "boolean",
        _ => type == "null",
    };

    JsonElement? Referred(string path)
    {
        JsonElement target = _root;
        foreach (string part in path.Split('/').Skip(1))
        {
            string name = part.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
            bool found = target.ValueKind switch
            {
                JsonValueKind.Object => target.TryGetProperty(name, out target),
                JsonValueKind.Array => int.TryParse(name, out int i) && i >= 0 && i < target.GetArrayLength() && (target = target[i]).ValueKind != JsonValueKind.Undefined,
                _ => false,
            };
            if (!found)
            {
                return null;
            }
        }

        return path == "#" || path.StartsWith("#/", StringComparison.Ordinal) ? target : null;
    }

    /// <summary>One text or a list of them; null where it is neither.</summary>
    static string[]? Texts(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => [value.GetString()!],
        JsonValueKind.Array when value.EnumerateArray().All(v => v.ValueKind == JsonValueKind.String) => [.. value.EnumerateArray().Select(v => v.GetString()!)],
        _ => null,
    };

    static string Said(string at, string what) => at.Length == 0 ? what : $"{JsonFields.Short(at)}: {what}";

    UserError Bad(string at, string what) => new($"the schema at {JsonFields.Short(at)}: {what}", _where, "Leave it out of admit.schema, or say it as a pattern.");
}
