using System.Globalization;
using YamlDotNet.RepresentationModel;

namespace Retort.Files;

/// <summary>The faults of a file of YAML, each with its line, or with --set where it was typed there.</summary>
/// <param name="typed">Nodes that came from --set: their lines are those of what was typed, not of the file.</param>
public sealed class YamlFaults(List<string> all, IReadOnlySet<YamlNode> typed)
{
    public void Add(YamlNode? node, string path, string what) =>
        all.Add(node is not null && typed.Contains(node) ? $"--set: {path} {what}" : node is { Start.Line: > 0 } ? $"line {node.Start.Line}: {path} {what}" : $"{path} {what}");
}

/// <summary>Reads the fields of one mapping, collecting every fault with its line instead of stopping at the first.</summary>
public sealed class YamlFields
{
    readonly Dictionary<string, (YamlNode Key, YamlNode Node)> _fields = new(StringComparer.Ordinal);
    readonly HashSet<string> _known = new(StringComparer.Ordinal);
    readonly YamlFaults _faults;
    readonly YamlNode? _node;
    readonly string _at;

    public YamlFields(YamlNode? node, string at, YamlFaults faults)
    {
        _at = at;
        _node = node;
        _faults = faults;
        Present = node is not null;
        if (node is null or YamlScalarNode { Value: "" or null })
        {
            return;
        }

        if (node is not YamlMappingNode map)
        {
            _faults.Add(node, at.Length == 0 ? "the file" : at, "must be a mapping of keys and values");
            return;
        }

        foreach ((YamlNode key, YamlNode value) in map.Children)
        {
            string name = (key as YamlScalarNode)?.Value ?? "";
            if (!_fields.TryAdd(name, (key, value)))
            {
                _faults.Add(key, Path(name), "is given twice");
            }
        }
    }

    /// <summary>A text that stands for a mapping of one key.</summary>
    YamlFields(YamlScalarNode text, string key, string at, YamlFaults faults)
    {
        (_at, _node, _faults, Present) = (at, text, faults, true);
        _fields[key] = (text, text);
    }

    public bool Present { get; }

    public bool Has(string name) => Take(name) is not null;

    public bool IsMapping(string name) => Take(name) is YamlMappingNode;

    public YamlFields Map(string name) => new(Take(name), Path(name), _faults);

    /// <summary>The mappings of a list, in its order; empty when it is absent or no list of mappings, the latter a fault.</summary>
    public IReadOnlyList<YamlFields> Maps(string name) => List(name) is { } nodes ? [.. nodes.Select((n, i) => new YamlFields(n, $"{Path(name)}[{i + 1}]", _faults))] : [];

    /// <summary>The same, where an item that is a text alone stands for a mapping of <paramref name="key"/> to it.</summary>
    public IReadOnlyList<YamlFields> Maps(string name, string key) => List(name) is { } nodes
        ? [.. nodes.Select((n, i) => n is YamlScalarNode { Value.Length: > 0 } text ? new(text, key, $"{Path(name)}[{i + 1}]", _faults) : new YamlFields(n, $"{Path(name)}[{i + 1}]", _faults))]
        : [];

