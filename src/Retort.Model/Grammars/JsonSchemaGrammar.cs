using System.Text.Encodings.Web;
using System.Text.Json;

namespace Retort.Model.Grammars;

/// <summary>
/// A JSON Schema (draft 2020-12) as a grammar whose texts all satisfy it. Objects have the properties they declare, in that order, and no others.
/// What a grammar cannot promise is refused by its name; annotations are passed over.
/// </summary>
sealed class JsonSchemaGrammar
{
    const int Deepest = 64, LongestCount = 1024, MostDigits = 15;

    static readonly string[] s_passed =
        ["type", "properties", "required", "additionalProperties", "items", "minItems", "maxItems", "enum", "const", "anyOf", "oneOf", "allOf", "minLength", "maxLength", "minimum", "maximum",
         "$ref", "$defs", "definitions", "$schema", "$id", "$comment", "title", "description", "default", "examples", "format", "deprecated", "readOnly", "writeOnly", "nullable", "strict"];

    static readonly JsonSerializerOptions s_plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    readonly Grammar _grammar = new();
    readonly Dictionary<string, int> _references = new(StringComparer.Ordinal);
    readonly JsonElement _root;
    readonly string _where;
    readonly GrammarElement _space;
    readonly GrammarElement _digit = new GrammarElement.OneOf(ByteSet.Range((byte)'0', (byte)'9'));
    readonly GrammarElement _whole;
    readonly GrammarElement _real;
    readonly GrammarElement _character;
    readonly GrammarElement _text;
    GrammarElement? _any;

    JsonSchemaGrammar(JsonElement root, string where)
    {
        (_root, _where) = (root, where);
        _space = _grammar.Rule([], Grammar.Literal(" "), Grammar.Literal("\n"), [.. Grammar.Literal("\n"), Repeat(Grammar.Literal(" "), 1, 12)]);
        GrammarElement sign = _grammar.Rule([], Grammar.Literal("-")), nonzero = new GrammarElement.OneOf(ByteSet.Range((byte)'1', (byte)'9'));
        _whole = _grammar.Rule([sign, .. Grammar.Literal("0")], [sign, nonzero, Repeat([_digit], 0, MostDigits - 1)]);
        GrammarElement fraction = _grammar.Rule([], [.. Grammar.Literal("."), Repeat([_digit], 1, MostDigits)]);
        GrammarElement exponent = _grammar.Rule([], [new GrammarElement.OneOf(ByteSet.Of("eE"u8)), _grammar.Rule([], [new GrammarElement.OneOf(ByteSet.Of("+-"u8))]), Repeat([_digit], 1, 2)]);
        _real = _grammar.Rule([_whole, fraction, exponent]);
        _character = Character();
        _text = _grammar.Rule([.. Grammar.Literal("\""), Repeat([_character], 0, null), .. Grammar.Literal("\"")]);
    }

    /// <param name="where">What errors call the schema.</param>
    /// <exception cref="UserError">It is no schema, or asks for what cannot be promised.</exception>
    public static Grammar Of(JsonElement schema, string where)
    {
        JsonSchemaGrammar made = new(schema, where);
        GrammarElement value = made.Value(schema, "#", 0);
        made._grammar.Define(0, [made._space, value]);
        return made._grammar;
    }

    /// <summary>Any JSON object.</summary>
    public static Grammar AnyObject()
    {
        JsonSchemaGrammar made = new(default, "");
        made._grammar.Define(0, [made._space, made.Map(made.Any())]);
        return made._grammar;
    }

