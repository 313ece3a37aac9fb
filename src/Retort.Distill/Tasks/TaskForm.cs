using System.Text.Encodings.Web;
using System.Text.Json;
using Retort.Model.Grammars;

namespace Retort.Distill;

/// <summary>What answers to one task look like, and which of them are the same.</summary>
public sealed class TaskForm
{
    static readonly JsonSerializerOptions s_plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    readonly HashSet<string> _labels;
    readonly JsonElement _root;
    readonly AnswerSchema? _schema;

    /// <exception cref="UserError">The schema has a keyword that is not read.</exception>
    public TaskForm(TaskRecipe recipe)
    {
        Form = recipe.Form;
        _labels = recipe.Form is AnswerForm.Labels { Texts: var texts } ? [.. texts] : [];
        if (recipe.Form is AnswerForm.Schema { Json: var root })
        {
            _root = root;
            _schema = new(root, recipe.SchemaFile!);
            Fields = [.. Leaves(root, "")];
        }
    }

    public AnswerForm Form { get; }

    /// <summary>Paths of the values in an answer's objects, such as "address.city", in the schema's order; empty where an answer is a label or no object.</summary>
    public IReadOnlyList<string> Fields { get; } = [];

    /// <summary>What keeps a text from being an answer; null where nothing does. A fenced block may hold the JSON.</summary>
    public string? Fault(string answer) =>
        _schema is null ? _labels.Contains(answer.Trim()) ? null : "it is none of the labels"
        : JsonText.Find(answer) is not { } value ? "it is no JSON"
        : _schema.Fault(value.GetRawText()) ?? (Undeclared(value, _root) is { } name ? $"the schema names no {JsonFields.Short(name)}, and answers are written with what it names alone" : null);

    /// <summary>An answer in the one spelling that is learned and compared: a label alone, or JSON without white space, members in the schema's order.</summary>
    /// <returns>Null where it is none.</returns>
    public string? Canonical(string answer) => Fault(answer) is not null ? null : _schema is null ? answer.Trim() : Compact(JsonText.Find(answer)!.Value, _root);

    /// <summary>1 for the right label, else 0; of JSON with fields the share of them that are right, of other JSON 1 where it is equal. What is no answer is never right.</summary>
    public double Score(string answer, string gold) => Canonical(answer) is not { } own ? 0
        : Fields.Count == 0 ? Same(own, gold) ? 1 : 0
        : (double)Fields.Count(f => Field(own, f) == Field(gold, f)) / Fields.Count;

    /// <summary>Whether two texts are the same answer; what is no answer is the same as nothing.</summary>
    public bool Same(string a, string b) => Canonical(a) is { } x && Canonical(b) is { } y && string.Equals(x, y, StringComparison.Ordinal);

    /// <summary>The value of a field as JSON; null where an answer has it not, or is none.</summary>
    public static string? Field(string answer, string path)
    {
        if (JsonText.Find(answer) is not { } value)
        {
            return null;
        }

        foreach (string name in path.Split('.'))
        {
            if (value.ValueKind != JsonValueKind.Object || !value.TryGetProperty(name, out value))
            {
                return null;
            }
        }

        return JsonSerializer.Serialize(value, s_plain);
    }

    /// <summary>A document of the task: its answer, and the right one where there is one, in the one spelling.</summary>
    /// <param name="ownGold">The answer is the right one where no other is named: no teacher wrote it.</param>
    /// <returns>Null where its answer is none.</returns>
    internal Document? Of(Document document, bool ownGold)
    {
        if (Canonical(document.Said) is not { } answer)
        {
            return null;
        }

        return OfGold(document with { Answer = answer + Corpus.End, Gold = document.Gold ?? (ownGold ? answer : null) });
    }

    /// <summary>The same with the right answer alone in the one spelling; one that is no answer to the task is none.</summary>
    internal Document OfGold(Document document)
    {
        string? gold = document.Gold is { } right ? Canonical(right) : null;
        return document with { Gold = gold, Score = gold is null ? null : told => Score(told, gold) };
    }

    static IEnumerable<string> Leaves(JsonElement schema, string before) =>
        schema.ValueKind == JsonValueKind.Object && schema.TryGetProperty("properties", out JsonElement properties) && properties.ValueKind == JsonValueKind.Object
            ? properties.EnumerateObject().Where(p => !p.Name.Contains('.', StringComparison.Ordinal)).SelectMany(p => Leaves(p.Value, $"{before}{p.Name}.") is var inner && inner.Any() ? inner : [before + p.Name])
            : [];

    /// <summary>A member that stands where the schema names others: it is allowed, but nothing that is kept to the schema writes it.</summary>
    static string? Undeclared(JsonElement value, JsonElement schema)
    {
        if (schema.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        return value.ValueKind switch
        {
            JsonValueKind.Object when schema.TryGetProperty("properties", out JsonElement named) && named.ValueKind == JsonValueKind.Object =>
                value.EnumerateObject().Select(m => named.TryGetProperty(m.Name, out JsonElement its) ? Undeclared(m.Value, its) : m.Name).FirstOrDefault(n => n is not null),
            JsonValueKind.Array when schema.TryGetProperty("items", out JsonElement item) => value.EnumerateArray().Select(i => Undeclared(i, item)).FirstOrDefault(n => n is not null),
            _ => null,
        };
    }

    static string Compact(JsonElement value, JsonElement schema)
    {
        using MemoryStream made = new();
        using (Utf8JsonWriter writer = new(made, new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            Write(value, schema, writer);
        }

        return System.Text.Encoding.UTF8.GetString(made.ToArray());
    }

    /// <summary>Members that the schema names go first, in its order: it is the order in which answers are kept to it.</summary>
    static void Write(JsonElement value, JsonElement schema, Utf8JsonWriter writer)
    {
        JsonElement Part(string name) => schema.ValueKind == JsonValueKind.Object && schema.TryGetProperty(name, out JsonElement part) ? part : default;
        if (value.ValueKind == JsonValueKind.Object)
        {
            JsonElement properties = Part("properties");
            string[] order = properties.ValueKind == JsonValueKind.Object ? [.. properties.EnumerateObject().Select(p => p.Name)] : [];
            writer.WriteStartObject();
            foreach (JsonProperty member in value.EnumerateObject().OrderBy(m => Array.IndexOf(order, m.Name) is >= 0 and int at ? at : int.MaxValue))
            {
                writer.WritePropertyName(member.Name);
                Write(member.Value, properties.ValueKind == JsonValueKind.Object && properties.TryGetProperty(member.Name, out JsonElement its) ? its : default, writer);
            }

            writer.WriteEndObject();
        }
        else if (value.ValueKind == JsonValueKind.Array)
        {
            writer.WriteStartArray();
            foreach (JsonElement item in value.EnumerateArray())
            {
                Write(item, Part("items"), writer);
            }

            writer.WriteEndArray();
        }
        else
        {
            value.WriteTo(writer);
        }
    }
}
