using System.Globalization;
using System.Text;

namespace Retort.Model.Chat;

/// <summary>How values are spelled: as Python's str and repr print them, and as its json.dumps writes them.</summary>
static class TemplateText
{

    /// <summary>What {{ }} prints.</summary>
    public static string Of(TemplateValue value) => value switch
    {
        TemplateValue.Undefined => "",
        TemplateValue.Text text => text.Value,
        _ => Spelled(value),
    };

    static string Spelled(TemplateValue value)
    {
        StringBuilder to = new();
        Spell(to, value);
        return to.ToString();
    }

    static void Spell(StringBuilder to, TemplateValue value)
    {
        switch (value)
        {
            case TemplateValue.Undefined: to.Append("Undefined"); break;
            case TemplateValue.None: to.Append("None"); break;
            case TemplateValue.Boolean b: to.Append(b.Value ? "True" : "False"); break;
            case TemplateValue.Whole w: to.Append(w.Value); break;
            case TemplateValue.Real r: to.Append(Real(r.Value)); break;
            case TemplateValue.Text t: Quote(to, t.Value); break;
            case TemplateValue.Sequence s:
                to.Append(s.IsTuple ? '(' : '[');
                for (int i = 0; i < s.Items.Count; i++)
                {
                    to.Append(i > 0 ? ", " : "");
                    Spell(to, s.Items[i]);
                }

                to.Append(s.IsTuple && s.Items.Count == 1 ? "," : "").Append(s.IsTuple ? ')' : ']');
                break;
            case TemplateValue.Mapping { IsNamespace: true }: to.Append("<Namespace>"); break;
            case TemplateValue.Mapping m:
                to.Append('{');
                string between = "";
                foreach ((string key, TemplateValue field) in m.Fields)
                {
                    to.Append(between);
                    Quote(to, key);
                    to.Append(": ");
                    Spell(to, field);
                    between = ", ";
                }

                to.Append('}');
                break;
            case TemplateValue.Callable f: to.Append($"<function {f.Name}>"); break;
        }
    }

    /// <summary>Shortest digits that read back, with .0 where whole, and an exponent where Python writes one.</summary>
    public static string Real(double value)
    {
        if (!double.IsFinite(value))
        {
            return double.IsNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
        }

        // Shortest digits that read back, as d.ddd and a power of ten.
        string[] parts = value.ToString("R", CultureInfo.InvariantCulture).TrimStart('-').Split('E');
        string sign = double.IsNegative(value) ? "-" : "", whole = parts[0].Split('.')[0], plain = parts[0].Replace(".", "", StringComparison.Ordinal), digits = plain.TrimStart('0').TrimEnd('0');
        if (digits.Length == 0)
        {
            return sign + "0.0";
        }

        int power = whole.Length - 1 - (plain.Length - plain.TrimStart('0').Length) + (parts.Length > 1 ? int.Parse(parts[1], CultureInfo.InvariantCulture) : 0);
        return power switch
        {
            < -4 or >= 16 => $"{sign}{digits[0]}{(digits.Length > 1 ? "." + digits[1..] : "")}e{(power < 0 ? '-' : '+')}{Math.Abs(power):00}",
            < 0 => $"{sign}0.{new string('0', -power - 1)}{digits}",
            _ when digits.Length <= power + 1 => $"{sign}{digits.PadRight(power + 1, '0')}.0",
            _ => $"{sign}{digits[..(power + 1)]}.{digits[(power + 1)..]}",
        };
    }

    static void Quote(StringBuilder to, string text)
    {
        char quote = text.Contains('\'', StringComparison.Ordinal) && !text.Contains('"', StringComparison.Ordinal) ? '"' : '\'';
        to.Append(quote);
        foreach (char c in text)
        {
            to.Append(c switch
            {
                '\\' => "\\\\",
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                _ when c == quote => "\\" + c,
                < ' ' or '\x7f' => $"\\x{(int)c:x2}",
                _ => c.ToString(),
            });
        }

        to.Append(quote);
    }

    /// <param name="indent">Blanks a level; null writes one line.</param>
    public static string Json(TemplateValue value, int? indent)
    {
        StringBuilder to = new();
        Json(to, value, indent, 0);
        return to.ToString();
    }

    static void Json(StringBuilder to, TemplateValue value, int? indent, int level)
    {
        switch (value)
        {
            case TemplateValue.None: to.Append("null"); break;
            case TemplateValue.Boolean b: to.Append(b.Value ? "true" : "false"); break;
            case TemplateValue.Whole w: to.Append(w.Value); break;
            case TemplateValue.Real r: to.Append(double.IsFinite(r.Value) ? Real(r.Value) : double.IsNaN(r.Value) ? "NaN" : r.Value > 0 ? "Infinity" : "-Infinity"); break;
            case TemplateValue.Text t: to.Append(JsonText(t.Value)); break;
            case TemplateValue.Sequence s: Items(to, '[', ']', s.Items.Count, indent, level, i => Json(to, s.Items[i], indent, level + 1)); break;
            case TemplateValue.Mapping { IsNamespace: true }: throw new ArgumentException("a namespace cannot be written as JSON");
            case TemplateValue.Mapping m:
                Items(to, '{', '}', m.Fields.Count, indent, level, i =>
                {
                    (string key, TemplateValue field) = m.Fields.GetAt(i);
                    to.Append(JsonText(key)).Append(": ");
                    Json(to, field, indent, level + 1);
                });
                break;
            case TemplateValue.Undefined u: throw new ArgumentException($"{u.Name} is not defined and cannot be written as JSON");
            default: throw new ArgumentException("a function cannot be written as JSON");
        }
    }

    static void Items(StringBuilder to, char open, char close, int count, int? indent, int level, Action<int> write)
    {
        to.Append(open);
        for (int i = 0; i < count; i++)
        {
            to.Append(i == 0 ? "" : indent is null ? ", " : ",");
            NewLine(to, indent, level + 1);
            write(i);
        }

        if (count > 0)
        {
            NewLine(to, indent, level);
        }

        to.Append(close);
    }

    static void NewLine(StringBuilder to, int? indent, int level)
    {
        if (indent is { } blanks)
        {
            to.Append('\n').Append(' ', blanks * level);
        }
    }

    /// <summary>Only what JSON forbids is escaped, as json.dumps does with ensure_ascii off.</summary>
    static string JsonText(string text)
    {
        StringBuilder to = new("\"");
        foreach (char c in text)
        {
            to.Append(c switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                '\b' => "\\b",
                '\f' => "\\f",
                < ' ' => $"\\u{(int)c:x4}",
                _ => c.ToString(),
            });
        }

        return to.Append('"').ToString();
    }
}
