using System.Globalization;

namespace Retort.Distill;

/// <summary>Values of a recipe as YAML of one line.</summary>
static class YamlValue
{
    public static string Of(IFormattable value) => value.ToString(null, CultureInfo.InvariantCulture);

    public static string Of(bool value) => value ? "true" : "false";

    public static string List(IEnumerable<string> texts) => $"[{string.Join(", ", texts.Select(RecipeText.Quote))}]";

    /// <summary>Without what is null.</summary>
    public static string Map(params IEnumerable<(string Key, string? Value)> fields) => $"{{{string.Join(", ", fields.Where(f => f.Value is not null).Select(f => $"{f.Key}: {f.Value}"))}}}";
}
