using System.Collections.Frozen;
using System.Text.Json;

namespace Retort.Model.Chat;

/// <summary>A value of a chat template, with the kinds and the meanings Python gives them.</summary>
abstract record TemplateValue
{
    /// <summary>Lists and dictionaries inside one another.</summary>
    const int Deepest = 128;

    TemplateValue()
    {
    }

    /// <summary>How many lists and dictionaries stand inside one another here.</summary>
    public virtual int Depth => 0;

    static int Around(IEnumerable<TemplateValue> items)
    {
        int depth = 1 + items.Select(i => i.Depth).DefaultIfEmpty(0).Max();
        return depth <= Deepest ? depth : throw new ArgumentException($"more than {Deepest} lists stand inside one another");
    }

    /// <summary>What a name stands for that was never given: prints as nothing, is false, and has no fields.</summary>
    public sealed record Undefined(string Name) : TemplateValue;

    public sealed record None : TemplateValue
    {
        public static readonly None Value = new();
    }

    public sealed record Boolean(bool Value) : TemplateValue
    {
        public static readonly Boolean True = new(true), False = new(false);

        public static Boolean Of(bool value) => value ? True : False;
    }

    public sealed record Whole(long Value) : TemplateValue;

    public sealed record Real(double Value) : TemplateValue;

    public sealed record Text(string Value) : TemplateValue;

    /// <summary>A list, or a tuple, which differ in how they are spelled.</summary>
    public sealed record Sequence(List<TemplateValue> Items, bool IsTuple = false) : TemplateValue
    {
        public override int Depth { get; } = Around(Items);

        public bool Equals(Sequence? other) => other is not null && IsTuple == other.IsTuple && Items.SequenceEqual(other.Items);

        public override int GetHashCode() => Items.Count;
    }

    /// <summary>A dictionary whose keys are texts, in the order they were put in. A namespace is one whose fields a template may set, to itself
    /// even, and so is equal to itself alone and never spelled out.</summary>
    public sealed record Mapping(OrderedDictionary<string, TemplateValue> Fields, bool IsNamespace = false) : TemplateValue
    {
        public override int Depth { get; } = IsNamespace ? 0 : Around(Fields.Values);

        public bool Equals(Mapping? other) => ReferenceEquals(this, other) ||
            (other is not null && !IsNamespace && !other.IsNamespace && Fields.Count == other.Fields.Count && Fields.All(f => other.Fields.TryGetValue(f.Key, out TemplateValue? value) && value.Equals(f.Value)));

        public override int GetHashCode() => Fields.Count;
    }

    /// <summary>A function, a method of a value, or a macro.</summary>
    public sealed record Callable(string Name, Func<TemplateArguments, TemplateValue> Call) : TemplateValue;

    public static TemplateValue Of(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.String => new Text(json.GetString()!),
        JsonValueKind.True => Boolean.True,
        JsonValueKind.False => Boolean.False,
        JsonValueKind.Number => json.TryGetInt64(out long whole) ? new Whole(whole) : new Real(json.GetDouble()),
        JsonValueKind.Array => new Sequence([.. json.EnumerateArray().Select(Of)]),
        JsonValueKind.Object => Object(json),
        _ => None.Value,
    };

    static Mapping Object(JsonElement json)
    {
        OrderedDictionary<string, TemplateValue> fields = new(StringComparer.Ordinal);
        foreach (JsonProperty field in json.EnumerateObject())
        {
            fields[field.Name] = Of(field.Value);
        }

        return new(fields);
    }
}

/// <summary>What a call passes: by position, then by name.</summary>
sealed record TemplateArguments(IReadOnlyList<TemplateValue> Positional, IReadOnlyDictionary<string, TemplateValue> Named)
{
    public static readonly TemplateArguments Nothing = new([], FrozenDictionary<string, TemplateValue>.Empty);

    /// <summary>The argument at a position or of a name; null where neither is given.</summary>
    public TemplateValue? Get(int position, string name) => position < Positional.Count ? Positional[position] : Named.GetValueOrDefault(name);
}

/// <summary>A template that cannot be understood, or goes wrong when it is filled in; the door adds the template's place.</summary>
sealed class TemplateException(int line, string message) : Exception(message)
{
    public int Line => line;
}
