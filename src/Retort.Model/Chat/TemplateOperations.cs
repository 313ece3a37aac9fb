namespace Retort.Model.Chat;

/// <summary>Python's operators on template values. What does not fit throws an ArgumentException that says so.</summary>
static class TemplateOperations
{
    /// <summary>Characters and items a template may make at once.</summary>
    const int Largest = 1 << 22;

    public static bool IsTrue(TemplateValue value) => value switch
    {
        TemplateValue.Undefined or TemplateValue.None => false,
        TemplateValue.Boolean b => b.Value,
        TemplateValue.Whole w => w.Value != 0,
        TemplateValue.Real r => r.Value != 0,
        TemplateValue.Text t => t.Value.Length > 0,
        TemplateValue.Sequence s => s.Items.Count > 0,
        TemplateValue.Mapping m => m.IsNamespace || m.Fields.Count > 0,
        _ => true,
    };

    /// <summary>What a for goes through: a list's items, a dictionary's keys, a text's characters.</summary>
    public static IReadOnlyList<TemplateValue> Items(TemplateValue value) => value switch
    {
        TemplateValue.Sequence s => s.Items,
        TemplateValue.Mapping m => [.. m.Fields.Keys.Select(k => new TemplateValue.Text(k))],
        TemplateValue.Text t => [.. Characters(t.Value).Select(c => new TemplateValue.Text(c))],
        TemplateValue.Undefined => [],
        _ => throw new ArgumentException($"{Kind(value)} has no items"),
    };

    public static int Length(TemplateValue value) => value switch
    {
        TemplateValue.Text t => t.Value.Length - t.Value.Count(char.IsLowSurrogate),
        TemplateValue.Sequence s => s.Items.Count,
        TemplateValue.Mapping m => m.Fields.Count,
        TemplateValue.Undefined => 0,
        _ => throw new ArgumentException($"{Kind(value)} has no length"),
    };

    public static TemplateValue Arithmetic(string op, TemplateValue left, TemplateValue right)
    {
        Defined(left);
        Defined(right);
        return (op, left, right) switch
        {
            ("~", _, _) => Join(TemplateText.Of(left), TemplateText.Of(right)),
            ("+", TemplateValue.Text a, TemplateValue.Text b) => Join(a.Value, b.Value),
            ("+", TemplateValue.Sequence a, TemplateValue.Sequence b) when a.IsTuple == b.IsTuple => new TemplateValue.Sequence([.. a.Items, .. b.Items], a.IsTuple),
            ("*", TemplateValue.Text a, _) when Number(right) is TemplateValue.Whole n => Repeat(a.Value, n.Value),
            ("*", TemplateValue.Sequence a, _) when Number(right) is TemplateValue.Whole n && n.Value * a.Items.Count < Largest =>
                new TemplateValue.Sequence([.. Enumerable.Repeat(a.Items, (int)Math.Max(0, n.Value)).SelectMany(i => i)], a.IsTuple),
            _ when Number(left) is TemplateValue.Whole a && Number(right) is TemplateValue.Whole b && op != "/" => Whole(op, a.Value, b.Value),
            _ when Double(left) is { } a && Double(right) is { } b => Real(op, a, b),
            _ => throw new ArgumentException($"{op} does not go with {Kind(left)} and {Kind(right)}"),
        };
    }

    static TemplateValue.Text Join(string a, string b) => a.Length + (long)b.Length <= Largest ? new(a + b) : throw new ArgumentException("a text grows too long");

    static TemplateValue.Text Repeat(string text, long times) => times <= 0 || text.Length == 0 ? new("")
        : times <= Largest / text.Length ? new(string.Concat(Enumerable.Repeat(text, (int)times))) : throw new ArgumentException("a text grows too long");

