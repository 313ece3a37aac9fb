namespace Retort.Model.Chat;

/// <summary>The methods of Python's texts, dictionaries and lists that the models' templates call.</summary>
static class TemplateMethods
{
    /// <summary>The method of a value, or null where it has none of that name.</summary>
    public static TemplateValue.Callable? Of(TemplateValue value, string name)
    {
        Func<TemplateArguments, TemplateValue>? method = value switch
        {
            TemplateValue.Text text => Text(text.Value, name),
            TemplateValue.Mapping map => Map(map, name),
            TemplateValue.Sequence list => List(list, name),
            _ => null,
        };
        return method is null ? null : new(name, method);
    }

    static Func<TemplateArguments, TemplateValue>? Text(string s, string name) => name switch
    {
        "strip" => a => new TemplateValue.Text(Strip(s, a.Get(0, "chars"), true, true)),
        "lstrip" => a => new TemplateValue.Text(Strip(s, a.Get(0, "chars"), true, false)),
        "rstrip" => a => new TemplateValue.Text(Strip(s, a.Get(0, "chars"), false, true)),
        "upper" => _ => new TemplateValue.Text(s.ToUpperInvariant()),
        "lower" => _ => new TemplateValue.Text(s.ToLowerInvariant()),
        "capitalize" => _ => new TemplateValue.Text(Capitalize(s)),
        "title" => _ => new TemplateValue.Text(Title(s)),
        "startswith" => a => TemplateValue.Boolean.Of(Any(a.Get(0, "prefix"), p => s.StartsWith(p, StringComparison.Ordinal))),
        "endswith" => a => TemplateValue.Boolean.Of(Any(a.Get(0, "suffix"), p => s.EndsWith(p, StringComparison.Ordinal))),
        "split" => a => new TemplateValue.Sequence([.. Split(s, a.Get(0, "sep"), Limit(a.Get(1, "maxsplit"))).Select(p => new TemplateValue.Text(p))]),
        "rsplit" => a => new TemplateValue.Sequence([.. SplitFromEnd(s, a.Get(0, "sep"), Limit(a.Get(1, "maxsplit"))).Select(p => new TemplateValue.Text(p))]),
        "splitlines" => _ => new TemplateValue.Sequence([.. Lines(s).Select(p => new TemplateValue.Text(p))]),
        "replace" => a => new TemplateValue.Text(Replace(s, Need(a.Get(0, "old"), "old"), Need(a.Get(1, "new"), "new"), Limit(a.Get(2, "count")))),
        "join" => a => new TemplateValue.Text(string.Join(s, TemplateOperations.Items(a.Get(0, "iterable") ?? TemplateValue.None.Value).Select(i => Need(i, "an item")))),
        "find" => a => new TemplateValue.Whole(s.IndexOf(Need(a.Get(0, "sub"), "sub"), StringComparison.Ordinal)),
        "count" => a => new TemplateValue.Whole(Need(a.Get(0, "sub"), "sub") is { Length: > 0 } sub ? s.AsSpan().Count(sub) : s.Length + 1),
        "isdigit" => _ => TemplateValue.Boolean.Of(s.Length > 0 && s.All(char.IsDigit)),
        "isalpha" => _ => TemplateValue.Boolean.Of(s.Length > 0 && s.All(char.IsLetter)),
        "isspace" => _ => TemplateValue.Boolean.Of(s.Length > 0 && s.All(char.IsWhiteSpace)),
        _ => null,
    };

    static Func<TemplateArguments, TemplateValue>? Map(TemplateValue.Mapping m, string name) => name switch
    {
        "items" => _ => new TemplateValue.Sequence([.. m.Fields.Select(f => new TemplateValue.Sequence([new TemplateValue.Text(f.Key), f.Value], IsTuple: true))]),
        "keys" => _ => new TemplateValue.Sequence([.. m.Fields.Keys.Select(k => new TemplateValue.Text(k))]),
        "values" => _ => new TemplateValue.Sequence([.. m.Fields.Values]),
        "get" => a => a.Get(0, "key") is TemplateValue.Text key && m.Fields.TryGetValue(key.Value, out TemplateValue? value) ? value : a.Get(1, "default") ?? TemplateValue.None.Value,
        _ => null,
    };

