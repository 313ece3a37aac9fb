using System.Globalization;
using YamlDotNet.RepresentationModel;

namespace Retort.Distill;

/// <summary>Reads the fields of one mapping, collecting every fault with its line instead of stopping at the first.</summary>
sealed class YamlFields
{
    readonly Dictionary<string, (YamlNode Node, int Line)> _fields = new(StringComparer.Ordinal);
    readonly HashSet<string> _known = new(StringComparer.Ordinal);
    readonly List<string> _faults;
    readonly string _at;

    public YamlFields(YamlNode? node, string at, List<string> faults)
    {
        _at = at;
        _faults = faults;
        Present = node is not null;
        if (node is null or YamlScalarNode { Value: "" or null })
        {
            return;
        }

        if (node is not YamlMappingNode map)
        {
            Fault(Line(node), at, "must be a mapping of keys and values");
            return;
        }

        foreach ((YamlNode key, YamlNode value) in map.Children)
        {
            string name = (key as YamlScalarNode)?.Value ?? "";
            if (!_fields.TryAdd(name, (value, Line(key))))
            {
                Fault(Line(key), Path(name), "is given twice");
            }
        }
    }

    public bool Present { get; }

    public bool Has(string name) => Take(name) is not null;

    public bool IsMapping(string name) => Take(name) is YamlMappingNode;

    public YamlFields Map(string name) => new(Take(name), Path(name), _faults);

    public string? Text(string name) => Take(name) switch
    {
        null => null,
        YamlScalarNode { Value: { Length: > 0 } value } => value,
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

    public long Whole(string name, long otherwise, long least, long most)
    {
        string? text = Text(name);
        if (text is null)
        {
            return otherwise;
        }

        if (!long.TryParse(text.Replace("_", "", StringComparison.Ordinal), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value) || value < least || value > most)
        {
            return Refuse<long>(_fields[name].Node, name, $"must be a whole number from {least} to {most}, not '{text}'");
        }

        return value;
    }

    public double Number(string name, double otherwise, double least, double most) => Text(name) is { } text ? Number(_fields[name].Node, name, text, least, most) : otherwise;

    public IReadOnlyList<double> Numbers(string name, IReadOnlyList<double> otherwise, double least, double most) => List(name) is { } nodes
        ? [.. nodes.Select(n => Number(n, name, (n as YamlScalarNode)?.Value ?? "", least, most))]
        : otherwise;

    public IReadOnlyList<string>? Texts(string name) => List(name) is { } nodes ? [.. nodes.Select(n => (n as YamlScalarNode)?.Value ?? Refuse<string>(n, name, "must list texts") ?? "")] : null;

    public string Choice(string name, string otherwise, params string[] choices)
    {
        string value = Text(name) ?? otherwise;
        return choices.Contains(value, StringComparer.Ordinal) ? value : Refuse<string>(_fields[name].Node, name, $"must be one of {string.Join(", ", choices)}, not '{value}'") ?? otherwise;
    }

    /// <summary>Reports a missing key.</summary>
    public void Require(string name)
    {
        if (Take(name) is null)
        {
            _faults.Add($"{Path(name)} is missing");
        }
    }

    public void Fault(string name, string what) => Fault(_fields.TryGetValue(name, out (YamlNode, int Line) f) ? f.Line : 0, Path(name), what);

    /// <summary>Reports every key nobody asked for; call last.</summary>
    public void Close()
    {
        foreach ((string name, (YamlNode _, int line)) in _fields)
        {
            if (!_known.Contains(name))
            {
                string? near = _known.Where(k => EditDistance.Between(k, name) <= 2).MinBy(k => EditDistance.Between(k, name));
                Fault(line, Path(name), near is null ? $"is not a key here; known are {string.Join(", ", _known.Order(StringComparer.Ordinal))}" : $"is not a key here; did you mean {near}?");
            }
        }
    }

    IReadOnlyList<YamlNode>? List(string name) => Take(name) switch
    {
        null => null,
        YamlSequenceNode list => [.. list.Children],
        YamlNode one => [one],
    };

    double Number(YamlNode node, string name, string text, double least, double most) =>
        double.TryParse(text.Replace("_", "", StringComparison.Ordinal), NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && value >= least && value <= most
            ? value
            : Refuse<double>(node, name, $"must be a number from {least} to {most}, not '{text}'");

    YamlNode? Take(string name)
    {
        _known.Add(name);
        return _fields.TryGetValue(name, out (YamlNode Node, int Line) field) ? field.Node : null;
    }

    T? Refuse<T>(YamlNode node, string name, string what)
    {
        Fault(Line(node), Path(name), what);
        return default;
    }

    void Fault(int line, string path, string what) => _faults.Add(line > 0 ? $"line {line}: {path} {what}" : $"{path} {what}");

    string Path(string name) => _at.Length == 0 ? name : $"{_at}.{name}";

    static int Line(YamlNode node) => (int)node.Start.Line;
}