    static TemplateValue Whole(string op, long a, long b)
    {
        try
        {
            return op switch
            {
                "+" => new TemplateValue.Whole(checked(a + b)),
                "-" => new TemplateValue.Whole(checked(a - b)),
                "*" => new TemplateValue.Whole(checked(a * b)),
                "//" or "%" when b == 0 => throw new ArgumentException("a division by zero"),
                "//" => new TemplateValue.Whole(checked(a / b) - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0)),
                "%" => b == -1 ? new TemplateValue.Whole(0) : new TemplateValue.Whole((a % b) + (a % b != 0 && (a < 0) != (b < 0) ? b : 0)),
                "**" when b >= 0 => Power(a, b),
                _ => Real(op, a, b),
            };
        }
        catch (OverflowException e)
        {
            throw new ArgumentException("a number grows too large", e);
        }
    }

    static TemplateValue.Whole Power(long a, long b)
    {
        long result = 1;
        for (; b > 0; b--)
        {
            result = checked(result * a);
            if (result is 0 or 1 && a is 0 or 1)
            {
                break;
            }

            if (a == -1)
            {
                return new(b % 2 == 0 ? -result : result);
            }
        }

        return new(result);
    }

    static TemplateValue.Real Real(string op, double a, double b) => op switch
    {
        "+" => new(a + b),
        "-" => new(a - b),
        "*" => new(a * b),
        "/" or "//" or "%" when b == 0 => throw new ArgumentException("a division by zero"),
        "/" => new(a / b),
        "//" => new(Math.Floor(a / b)),
        "%" => new(a - (b * Math.Floor(a / b))),
        "**" => new(Math.Pow(a, b)),
        _ => throw new ArgumentException($"the operator {op} is not supported"),
    };

    public static TemplateValue Negative(TemplateValue value) => Number(value) switch
    {
        TemplateValue.Whole w => w.Value == long.MinValue ? throw new ArgumentException("a number grows too large") : new TemplateValue.Whole(-w.Value),
        TemplateValue.Real r => new TemplateValue.Real(-r.Value),
        _ => throw new ArgumentException($"- does not go with {Kind(value)}"),
    };

    public static bool Compare(string op, TemplateValue left, TemplateValue right) => op switch
    {
        "==" => Equal(left, right),
        "!=" => !Equal(left, right),
        "in" => Contains(right, left),
        "not in" => !Contains(right, left),
        "<" => Order(left, right) < 0,
        "<=" => Order(left, right) <= 0,
        ">" => Order(left, right) > 0,
        _ => Order(left, right) >= 0,
    };

    public static bool Equal(TemplateValue left, TemplateValue right) =>
        Number(left) is TemplateValue.Whole a && Number(right) is TemplateValue.Whole b ? a.Value == b.Value
        : Double(left) is { } x && Double(right) is { } y ? x.Equals(y)
        : (left, right) switch
        {
            (TemplateValue.Undefined, TemplateValue.Undefined) => true,
            (TemplateValue.Sequence s, TemplateValue.Sequence t) => s.IsTuple == t.IsTuple && s.Items.Count == t.Items.Count && s.Items.Zip(t.Items).All(p => Equal(p.First, p.Second)),
            _ => left.Equals(right),
        };

    static bool Contains(TemplateValue whole, TemplateValue part) => whole switch
    {
        TemplateValue.Text t => part is TemplateValue.Text p ? t.Value.Contains(p.Value, StringComparison.Ordinal) : throw new ArgumentException($"{Kind(part)} cannot be in a text"),
        TemplateValue.Sequence s => s.Items.Any(i => Equal(i, part)),
        TemplateValue.Mapping m => part is TemplateValue.Text k && m.Fields.ContainsKey(k.Value),
        TemplateValue.Undefined => false,
        _ => throw new ArgumentException($"nothing can be in {Kind(whole)}"),
    };

    /// <summary>Below 0 where left comes first.</summary>
    public static int Order(TemplateValue left, TemplateValue right)
    {
        Defined(left);
        Defined(right);
        return (left, right) switch
        {
            (TemplateValue.Text a, TemplateValue.Text b) => string.CompareOrdinal(a.Value, b.Value),
            (TemplateValue.Sequence a, TemplateValue.Sequence b) => a.Items.Zip(b.Items).Select(p => Order(p.First, p.Second)).FirstOrDefault(o => o != 0, a.Items.Count.CompareTo(b.Items.Count)),
            _ when Double(left) is { } a && Double(right) is { } b => a.CompareTo(b),
            _ => throw new ArgumentException($"{Kind(left)} and {Kind(right)} have no order"),
        };
    }

    /// <summary>The field, method or item of a value, undefined where there is none.</summary>
    public static TemplateValue Attribute(TemplateValue of, string name)
    {
        Defined(of);
        return of is TemplateValue.Mapping m && m.Fields.TryGetValue(name, out TemplateValue? field) ? field
            : TemplateMethods.Of(of, name) ?? (TemplateValue)new TemplateValue.Undefined(name);
    }

    public static TemplateValue Index(TemplateValue of, TemplateValue at)
    {
        Defined(of);
        return (of, at) switch
        {
            (_, TemplateValue.Text name) => Attribute(of, name.Value),
            (TemplateValue.Sequence s, _) when Number(at) is TemplateValue.Whole w => Place(w.Value, s.Items.Count) is { } i ? s.Items[i] : new TemplateValue.Undefined($"[{w.Value}]"),
            (TemplateValue.Text t, _) when Number(at) is TemplateValue.Whole w && Characters(t.Value) is var all => Place(w.Value, all.Count) is { } i ? new TemplateValue.Text(all[i]) : new TemplateValue.Undefined($"[{w.Value}]"),
            _ => new TemplateValue.Undefined(TemplateText.Of(at)),
        };

        static int? Place(long at, int count) => (at < 0 ? at + count : at) is >= 0 and var i && i < count ? (int)i : null;
    }

    public static TemplateValue Slice(TemplateValue of, TemplateValue? from, TemplateValue? to, TemplateValue? step)
    {
        Defined(of);
        long? First(TemplateValue? value) => value is null or TemplateValue.None ? null : Number(value) is TemplateValue.Whole w ? w.Value : throw new ArgumentException("a slice's bounds must be whole numbers");
        long by = First(step) ?? 1;
        if (by == 0)
        {
            throw new ArgumentException("a slice's step is zero");
        }

        return of switch
        {
            TemplateValue.Sequence s => new TemplateValue.Sequence([.. Places(s.Items.Count).Select(i => s.Items[i])], s.IsTuple),
            TemplateValue.Text t when Characters(t.Value) is var all => new TemplateValue.Text(string.Concat(Places(all.Count).Select(i => all[i]))),
            _ => throw new ArgumentException($"{Kind(of)} cannot be sliced"),
        };

        IEnumerable<int> Places(int count)
        {
            long Bound(long? given, long otherwise) => given is not { } g ? otherwise : Math.Clamp(g < 0 ? g + count : g, by > 0 ? 0 : -1, by > 0 ? count : count - 1);
            long start = Bound(First(from), by > 0 ? 0 : count - 1), end = Bound(First(to), by > 0 ? count : -1);
            for (long i = start; by > 0 ? i < end : i > end; i += Math.Clamp(by, -count - 1, count + 1))
            {
                yield return (int)i;
            }
        }
    }

    /// <summary>The number a value is, or null; true and false are 1 and 0.</summary>
    public static TemplateValue? Number(TemplateValue value) => value switch
    {
        TemplateValue.Whole or TemplateValue.Real => value,
        TemplateValue.Boolean b => new TemplateValue.Whole(b.Value ? 1 : 0),
        _ => null,
    };

    public static double? Double(TemplateValue value) => Number(value) switch { TemplateValue.Whole w => w.Value, TemplateValue.Real r => r.Value, _ => null };

    public static void Defined(TemplateValue value)
    {
        if (value is TemplateValue.Undefined u)
        {
            throw new ArgumentException($"{u.Name} is not defined");
        }
    }

    public static string Kind(TemplateValue value) => value switch
    {
        TemplateValue.Undefined u => $"{u.Name}, which is not defined,",
        TemplateValue.None => "none",
        TemplateValue.Boolean => "a truth value",
        TemplateValue.Whole or TemplateValue.Real => "a number",
        TemplateValue.Text => "a text",
        TemplateValue.Sequence => "a list",
        TemplateValue.Mapping => "a dictionary",
        _ => "a function",
    };

    /// <summary>Python counts code points.</summary>
    static List<string> Characters(string text)
    {
        List<string> all = new(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            int length = char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]) ? 2 : 1;
            all.Add(text.Substring(i, length));
            i += length - 1;
        }

        return all;
    }
}