    GrammarElement Value(JsonElement schema, string at, int depth)
    {
        if (depth > Deepest)
        {
            throw Fault(at, $"it nests deeper than {Deepest}");
        }

        if (schema.ValueKind == JsonValueKind.True || (schema.ValueKind == JsonValueKind.Object && !schema.EnumerateObject().Any(p => p.Name is not ("title" or "description"))))
        {
            return Any();
        }

        if (schema.ValueKind != JsonValueKind.Object)
        {
            throw Fault(at, "it is not an object");
        }

        if (schema.EnumerateObject().FirstOrDefault(p => !s_passed.Contains(p.Name)) is { Value.ValueKind: not JsonValueKind.Undefined } unknown)
        {
            throw Fault(at, $"{unknown.Name} cannot be kept while writing");
        }

        if (schema.TryGetProperty("$ref", out JsonElement reference))
        {
            return Referred(reference, at, depth);
        }

        if (schema.TryGetProperty("const", out JsonElement constant))
        {
            return _grammar.Rule(Grammar.Literal(JsonSerializer.Serialize(constant, s_plain)));
        }

        if (schema.TryGetProperty("enum", out JsonElement values))
        {
            return _grammar.Rule([.. Items(values, at, "enum").Select(v => Grammar.Literal(JsonSerializer.Serialize(v, s_plain)))]);
        }

        foreach (string name in (string[])["anyOf", "oneOf", "allOf"])
        {
            if (schema.TryGetProperty(name, out JsonElement several))
            {
                JsonElement[] parts = Items(several, at, name);
                if (name == "allOf" && parts.Length > 1)
                {
                    throw Fault(at, "allOf of several schemas cannot be kept while writing");
                }

                return _grammar.Rule([.. parts.Select((p, i) => (GrammarElement[])[Value(p, $"{at}/{name}/{i}", depth + 1)])]);
            }
        }

        return Typed(schema, at, depth);
    }

    GrammarElement Typed(JsonElement schema, string at, int depth)
    {
        if (!schema.TryGetProperty("type", out JsonElement type))
        {
            return schema.TryGetProperty("properties", out _) ? Object(schema, at, depth) : schema.TryGetProperty("items", out _) ? Array(schema, at, depth) : Any();
        }

        string[] names = type.ValueKind == JsonValueKind.Array ? [.. type.EnumerateArray().Select(t => t.ToString())] : [type.ToString()];
        if (names.Length == 0)
        {
            throw Fault(at, "type is an empty list");
        }

        return names.Length == 1 ? Of(names[0]) : _grammar.Rule([.. names.Select(n => (GrammarElement[])[Of(n)])]);

        GrammarElement Of(string name) => name switch
        {
            "object" => Object(schema, at, depth),
            "array" => Array(schema, at, depth),
            "string" => Text(schema, at),
            "integer" => Number(schema, at, _whole),
            "number" => Number(schema, at, _real),
            "boolean" => _grammar.Rule(Grammar.Literal("true"), Grammar.Literal("false")),
            "null" => _grammar.Rule(Grammar.Literal("null")),
            _ => throw Fault(at, $"type {name} is none of JSON's"),
        };
    }

    /// <summary>Numbers have at most fifteen digits, so that limits beyond hold by themselves; nearer ones cannot be kept.</summary>
    GrammarElement Number(JsonElement schema, string at, GrammarElement number)
    {
        foreach (string name in (string[])["minimum", "maximum"])
        {
            if (schema.TryGetProperty(name, out JsonElement limit) && (limit.ValueKind != JsonValueKind.Number || !limit.TryGetDouble(out double value) || Math.Abs(value) < 1e15 || (name == "minimum") == (value > 0)))
            {
                throw Fault(at, $"{name} cannot be kept while writing");
            }
        }

        return number;
    }

    GrammarElement Text(JsonElement schema, string at)
    {
        int least = Count(schema, "minLength", at) ?? 0;
        int? most = Count(schema, "maxLength", at);
        return least == 0 && most is null ? _text : _grammar.Rule([.. Grammar.Literal("\""), Repeat([_character], least, Most(least, most, at)), .. Grammar.Literal("\"")]);
    }