    /// <summary>A day written as 2026-11-28; null when it is absent or none, the latter a fault.</summary>
    public DateOnly? Date(string name) => Text(name) is not { } text ? null
        : DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly date) ? date
        : Refuse<DateOnly?>(_fields[name].Node, name, $"must be a day such as 2026-11-28, not '{text}'");

    public string? Text(string name) => Take(name) switch
    {
        null => null,
        YamlScalarNode { Value: { Length: > 0 } value } node => value.Contains('\0', StringComparison.Ordinal) ? Refuse<string>(node, name, "must not hold a null character") : value,
        YamlNode other => Refuse<string>(other, name, "must be a text"),
    };

    public bool Flag(string name, bool otherwise) => Text(name) switch
    {
        null => otherwise,
        "true" => true,
        "false" => false,
        _ => Refuse<bool>(_fields[name].Node, name, "must be true or false"),
    };

    public int Whole(string name, int otherwise, int least, int most) => (int)Whole(name, otherwise, (long)least, most);

    public long Whole(string name, long otherwise, long least, long most) => Text(name) is { } text ? Whole(_fields[name].Node, name, text, least, most) : otherwise;

    public double Number(string name, double otherwise, double least, double most) => Text(name) is { } text ? Number(_fields[name].Node, name, text, least, most) : otherwise;

    public IReadOnlyList<double> Numbers(string name, IReadOnlyList<double> otherwise, double least, double most) => List(name) is { } nodes
        ? [.. nodes.Select(n => Number(n, name, (n as YamlScalarNode)?.Value ?? "", least, most))]
        : otherwise;

    public IReadOnlyList<long> Wholes(string name, IReadOnlyList<long> otherwise, long least, long most) => List(name) is { } nodes
        ? [.. nodes.Select(n => Whole(n, name, (n as YamlScalarNode)?.Value ?? "", least, most))]
        : otherwise;

    public IReadOnlyList<string>? Texts(string name) => List(name) is { } nodes ? [.. nodes.Select(n => (n as YamlScalarNode)?.Value is { } text && !text.Contains((char)0, StringComparison.Ordinal) ? text : Refuse<string>(n, name, "must list texts") ?? "")] : null;

    public string Choice(string name, string otherwise, params string[] choices)
    {
        string value = Text(name) ?? otherwise;
        return choices.Contains(value, StringComparer.Ordinal) ? value : Refuse<string>(_fields[name].Node, name, $"must be one of {string.Join(", ", choices)}, not '{value}'") ?? otherwise;
    }

    /// <summary>Reports a missing key, with the line where its mapping begins when that is not the whole file.</summary>
    public void Require(string name)
    {
        if (Take(name) is null)
        {
            _faults.Add(_at.Length == 0 ? null : _node, Path(name), "is missing");
        }
    }

    public void Fault(string name, string what) => _faults.Add(_fields.TryGetValue(name, out (YamlNode Key, YamlNode) f) ? f.Key : null, Path(name), what);

    /// <summary>Reports every key nobody asked for; call last.</summary>
    public void Close()
    {
        foreach ((string name, (YamlNode key, YamlNode _)) in _fields)
        {
            if (!_known.Contains(name))
            {
                string? near = _known.Where(k => EditDistance.Between(k, name) <= 2).MinBy(k => EditDistance.Between(k, name));
                _faults.Add(key, Path(name), near is null ? $"is not a key here; known are {string.Join(", ", _known.Order(StringComparer.Ordinal))}" : $"is not a key here; did you mean {near}?");
            }
        }
    }

    IReadOnlyList<YamlNode>? List(string name) => Take(name) switch
    {
        null => null,
        YamlSequenceNode { Children.Count: > 0 } list => [.. list.Children],
        YamlSequenceNode none => Refuse<IReadOnlyList<YamlNode>>(none, name, "must not be an empty list"),
        YamlNode one => [one],
    };

    long Whole(YamlNode node, string name, string text, long least, long most) =>
        long.TryParse(text.Replace("_", "", StringComparison.Ordinal), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value) && value >= least && value <= most
            ? value
            : Refuse<long>(node, name, $"must be a whole number from {least} to {most}, not '{text}'");

    double Number(YamlNode node, string name, string text, double least, double most) =>
        double.TryParse(text.Replace("_", "", StringComparison.Ordinal), NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && value >= least && value <= most
            ? value
            : Refuse<double>(node, name, $"must be a number from {least} to {most}, not '{text}'");

    YamlNode? Take(string name)
    {
        _known.Add(name);
        return _fields.TryGetValue(name, out (YamlNode Key, YamlNode Node) field) ? field.Node : null;
    }

    T? Refuse<T>(YamlNode node, string name, string what)
    {
        _faults.Add(node, Path(name), what);
        return default;
    }

    string Path(string name) => _at.Length == 0 ? name : $"{_at}.{name}";
}
