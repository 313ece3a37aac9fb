namespace Retort.Asking;

/// <summary>Rows of a table filled into a template; without one the column "prompt" as it is.</summary>
static class CsvPrompts
{
    /// <param name="gold">The column of right answers; null for "gold", where there is one.</param>
    /// <exception cref="UserError">The table lacks a column that is named.</exception>
    public static IEnumerable<PromptRow> Rows(CsvTable table, string? template, string? gold)
    {
        if (template is null && table.Find("prompt") < 0)
        {
            throw new UserError("there is no column 'prompt', and the recipe has no template", $"{table.Path}, line 1", $"Say how columns become a prompt, as data.template: \"Translate {{text}} to French\"; the columns are {JsonFields.Short(string.Join(", ", table.Header))}.");
        }

        PromptTemplate filled = new(template ?? "{prompt}");
        Dictionary<string, int> columns = filled.Columns.ToDictionary(c => c, table.Column, StringComparer.Ordinal);
        int right = gold is not null ? table.Column(gold) : table.Find("gold");
        return table.Rows.Select(row => columns.Where(c => string.IsNullOrWhiteSpace(row.Fields[c.Value])).Select(c => c.Key).FirstOrDefault() is { } empty
            ? (PromptRow)new PromptRow.Nothing($"the column '{empty}' is empty", row.Where)
            : new PromptRow.Asks(new([new("user", filled.Fill(c => row.Fields[columns[c]]))], right >= 0 && row.Fields[right].Length > 0 ? row.Fields[right] : null, row.Where)));
    }
}