    GrammarElement Array(JsonElement schema, string at, int depth)
    {
        int least = Count(schema, "minItems", at) ?? 0;
        int? most = Most(least, Count(schema, "maxItems", at), at);
        GrammarElement item = schema.TryGetProperty("items", out JsonElement items) ? Value(items, at + "/items", depth + 1) : Any();
        GrammarElement[] empty = [.. Grammar.Literal("["), _space, .. Grammar.Literal("]")];
        if (most == 0)
        {
            return _grammar.Rule(empty);
        }

        GrammarElement[] more = [_space, .. Grammar.Literal(","), _space, item];
        GrammarElement[] filled = [.. Grammar.Literal("["), _space, item, Repeat(more, Math.Max(0, least - 1), most - 1), _space, .. Grammar.Literal("]")];
        return least == 0 ? _grammar.Rule(empty, filled) : _grammar.Rule(filled);
    }

    GrammarElement Object(JsonElement schema, string at, int depth)
    {
        if (schema.TryGetProperty("properties", out JsonElement properties) && properties.ValueKind != JsonValueKind.Object)
        {
            throw Fault(at, "properties is no object");
        }

        if (properties.ValueKind != JsonValueKind.Object || !properties.EnumerateObject().Any())
        {
            bool closed = schema.TryGetProperty("additionalProperties", out JsonElement others) && others.ValueKind == JsonValueKind.False;
            return closed ? _grammar.Rule([.. Grammar.Literal("{"), _space, .. Grammar.Literal("}")])
                : Map(others.ValueKind == JsonValueKind.Object ? Value(others, at + "/additionalProperties", depth + 1) : Any());
        }

        HashSet<string> required = schema.TryGetProperty("required", out JsonElement names) ? [.. Names(names, at)] : [];
        if (required.FirstOrDefault(n => !properties.TryGetProperty(n, out _)) is { } missing)
        {
            throw Fault(at, $"{missing} is required and not among its properties");
        }

        // Built from the last property to the first: what may follow when something stands before it, and when nothing does.
        JsonProperty[] all = [.. properties.EnumerateObject()];
        GrammarElement after = _grammar.Nothing(), first = after;
        for (int i = all.Length - 1; i >= 0; i--)
        {
            JsonProperty p = all[i];
            GrammarElement[] entry = [.. Grammar.Literal(JsonSerializer.Serialize(p.Name, s_plain)), _space, .. Grammar.Literal(":"), _space, Value(p.Value, $"{at}/properties/{p.Name}", depth + 1)];
            GrammarElement[] next = [_space, .. Grammar.Literal(","), _space, .. entry, after], begin = [.. entry, after];
            (after, first) = required.Contains(p.Name) ? (_grammar.Rule(next), _grammar.Rule(begin)) : (_grammar.Rule(next, [after]), _grammar.Rule(begin, [first]));
        }

        return _grammar.Rule([.. Grammar.Literal("{"), _space, first, _space, .. Grammar.Literal("}")]);
    }

    GrammarElement Map(GrammarElement value)
    {
        GrammarElement[] entry = [_text, _space, .. Grammar.Literal(":"), _space, value], more = [_space, .. Grammar.Literal(","), _space, .. entry];
        return _grammar.Rule([.. Grammar.Literal("{"), _space, .. Grammar.Literal("}")], [.. Grammar.Literal("{"), _space, .. entry, Repeat(more, 0, null), _space, .. Grammar.Literal("}")]);
    }

    /// <summary>Any value at all.</summary>
    GrammarElement Any()
    {
        if (_any is not null)
        {
            return _any;
        }

        int rule = _grammar.Declare();
        _any = new GrammarElement.Reference(rule);
        GrammarElement[] more = [_space, .. Grammar.Literal(","), _space, _any];
        _grammar.Define(rule, [_text], [_real], Grammar.Literal("true"), Grammar.Literal("false"), Grammar.Literal("null"), [Map(_any)],
            [.. Grammar.Literal("["), _space, .. Grammar.Literal("]")], [.. Grammar.Literal("["), _space, _any, Repeat(more, 0, null), _space, .. Grammar.Literal("]")]);
        return _any;
    }

