using System.Text.RegularExpressions;

namespace Retort.Distill;

/// <summary>What a recipe's <c>admit</c> comes to once its files are read.</summary>
public sealed class AdmissionRules
{
    AdmissionRules(AdmitRecipe recipe, AnswerSchema? schema, Contamination? contamination) =>
        (Recipe, Schema, Contamination, Must, MustNot) = (recipe, schema, contamination, Expressions(recipe.Must), Expressions(recipe.MustNot));

    public static AdmissionRules Default { get; } = new(new(), null, null);

    public AdmitRecipe Recipe { get; }

    internal AnswerSchema? Schema { get; }

    /// <summary>What the answers are to be; null where they may be any text.</summary>
    internal TaskForm? Task { get; private init; }

    internal Contamination? Contamination { get; }

    internal IReadOnlyList<Regex> Must { get; }

    internal IReadOnlyList<Regex> MustNot { get; }

    /// <param name="evaluated">Sets that the recipe evaluates by itself, such as its held-out questions.</param>
    /// <exception cref="UserError">A file cannot be read, or is not what it is meant to be.</exception>
    public static AdmissionRules Of(AdmitRecipe recipe, params IEnumerable<EvaluationSet> evaluated)
    {
        // Files of two folders may bear one name.
        EvaluationSet[] sets = [.. evaluated.Concat(recipe.Contamination.Sets.SelectMany(EvaluationSet.Read)).GroupBy(s => s.Name, StringComparer.Ordinal).SelectMany(g => g.Select((s, i) => i == 0 ? s : s with { Name = $"{s.Name} ({i + 1})" }))];
        return new(recipe, recipe.Schema is { } schema ? AnswerSchema.Read(schema) : null, sets.Length > 0 ? new(sets, recipe.Contamination.Grams) : null);
    }

    /// <summary>The same for answers to one task.</summary>
    public AdmissionRules For(TaskForm? task) => new(Recipe, Schema, Contamination) { Task = task };

    static Regex[] Expressions(IEnumerable<string> all) => [.. all.Select(e => Patterns.Read(e) ?? throw new ArgumentException($"{e} is no regular expression"))];
}

/// <summary>What admission goes by beside the answers and the recipe: taken before, so that admission itself asks nobody and runs nothing.</summary>
/// <param name="Gold">Right answers, or for code tests, by the question's hash.</param>
/// <param name="Code">What became of answers' code, by the answer's id.</param>
/// <param name="Judged">The judge's verdicts, by the answer's id.</param>
public sealed record AdmissionEvidence(IReadOnlyDictionary<string, string> Gold, IReadOnlyDictionary<string, CodeVerdict> Code, IReadOnlyDictionary<string, JudgeVerdict> Judged)
{
    public static AdmissionEvidence None { get; } = new(new Dictionary<string, string>(), new Dictionary<string, CodeVerdict>(), new Dictionary<string, JudgeVerdict>());
}
