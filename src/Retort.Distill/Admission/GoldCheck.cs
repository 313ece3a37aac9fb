using System.Text.Json;
using Retort.Evidence.Statistics;

namespace Retort.Distill;

/// <summary>Whether an answer is the right one.</summary>
static class GoldCheck
{
    /// <summary>What is wrong with it; null where it is right.</summary>
    /// <param name="recipe">Of any kind but code, which <see cref="CodeTests"/> runs.</param>
    public static string? Fault(GoldRecipe recipe, string answer, string gold) => recipe.Kind switch
    {
        "exact" => answer.Trim() == gold.Trim() ? null : $"it is not {JsonFields.Short(gold.Trim())}",
        "words" => PlainWords.Of(answer).Select(w => w.Hash).SequenceEqual(PlainWords.Of(gold).Select(w => w.Hash)) ? null : $"it is not {JsonFields.Short(gold.Trim())}",
        "number" => Number(answer, gold, recipe.Tolerance),
        "json" => Json(answer, gold, recipe.Fields),
        _ => throw new ArgumentOutOfRangeException(nameof(recipe), recipe.Kind, "is not checked here"),
    };

    static string? Number(string answer, string gold, double? tolerance) => (NumberText.Find(answer), NumberText.Find(gold)) switch
    {
        (_, null) => $"the right answer holds no number: {JsonFields.Short(gold)}",
        (null, _) => "it holds no number",
        ({ } own, { } right) => own.Is(right, tolerance) ? null : $"it gives {own}, right is {right}",
    };

    static string? Json(string answer, string gold, IReadOnlyList<string>? fields) => (JsonText.Find(answer), JsonText.Read(gold)) switch
    {
        (_, null) => $"the right answer is no JSON: {JsonFields.Short(gold)}",
        (null, _) => "it holds no JSON",
        ({ } own, { } right) when fields is null => JsonElement.DeepEquals(own, right) ? null : "it is another value",
        ({ } own, { } right) => fields!.FirstOrDefault(f => !Same(Member(own, f), Member(right, f))) is { } other ? $"{other} differs" : null,
    };

    /// <summary>A member that is absent in both is the same.</summary>
    static bool Same(JsonElement? a, JsonElement? b) => a is { } x && b is { } y ? JsonElement.DeepEquals(x, y) : a is null && b is null;

    static JsonElement? Member(JsonElement value, string path)
    {
        foreach (string name in path.Split('.'))
        {
            if (value.ValueKind != JsonValueKind.Object || !value.TryGetProperty(name, out value))
            {
                return null;
            }
        }

        return value;
    }
}
