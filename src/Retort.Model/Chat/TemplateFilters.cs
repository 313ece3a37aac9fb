using System.Collections.Frozen;
using static Retort.Model.Chat.TemplateOperations;

namespace Retort.Model.Chat;

/// <summary>Jinja's filters, as far as models' templates use them: value | name(arguments).</summary>
static class TemplateFilters
{
    delegate TemplateValue Filter(TemplateValue value, TemplateArguments with);

    static readonly FrozenDictionary<string, Filter> s_all = new Dictionary<string, Filter>(StringComparer.Ordinal)
    {
        ["trim"] = (v, a) => Text(TemplateMethods.Strip(Words(v), a.Get(0, "chars"), true, true)),
        ["upper"] = (v, _) => Text(Words(v).ToUpperInvariant()),
        ["lower"] = (v, _) => Text(Words(v).ToLowerInvariant()),
        ["capitalize"] = (v, _) => Text(TemplateMethods.Capitalize(Words(v))),
        ["title"] = (v, _) => Text(TemplateMethods.Title(Words(v))),
        ["replace"] = (v, a) => Text(TemplateMethods.Replace(Str(v), Str(a.Get(0, "old")), Str(a.Get(1, "new")), a.Get(2, "count") is TemplateValue.Whole n ? (int)Math.Clamp(n.Value, -1, int.MaxValue) : -1)),
        ["indent"] = Indent,
        ["string"] = (v, _) => Text(Str(v)),
        ["safe"] = (v, _) => v,
        ["tojson"] = (v, a) => Text(TemplateText.Json(v, a.Get(0, "indent") is TemplateValue.Whole n ? (int)Math.Clamp(n.Value, 0, 100) : null)),
        ["length"] = (v, _) => new TemplateValue.Whole(Length(v)),
        ["count"] = (v, _) => new TemplateValue.Whole(Length(v)),
        ["first"] = (v, _) => Items(v) is { Count: > 0 } items ? items[0] : new TemplateValue.Undefined("first"),
        ["last"] = (v, _) => Items(v) is { Count: > 0 } items ? items[^1] : new TemplateValue.Undefined("last"),
        ["list"] = (v, _) => List(Items(v)),
        ["reverse"] = (v, _) => v is TemplateValue.Text ? Slice(v, null, null, new TemplateValue.Whole(-1)) : List(Items(v).Reverse()),
        ["sort"] = Sort,
        ["unique"] = (v, _) => List(Items(v).Distinct()),
        ["join"] = (v, a) => Text(string.Join(Str(a.Get(0, "d") ?? Text("")), Items(v).Select(i => Str(a.Get(1, "attribute") is TemplateValue.Text name ? Attribute(i, name.Value) : i)))),
        ["items"] = (v, _) => v is TemplateValue.Mapping or TemplateValue.Undefined ? List(Pairs(v)) : throw new ArgumentException($"{Kind(v)} has no fields"),
        ["dictsort"] = (v, _) => List(Pairs(v).OrderBy(p => Str(p.Items[0]).ToLowerInvariant(), StringComparer.Ordinal)),
        ["default"] = Default,
        ["d"] = Default,
        ["int"] = (v, a) => Number(v) switch
        {
            TemplateValue.Whole w => w,
            TemplateValue.Real { Value: > long.MinValue and < long.MaxValue } r => new TemplateValue.Whole((long)r.Value),
            _ => v is TemplateValue.Text t && long.TryParse(t.Value.Trim(), System.Globalization.CultureInfo.InvariantCulture, out long n) ? new TemplateValue.Whole(n) : a.Get(0, "default") ?? new TemplateValue.Whole(0),
        },
        ["float"] = (v, a) => Double(v) is { } d ? new TemplateValue.Real(d)
            : v is TemplateValue.Text t && double.TryParse(t.Value.Trim(), System.Globalization.CultureInfo.InvariantCulture, out double n) ? new TemplateValue.Real(n) : a.Get(0, "default") ?? new TemplateValue.Real(0),
        ["abs"] = (v, _) => Number(v) is { } n ? Order(n, new TemplateValue.Whole(0)) < 0 ? Negative(n) : n : throw new ArgumentException($"{Kind(v)} has no size"),
        ["round"] = (v, a) => Double(v) is { } d ? new TemplateValue.Real(Math.Round(d, a.Get(0, "precision") is TemplateValue.Whole n ? (int)Math.Clamp(n.Value, 0, 15) : 0, MidpointRounding.ToEven)) : throw new ArgumentException($"{Kind(v)} cannot be rounded"),
        ["sum"] = (v, a) => Items(v).Select(i => a.Get(0, "attribute") is TemplateValue.Text name ? Attribute(i, name.Value) : i).Aggregate((TemplateValue)new TemplateValue.Whole(0), (sum, i) => Arithmetic("+", sum, i)),
        ["min"] = (v, _) => Items(v) is { Count: > 0 } items ? items.Aggregate((a, b) => Order(b, a) < 0 ? b : a) : new TemplateValue.Undefined("min"),
        ["max"] = (v, _) => Items(v) is { Count: > 0 } items ? items.Aggregate((a, b) => Order(b, a) > 0 ? b : a) : new TemplateValue.Undefined("max"),
        ["map"] = Map,
        ["select"] = (v, a) => Select(v, a, wanted: true),
        ["reject"] = (v, a) => Select(v, a, wanted: false),
        ["selectattr"] = (v, a) => SelectAttribute(v, a, wanted: true),
        ["rejectattr"] = (v, a) => SelectAttribute(v, a, wanted: false),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    public static bool Knows(string name) => s_all.ContainsKey(name);

    public static TemplateValue Apply(TemplateValue value, string name, TemplateArguments with) =>
        s_all.TryGetValue(name, out Filter? filter) ? filter(value, with) : throw new ArgumentException($"the filter {name} is not supported");

    static TemplateValue.Text Text(string text) => new(text);

    static string Str(TemplateValue? value) => TemplateText.Of(value ?? throw new ArgumentException("an argument is missing"));

    /// <summary>Python would write "None", or a list's brackets, into the prompt without a word.</summary>
    static string Words(TemplateValue value) => value is TemplateValue.None or TemplateValue.Sequence or TemplateValue.Mapping ? throw new ArgumentException($"{Kind(value)} stands where a text should") : Str(value);

    static TemplateValue.Sequence List(IEnumerable<TemplateValue> items) => new([.. items]);

    static IEnumerable<TemplateValue.Sequence> Pairs(TemplateValue value) => value is TemplateValue.Mapping m
        ? m.Fields.Select(f => new TemplateValue.Sequence([Text(f.Key), f.Value], IsTuple: true))
        : [];

    /// <summary>The second argument makes everything that counts as false give way too.</summary>
    static TemplateValue Default(TemplateValue value, TemplateArguments with) =>
        value is TemplateValue.Undefined || (with.Get(1, "boolean") is { } all && IsTrue(all) && !IsTrue(value)) ? with.Get(0, "default_value") ?? Text("") : value;

    static TemplateValue.Text Indent(TemplateValue value, TemplateArguments with)
    {
        string by = with.Get(0, "width") switch { TemplateValue.Whole n => new(' ', (int)Math.Clamp(n.Value, 0, 1000)), TemplateValue.Text t => t.Value, _ => "    " };
        bool first = with.Get(1, "first") is { } f && IsTrue(f), blank = with.Get(2, "blank") is { } b && IsTrue(b);
        string[] lines = Str(value).Split('\n');
        return Text(string.Join('\n', lines.Select((line, i) => (i > 0 || first) && (blank || line.Length > 0 || (i == 0 && first)) ? by + line : line)));
    }

    static TemplateValue.Sequence Sort(TemplateValue value, TemplateArguments with)
    {
        string? attribute = with.Get(2, "attribute") is TemplateValue.Text a ? a.Value : null;
        bool exact = with.Get(1, "case_sensitive") is { } c && IsTrue(c), down = with.Get(0, "reverse") is { } r && IsTrue(r);
        TemplateValue Key(TemplateValue item)
        {
            TemplateValue key = attribute is null ? item : Attribute(item, attribute);
            return key is TemplateValue.Text t && !exact ? Text(t.Value.ToLowerInvariant()) : key;
        }

        Comparer<TemplateValue> order = Comparer<TemplateValue>.Create(Order);
        return List(down ? Items(value).OrderByDescending(Key, order) : Items(value).OrderBy(Key, order));
    }

    static TemplateValue.Sequence Map(TemplateValue value, TemplateArguments with)
    {
        if (with.Named.GetValueOrDefault("attribute") is { } attribute)
        {
            TemplateValue? otherwise = with.Named.GetValueOrDefault("default");
            return List(Items(value).Select(i => Index(i, attribute) is var field && field is TemplateValue.Undefined && otherwise is not null ? otherwise : field));
        }

        string name = Str(with.Get(0, "filter"));
        return List(Items(value).Select(i => Apply(i, name, new([.. with.Positional.Skip(1)], with.Named))));
    }

    static TemplateValue.Sequence Select(TemplateValue value, TemplateArguments with, bool wanted) => with.Positional.Count == 0
        ? List(Items(value).Where(i => IsTrue(i) == wanted))
        : List(Items(value).Where(i => TemplateTests.Holds(i, Str(with.Positional[0]), [.. with.Positional.Skip(1)]) == wanted));

    static TemplateValue.Sequence SelectAttribute(TemplateValue value, TemplateArguments with, bool wanted)
    {
        TemplateValue name = with.Get(0, "attribute") ?? throw new ArgumentException("the attribute to select by is missing");
        return List(Items(value).Where(i => (with.Positional.Count < 2 ? IsTrue(Index(i, name)) : TemplateTests.Holds(Index(i, name), Str(with.Positional[1]), [.. with.Positional.Skip(2)])) == wanted));
    }
}
