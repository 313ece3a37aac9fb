using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Unicode;

namespace Retort.Evidence.Ledger;

/// <summary>
/// JSON in one form, RFC 8785 (JCS): no spaces, names sorted by UTF-16 code units, strings with the fewest escapes, numbers as ECMAScript
/// prints doubles. Whole numbers beyond 2^53 lose digits in it, as everywhere in JSON that follows the RFC: write them as strings.
/// </summary>
public static class CanonicalJson
{
    /// <summary>A value as canonical UTF-8.</summary>
    /// <exception cref="ArgumentException">A number is not finite, or a text has half a surrogate pair.</exception>
    public static byte[] Write(JsonNode? value)
    {
        StringBuilder text = new();
        Add(text, value);
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    /// <summary>JSON from outside in its canonical form.</summary>
    /// <exception cref="UserError">It is not JSON, has a name twice in one object, or what canonical JSON cannot hold.</exception>
    public static byte[] Rewrite(ReadOnlySpan<byte> utf8, string where)
    {
        const string Hint = "It must be JSON in UTF-8, each name once in an object.";
        if (!Utf8.IsValid(utf8))
        {
            throw new UserError("The text is not UTF-8", where, Hint);
        }

        try
        {
            return Write(JsonNode.Parse(utf8, documentOptions: new() { AllowDuplicateProperties = false }));
        }
        catch (Exception e) when (e is JsonException or ArgumentException or InvalidOperationException)
        {
            throw new UserError($"The JSON is broken ({JsonFields.Short(e.Message.TrimEnd('.'))})", where, Hint);
        }
    }

    static void Add(StringBuilder text, JsonNode? value)
    {
        switch (value)
        {
            case JsonObject o:
                text.Append('{');
                foreach ((int i, KeyValuePair<string, JsonNode?> property) in o.OrderBy(p => p.Key, StringComparer.Ordinal).Index())
                {
                    text.Append(i == 0 ? "" : ",");
                    AddText(text, property.Key);
                    text.Append(':');
                    Add(text, property.Value);
                }

                text.Append('}');
                break;
            case JsonArray a:
                text.Append('[');
                foreach ((int i, JsonNode? element) in a.Index())
                {
                    text.Append(i == 0 ? "" : ",");
                    Add(text, element);
                }

                text.Append(']');
                break;
            default:
                AddScalar(text, value);
                break;
        }
    }

    static void AddScalar(StringBuilder text, JsonNode? value)
    {
        switch (value?.GetValueKind())
        {
            case null or JsonValueKind.Null:
                text.Append("null");
                break;
            case JsonValueKind.True:
                text.Append("true");
                break;
            case JsonValueKind.False:
                text.Append("false");
                break;
            case JsonValueKind.String:
                AddText(text, value.AsValue().TryGetValue(out string? s) ? s : JsonSerializer.Deserialize<string>(value.ToJsonString())!);
                break;
            default:
                double number = double.Parse(value.ToJsonString(), CultureInfo.InvariantCulture);
                text.Append(double.IsFinite(number) ? EcmaNumber.Of(number) : throw new ArgumentException("A number is beyond the range of doubles."));
                break;
        }
    }

    static void AddText(StringBuilder text, string value)
    {
        text.Append('"');
        for (int i = 0; i < value.Length; i++)
        {
            char c = value[i];
            switch (c)
            {
                case '"' or '\\':
                    text.Append('\\').Append(c);
                    break;
                case '\b':
                    text.Append("\\b");
                    break;
                case '\t':
                    text.Append("\\t");
                    break;
                case '\n':
                    text.Append("\\n");
                    break;
                case '\f':
                    text.Append("\\f");
                    break;
                case '\r':
                    text.Append("\\r");
                    break;
                case < ' ':
                    text.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
                    break;
                default:
                    if (char.IsSurrogate(c) && !(i + 1 < value.Length && char.IsSurrogatePair(c, value[i + 1])) && !(i > 0 && char.IsSurrogatePair(value[i - 1], c)))
                    {
                        throw new ArgumentException($"A text has half a surrogate pair, U+{(int)c:X4}.");
                    }

                    text.Append(c);
                    break;
            }
        }

        text.Append('"');
    }
}