    /// <summary>A template may not change what it was given; a list it changes would be its caller's.</summary>
    static Func<TemplateArguments, TemplateValue>? List(TemplateValue.Sequence list, string name) => name switch
    {
        "index" => a => list.Items.IndexOf(a.Get(0, "value") ?? TemplateValue.None.Value) is >= 0 and var at ? new TemplateValue.Whole(at) : throw new ArgumentException("the value is not in the list"),
        "count" => a => new TemplateValue.Whole(list.Items.Count(i => i.Equals(a.Get(0, "value")))),
        _ => null,
    };

    public static string Strip(string s, TemplateValue? characters, bool start, bool end)
    {
        if (characters is null or TemplateValue.None)
        {
            return start ? end ? s.Trim() : s.TrimStart() : s.TrimEnd();
        }

        char[] set = Need(characters, "chars").ToCharArray();
        if (set.Length == 0)
        {
            return s;
        }

        return start ? end ? s.Trim(set) : s.TrimStart(set) : s.TrimEnd(set);
    }

    public static string Capitalize(string s) => s.Length == 0 ? s : s[..1].ToUpperInvariant() + s[1..].ToLowerInvariant();

    /// <summary>Each run of letters begins with a capital.</summary>
    public static string Title(string s) => string.Concat(s.Select((c, i) => i > 0 && char.IsLetter(s[i - 1]) ? char.ToLowerInvariant(c) : char.ToUpperInvariant(c)));

    public static string Replace(string s, string old, string @new, int limit)
    {
        if (limit < 0 && old.Length > 0)
        {
            return s.Replace(old, @new, StringComparison.Ordinal);
        }

        if (old.Length == 0)
        {
            throw new ArgumentException("nothing cannot be replaced");
        }

        int from = 0;
        List<string> parts = [];
        while (limit-- > 0 && s.IndexOf(old, from, StringComparison.Ordinal) is >= 0 and var at)
        {
            parts.Add(s[from..at]);
            from = at + old.Length;
        }

        return string.Join(@new, [.. parts, s[from..]]);
    }

    static IEnumerable<string> Split(string s, TemplateValue? separator, int limit)
    {
        if (separator is null or TemplateValue.None)
        {
            if (limit < 0)
            {
                return s.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            }

            List<string> words = [];
            string rest = s.TrimStart();
            while (rest.Length > 0 && limit-- > 0)
            {
                int end = 0;
                while (end < rest.Length && !char.IsWhiteSpace(rest[end]))
                {
                    end++;
                }

                words.Add(rest[..end]);
                rest = rest[end..].TrimStart();
            }

            return rest.Length > 0 ? [.. words, rest.TrimEnd()] : words;
        }

        string by = Need(separator, "sep");
        return by.Length == 0 ? throw new ArgumentException("a text cannot be split at nothing") : limit < 0 ? s.Split(by) : s.Split(by, limit + 1);
    }

    static IEnumerable<string> SplitFromEnd(string s, TemplateValue? separator, int limit)
    {
        if (limit < 0 || separator is null or TemplateValue.None)
        {
            return limit < 0 ? Split(s, separator, limit) : throw new ArgumentException("rsplit with a limit needs a separator");
        }

        string by = Need(separator, "sep");
        List<string> parts = by.Length == 0 ? throw new ArgumentException("a text cannot be split at nothing") : [.. s.Split(by)];
        int kept = Math.Max(0, parts.Count - 1 - limit) + 1;
        return [string.Join(by, parts.Take(kept)), .. parts.Skip(kept)];
    }

    static string[] Lines(string s)
    {
        string[] lines = s.ReplaceLineEndings("\n").Split('\n');
        return lines[^1].Length == 0 ? lines[..^1] : lines;
    }

    static bool Any(TemplateValue? of, Func<string, bool> holds) => of is TemplateValue.Sequence tuple ? tuple.Items.Any(i => holds(Need(i, "a part"))) : holds(Need(of, "a part"));

    static int Limit(TemplateValue? value) => value is TemplateValue.Whole w ? (int)Math.Clamp(w.Value, -1, int.MaxValue - 1) : -1;

    static string Need(TemplateValue? value, string what) => value is TemplateValue.Text text ? text.Value : throw new ArgumentException($"{what} must be a text");
}
