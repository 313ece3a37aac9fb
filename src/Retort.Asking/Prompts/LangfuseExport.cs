using System.Text.Json;

namespace Retort.Asking;

/// <summary>
/// Traces and observations of Langfuse: rows with "input" of a list, of JSON lines, of a page of its interface ("data"), of a downloaded trace
/// ("observations"), or of a table. Of observations those of type GENERATION count, since spans around them repeat what they were given.
/// </summary>
static class LangfuseExport
{
    public static IEnumerable<PromptRow> Rows(JsonRow row)
    {
        if (row.Fault is { } fault)
        {
            return [new PromptRow.Nothing(fault.What.Split(':')[0], row.Where)];
        }

        foreach (string name in (string[])["observations", "data"])
        {
            if (row.Json.ValueKind == JsonValueKind.Object && row.Json.TryGetProperty(name, out JsonElement list) && list.ValueKind == JsonValueKind.Array && list.EnumerateArray().All(i => i.ValueKind == JsonValueKind.Object))
            {
                return list.EnumerateArray().Select((item, i) => One(item, $"{row.Where}, {name} {i + 1}"));
            }
        }

        return [One(row.Json, row.Where)];
    }

    /// <summary>A table's rows, whose inputs are JSON where they are no plain text.</summary>
    public static IEnumerable<PromptRow> Rows(CsvTable table)
    {
        int input = table.Column("input"), type = table.Find("type");
        return table.Rows.Select(row => Given(type < 0 ? null : row.Fields[type], Cell(row.Fields[input]), row.Where));
    }

    static JsonElement Cell(string text) => JsonRows.Inside(text) is { ValueKind: JsonValueKind.String or JsonValueKind.Array or JsonValueKind.Object } json ? json : JsonSerializer.SerializeToElement(text);

    static PromptRow One(JsonElement row, string where) => row.ValueKind != JsonValueKind.Object || !row.TryGetProperty("input", out JsonElement input)
        ? new PromptRow.Nothing("there is no input", where)
        : Given(row.TryGetProperty("type", out JsonElement type) && type.ValueKind == JsonValueKind.String ? type.GetString() : null, input, where);

    static PromptRow Given(string? type, JsonElement input, string where) =>
        type is null or "" || type.Equals("GENERATION", StringComparison.OrdinalIgnoreCase) ? ModelInput.Read(input, where) : new PromptRow.Nothing("an observation that is no generation", where);
}
