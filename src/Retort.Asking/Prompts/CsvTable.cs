using System.Text;

namespace Retort.Asking;

/// <summary>One row of a table.</summary>
/// <param name="Fields">As many as the header has.</param>
/// <param name="Where">File and line on which it begins.</param>
sealed record CsvRow(IReadOnlyList<string> Fields, string Where);

/// <summary>
/// A table as RFC 4180 has it: quotes around what holds separators, quotes or line breaks, and a quote inside of them twice. The first row names the
/// columns; they are separated by commas, or by the semicolons or tabs that a header without commas has.
/// </summary>
sealed record CsvTable(IReadOnlyList<string> Header, IReadOnlyList<CsvRow> Rows, string Path)
{
    /// <summary>The place of a column; −1 where there is none of that name.</summary>
    public int Find(string name) => Header.Index().Where(c => c.Item == name).Select(c => c.Index).FirstOrDefault(-1);

    /// <exception cref="UserError">There is none, or more than one.</exception>
    public int Column(string name) => Header.Count(c => c == name) switch
    {
        1 => Find(name),
        0 => throw new UserError($"there is no column '{JsonFields.Short(name)}'", $"{Path}, line 1", $"The columns are {JsonFields.Short(string.Join(", ", Header))}."),
        _ => throw new UserError($"two columns are called '{JsonFields.Short(name)}'", $"{Path}, line 1", "Rename one of them."),
    };

    /// <exception cref="UserError">A quote is not closed, or a row has more or fewer fields than the header; it is named.</exception>
    public static CsvTable Read(string text, string path)
    {
        List<(List<string> Fields, int Line)> records = Records(text, path);
        if (records.Count == 0)
        {
            throw new UserError("the file holds no prompts", path, "A table begins with a row that names its columns.");
        }

        List<string> header = records[0].Fields;
        List<CsvRow> rows = [];
        foreach ((List<string> fields, int line) in records.Skip(1))
        {
            string where = $"{path}, line {line}";
            rows.Add(fields.Count == header.Count ? new(fields, where) : throw new UserError($"the row has {fields.Count} fields, and the header has {header.Count}", where, "Put quotes around fields that hold separators or line breaks."));
        }

        return new(header, rows, path);
    }

    static char Separator(string text)
    {
        ReadOnlySpan<char> header = text.AsSpan(0, text.IndexOf('\n', StringComparison.Ordinal) is >= 0 and var end ? end : text.Length);
        return header.Contains(',') ? ',' : header.Contains('\t') ? '\t' : header.Contains(';') ? ';' : ',';
    }

    static List<(List<string> Fields, int Line)> Records(string text, string path)
    {
        char separator = Separator(text);
        List<(List<string>, int)> records = [];
        List<string> fields = [];
        StringBuilder field = new();
        int line = 1, begun = 1;
        bool quoted = false;
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (c == '"' && field.Length == 0 && !quoted)
            {
                i = Quoted(text, i + 1, field, ref line, path);
                quoted = true;
            }
            else if (c == separator)
            {
                fields.Add(Take(field, ref quoted));
            }
            else if (c == '\n' || (c == '\r' && i + 1 < text.Length && text[i + 1] == '\n'))
            {
                i += c == '\r' ? 1 : 0;
                End(records, fields, field, ref quoted, begun);
                fields = [];
                begun = ++line;
            }
            else if (quoted)
            {
                throw new UserError("a field goes on behind its closing quote", $"{path}, line {line}", "Write a quote inside of quotes twice.");
            }
            else
            {
                field.Append(c);
            }
        }

        End(records, fields, field, ref quoted, begun);
        return records;
    }

    /// <summary>Reads up to the closing quote.</summary>
    /// <returns>Where that is.</returns>
    static int Quoted(string text, int at, StringBuilder field, ref int line, string path)
    {
        int opened = line;
        for (; at < text.Length; at++)
        {
            if (text[at] == '"')
            {
                if (at + 1 >= text.Length || text[at + 1] != '"')
                {
                    return at;
                }

                at++;
            }

            line += text[at] == '\n' ? 1 : 0;
            field.Append(text[at]);
        }

        throw new UserError("a quote is opened and never closed", $"{path}, line {opened}", "The file may be cut off; write a quote inside of quotes twice.");
    }

    static string Take(StringBuilder field, ref bool quoted)
    {
        string text = field.ToString();
        field.Clear();
        quoted = false;
        return text;
    }

    /// <summary>Takes the record up; an empty line is none.</summary>
    static void End(List<(List<string>, int)> records, List<string> fields, StringBuilder field, ref bool quoted, int line)
    {
        if (fields.Count > 0 || field.Length > 0 || quoted)
        {
            fields.Add(Take(field, ref quoted));
            records.Add((fields, line));
        }
    }
}
