namespace Retort.Asking;

/// <summary>How files of prompts are read.</summary>
/// <param name="System">Goes before every conversation that has no system turn; null for none.</param>
/// <param name="Format">What they are; null to recognise each by what it holds.</param>
/// <param name="Template">How columns of a table become a prompt.</param>
/// <param name="Gold">The column of a table that holds right answers.</param>
public sealed record PromptOptions(string? System = null, PromptFormat? Format = null, string? Template = null, string? Gold = null)
{
    /// <summary>From a recipe's <c>data</c>: <c>format</c>, <c>template</c>, <c>gold</c>.</summary>
    public static PromptOptions Read(YamlFields data, string? system) =>
        new(system, data.Has("format") ? PromptFormats.Parse(data.Choice("format", PromptFormats.Names[0], [.. PromptFormats.Names])) : null, data.Text("template"), data.Text("gold"));
}

/// <summary>What a file of prompts holds.</summary>
/// <param name="Prompts">In the file's order.</param>
/// <param name="Without">Rows that hold no prompt.</param>
public sealed record PromptFile(string Path, PromptFormat Format, IReadOnlyList<Prompt> Prompts, IReadOnlyList<PromptRow.Nothing> Without)
{
    /// <exception cref="UserError">The file cannot be read, is of no format known here, or holds no prompt at all; a line at fault is named.</exception>
    public static PromptFile Read(string path, PromptOptions options)
    {
        string text = TextFile.Read(path);
        (PromptFormat format, IEnumerable<PromptRow> rows) = Rows(text, path, options);
        List<Prompt> prompts = [];
        List<PromptRow.Nothing> without = [];
        foreach (PromptRow row in rows)
        {
            if (row is PromptRow.Asks { Prompt: var prompt })
            {
                if (string.IsNullOrWhiteSpace(prompt.Turns[^1].Text))
                {
                    without.Add(new("the prompt is empty", prompt.Where));
                    continue;
                }

                prompts.Add(options.System is null || prompt.Turns[0].Role is "system" or "developer" ? prompt : prompt with { Turns = [new("system", options.System), .. prompt.Turns] });
            }
            else
            {
                without.Add((PromptRow.Nothing)row);
            }
        }

        return prompts.Count > 0 ? new(path, format, prompts, without)
            : without.Count > 0 ? throw new UserError($"the file, taken for {format.Word()}, holds no prompts: {without[0].Why}", without[0].Where, $"Check that this is the right file, or say what it is with data.format: {string.Join(", ", PromptFormats.Names)}.")
            : throw new UserError("the file holds no prompts", path, "Give JSON lines, each an object with \"prompt\", \"messages\" or \"turns\", a table, or a .txt file of one prompt a line.");
    }

    static (PromptFormat Format, IEnumerable<PromptRow> Rows) Rows(string text, string path, PromptOptions options)
    {
        string extension = System.IO.Path.GetExtension(path).ToLowerInvariant();
        bool json = text.AsSpan().TrimStart() is ['{' or '[', ..] && extension is not (".txt" or ".csv" or ".tsv");
        switch (options.Format)
        {
            case PromptFormat.Text:
            case null when extension is ".txt":
                return (PromptFormat.Text, Lines(text, path));
            case PromptFormat.Csv:
                return (PromptFormat.Csv, CsvPrompts.Rows(CsvTable.Read(text, path), options.Template, options.Gold));
            case PromptFormat.Langfuse when !json:
                return (PromptFormat.Langfuse, LangfuseExport.Rows(CsvTable.Read(text, path)));
            case null when extension is ".csv" or ".tsv":
                CsvTable table = CsvTable.Read(text, path);
                return options.Template is null && PromptFormats.Of(table.Header) == PromptFormat.Langfuse
                    ? (PromptFormat.Langfuse, LangfuseExport.Rows(table))
                    : (PromptFormat.Csv, CsvPrompts.Rows(table, options.Template, options.Gold));
            case null when !json && extension is not (".json" or ".jsonl" or ".ndjson" or ".har") && !string.IsNullOrWhiteSpace(text):
                throw new UserError("what this file holds is not recognised by its name or its beginning", path, $"Say it with data.format: {string.Join(", ", PromptFormats.Names)}.");
            default:
                IReadOnlyList<JsonRow> rows = JsonRows.Read(text, path);
                PromptFormat format = options.Format ?? rows.Select(r => PromptFormats.Of(r.Json)).FirstOrDefault(f => f is not null) ?? PromptFormat.JsonLines;
                return (format, format switch
                {
                    PromptFormat.ChatGpt => rows.SelectMany(ChatGptExport.Rows),
                    PromptFormat.Langfuse => rows.SelectMany(LangfuseExport.Rows),
                    PromptFormat.Capture => rows.Select(GatewayCapture.One),
                    PromptFormat.Har => rows.SelectMany(HarCapture.Rows),
                    _ => rows.Select(JsonLinesPrompts.One),
                });
        }
    }

    static IEnumerable<PromptRow> Lines(string text, string path) => text.Split('\n').Index().Where(l => !string.IsNullOrWhiteSpace(l.Item))
        .Select(l => new PromptRow.Asks(new([new("user", l.Item.TrimEnd('\r'))], null, $"{path}, line {l.Index + 1}")));
}
