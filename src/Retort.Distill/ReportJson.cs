using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Unicode;

namespace Retort.Distill;

/// <summary>report.json: snake_case names in the order of the records, indented, numbers in full precision.</summary>
public static class ReportJson
{
    static readonly ReportJsonContext Context = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
        Encoder = JavaScriptEncoder.Create(UnicodeRanges.All),
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        NewLine = "\n",
    });

    public static string Write(RunReport report) => JsonSerializer.Serialize(report, Context.RunReport) + "\n";

    /// <param name="where">Names the file in an error.</param>
    /// <exception cref="UserError">The text is not a report.</exception>
    public static RunReport Read(string json, string where)
    {
        try
        {
            return JsonSerializer.Deserialize(json, Context.RunReport) ?? throw new UserError("holds null, not a report", where, "Run `retort distill` again to write it.");
        }
        catch (JsonException e)
        {
            throw new UserError($"not a report of this version: line {e.LineNumber + 1}, {e.Path}", where, "Run `retort distill` again to write it.");
        }
    }
}

[JsonSourceGenerationOptions(UseStringEnumConverter = true)]
[JsonSerializable(typeof(RunReport))]
sealed partial class ReportJsonContext : JsonSerializerContext;