    /// <summary>A schema elsewhere in the same document, which may be one that this stands in.</summary>
    GrammarElement.Reference Referred(JsonElement reference, string at, int depth)
    {
        string path = reference.ValueKind == JsonValueKind.String ? reference.GetString()! : throw Fault(at, "$ref is no text");
        if (_references.TryGetValue(path, out int known))
        {
            return new GrammarElement.Reference(known);
        }

        JsonElement target = _root;
        foreach (string part in path.Split('/').Skip(1))
        {
            if (!path.StartsWith('#') || target.ValueKind != JsonValueKind.Object || !target.TryGetProperty(part.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal), out target))
            {
                throw Fault(at, $"$ref {path} leads nowhere in this schema");
            }
        }

        int rule = _references[path] = _grammar.Declare();
        _grammar.Define(rule, [Value(target, path, depth + 1)]);
        return new GrammarElement.Reference(rule);
    }

    /// <summary>A row of elements some times over.</summary>
    /// <param name="most">Null for any number.</param>
    GrammarElement Repeat(GrammarElement[] row, int least, int? most)
    {
        if (most is null)
        {
            int again = _grammar.Declare();
            _grammar.Define(again, [], [.. row, new GrammarElement.Reference(again)]);
            return _grammar.Rule([.. Enumerable.Repeat(row, least).SelectMany(r => r), new GrammarElement.Reference(again)]);
        }

        GrammarElement rest = _grammar.Nothing();
        for (int i = most.Value; i > least; i--)
        {
            rest = _grammar.Rule([], [.. row, rest]);
        }

        return _grammar.Rule([.. Enumerable.Repeat(row, least).SelectMany(r => r), rest]);
    }

    /// <summary>A character of a JSON text: whole UTF-8 sequences, and escapes.</summary>
    GrammarElement Character()
    {
        GrammarElement Range(int from, int to) => new GrammarElement.OneOf(ByteSet.Range((byte)from, (byte)to));
        GrammarElement follow = Range(0x80, 0xbf), hex = new GrammarElement.OneOf(ByteSet.Of("0123456789abcdefABCDEF"u8));
        return _grammar.Rule(
            [new GrammarElement.OneOf(ByteSet.Range(0x20, 0x7e).Except((byte)'"', (byte)'\\'))],
            [Range(0xc2, 0xdf), follow],
            [Range(0xe0, 0xe0), Range(0xa0, 0xbf), follow],
            [Range(0xe1, 0xec), follow, follow],
            [Range(0xed, 0xed), Range(0x80, 0x9f), follow],
            [Range(0xee, 0xef), follow, follow],
            [Range(0xf0, 0xf0), Range(0x90, 0xbf), follow, follow],
            [Range(0xf1, 0xf3), follow, follow, follow],
            [Range(0xf4, 0xf4), Range(0x80, 0x8f), follow, follow],
            [.. Grammar.Literal("\\"), new GrammarElement.OneOf(ByteSet.Of("\"\\/bfnrt"u8))],
            [.. Grammar.Literal("\\u"), new GrammarElement.OneOf(ByteSet.Of("0123456789abcefABCEF"u8)), hex, hex, hex]);
    }

    int? Count(JsonElement schema, string name, string at) =>
        !schema.TryGetProperty(name, out JsonElement value) ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int count) && count is >= 0 and <= LongestCount ? count
        : throw Fault(at, $"{name} is {value.GetRawText()}, it must lie between 0 and {LongestCount}");

    int? Most(int least, int? most, string at) => most < least ? throw Fault(at, $"the least count is {least} and the most {most}") : most;

    IEnumerable<string> Names(JsonElement array, string at) =>
        array.ValueKind == JsonValueKind.Array && array.EnumerateArray().All(n => n.ValueKind == JsonValueKind.String) ? array.EnumerateArray().Select(n => n.GetString()!) : throw Fault(at, "required is no list of texts");

    JsonElement[] Items(JsonElement array, string at, string name) =>
        array.ValueKind == JsonValueKind.Array && array.GetArrayLength() > 0 ? [.. array.EnumerateArray()] : throw Fault(at, $"{name} is no list, or an empty one");

    UserError Fault(string at, string what) => new($"the schema at {at}: {what}", _where, "Leave it out, or say it in words in the prompt.");
}
