using System.Text;
using System.Text.Json;

namespace Retort.Asking;

/// <summary>A JSON value of a file.</summary>
/// <param name="Json">The value, whose texts and names are all whole; undefined where there is a fault.</param>
/// <param name="Fault">Why it is none, with a hint; null where it is one.</param>
readonly record struct JsonRow(JsonElement Json, UserError? Fault, string Where);

/// <summary>The values of a JSON text: one a line, or those of one list, or the one object it is.</summary>
static class JsonRows
{
    static readonly JsonDocumentOptions s_options = new() { AllowDuplicateProperties = false };

    /// <exception cref="UserError">A list that is broken; its line is named.</exception>
    public static IReadOnlyList<JsonRow> Read(string text, string path)
    {
        ReadOnlySpan<char> start = text.AsSpan().TrimStart();
        if (start.StartsWith("["))
        {
            return List(Encoding.UTF8.GetBytes(text), path);
        }

        // An object over several lines is none on its first.
        int end = start.IndexOf('\n');
        bool spread = start.StartsWith("{") && end >= 0 && One(start[..end].ToString(), path).Fault is not null;
        return spread && One(text, path) is { Fault: null } whole ? [whole] : [.. Lines(text, path)];
    }

    /// <summary>A JSON text inside of another, as logs hold them; null where it is none.</summary>
    public static JsonElement? Inside(string text) => One(text, "") is { Fault: null } row ? row.Json : null;

    /// <summary>The same of bytes; null where they are no UTF-8 either.</summary>
    public static JsonElement? Parse(ReadOnlySpan<byte> utf8) => System.Text.Unicode.Utf8.IsValid(utf8) && One(utf8, "") is { Fault: null } row ? row.Json : null;

    static IEnumerable<JsonRow> Lines(string text, string path)
    {
        int number = 0;
        foreach (string line in text.Split('\n'))
        {
            number++;
            if (!string.IsNullOrWhiteSpace(line))
            {
                yield return One(line.TrimEnd('\r'), $"{path}, line {number}");
            }
        }
    }

    static JsonRow One(string text, string where) => One(Encoding.UTF8.GetBytes(text), where);

    static JsonRow One(ReadOnlySpan<byte> utf8, string where)
    {
        try
        {
            return HasHalves(utf8)
                ? new(default, new("a text holds half of a character (a lone surrogate)", where, "Write such characters as they are, in UTF-8."), where)
                : new(JsonElement.Parse(utf8, s_options), null, where);
        }
        catch (JsonException e)
        {
            return new(default, new($"the line is no JSON: {e.Message.TrimEnd('.')}", where, "Give one JSON object a line."), where);
        }
    }

    /// <summary>Whether a text or a name is no text of Unicode, which reading it later would trip over.</summary>
    static bool HasHalves(ReadOnlySpan<byte> utf8)
    {
        Utf8JsonReader reader = new(utf8);
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName && reader.ValueIsEscaped)
                {
                    reader.GetString();
                }
            }

            return false;
        }
        catch (InvalidOperationException)
        {
            return true;
        }
    }

    static List<JsonRow> List(ReadOnlySpan<byte> utf8, string path)
    {
        List<JsonRow> rows = [];
        Utf8JsonReader reader = new(utf8);
        int line = 1, counted = 0;
        try
        {
            reader.Read();
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            {
                int begin = (int)reader.TokenStartIndex;
                line += utf8[counted..begin].Count((byte)'\n');
                counted = begin;
                reader.Skip();
                rows.Add(One(utf8[begin..(int)reader.BytesConsumed], $"{path}, line {line}, item {rows.Count + 1}"));
            }

            // What follows the list is read too, and refused.
            reader.Read();
            return rows;
        }
        catch (JsonException e)
        {
            throw new UserError($"the JSON is broken: {e.Message.TrimEnd('.')}", $"{path}, line {(e.LineNumber ?? 0) + 1}", "The file may be cut off: copy or export it again.");
        }
    }
}
