using System.Globalization;

namespace Retort.Distill;

/// <summary>What a recipe's <c>admit</c> says: which answers are trained on.</summary>
public sealed record AdmitRecipe
{
    const string Off = "off";

    /// <summary>Reasons an answer may end for; one that names none is taken for ended.</summary>
    public IReadOnlyList<string> Finish { get; init; } = ["stop"];

    /// <summary>Whether refusals are trained on too.</summary>
    public bool KeepRefusals { get; init; }

    /// <summary>Whether a refusal is also guessed by how an answer begins.</summary>
    public bool RefusalPhrases { get; init; }

    public int MinCharacters { get; init; } = 1;

    public int? MaxCharacters { get; init; }

    /// <summary>A file with the JSON Schema that every answer must satisfy.</summary>
    public string? Schema { get; init; }

    /// <summary>Regular expressions that must match somewhere in an answer, all of them.</summary>
    public IReadOnlyList<string> Must { get; init; } = [];

    /// <summary>Regular expressions none of which may match.</summary>
    public IReadOnlyList<string> MustNot { get; init; } = [];

    /// <summary>From which similarity on a row repeats another; null where repetitions stay.</summary>
    public double? NearDuplicate { get; init; } = 0.8;

    /// <summary>What becomes of the reasoning before an answer: keep, mask or drop.</summary>
    public string Reasoning { get; init; } = "keep";

    public GoldRecipe? Gold { get; init; }

    public JudgeRecipe? Judge { get; init; }

    public ContaminationRecipe Contamination { get; init; } = ContaminationRecipe.Default;

    /// <summary>Reads the mapping; what it leaves out has its default, and so has all of it where there is none.</summary>
    /// <param name="admit">The mapping, whose faults are collected.</param>
    /// <param name="absolute">Makes a path of the recipe's absolute.</param>
    /// <param name="task">Answers are labels or JSON: there is no room for reasoning before them.</param>
    public static AdmitRecipe Read(YamlFields admit, Func<string, string> absolute, bool task = false)
    {
        YamlFields pattern = admit.Map("pattern");
        string? duplicates = admit.Text("near_duplicate");
        AdmitRecipe recipe = new()
        {
            Finish = admit.Texts("finish") ?? ["stop"],
            KeepRefusals = admit.Choice("refusal", "exclude", "exclude", "keep") == "keep",
            RefusalPhrases = admit.Flag("refusal_phrases", false),
            MinCharacters = admit.Whole("min_characters", 1, 0, 1 << 30),
            MaxCharacters = admit.Has("max_characters") ? admit.Whole("max_characters", 1, 1, 1 << 30) : null,
            Schema = admit.Text("schema") is { } schema ? absolute(schema) : null,
            Must = Expressions(pattern, "must"),
            MustNot = Expressions(pattern, "must_not"),
            NearDuplicate = duplicates == Off ? null : admit.Number("near_duplicate", 0.8, 0.05, 1),
            Reasoning = admit.Choice("reasoning", task ? "drop" : "keep", "keep", "mask", "drop"),
            Gold = GoldRecipe.Read(admit.Map("gold")),
            Judge = JudgeRecipe.Read(admit.Map("judge"), absolute),
            Contamination = ContaminationRecipe.Read(admit.Map("contamination"), absolute),
        };
        if (recipe.MaxCharacters < recipe.MinCharacters)
        {
            admit.Fault("max_characters", $"is less than min_characters, {recipe.MinCharacters}");
        }

        if (task && recipe.Reasoning != "drop")
        {
            admit.Fault("reasoning", "must be drop for a task: a label or JSON is all that is written");
        }

        pattern.Close();
        admit.Close();
        return recipe;
    }

    static IReadOnlyList<string> Expressions(YamlFields pattern, string name)
    {
        IReadOnlyList<string> all = pattern.Texts(name) ?? [];
        foreach (string bad in all.Where(e => Patterns.Read(e) is null))
        {
            pattern.Fault(name, $"is no regular expression: {JsonFields.Short(bad)}");
        }

        return all;
    }

    /// <summary>Keys and values as YAML, from which <see cref="Read"/> makes the same recipe.</summary>
    public IReadOnlyList<(string Key, string? Value)> Fields() =>
    [
        ("finish", YamlValue.List(Finish)), ("refusal", KeepRefusals ? "keep" : "exclude"), ("refusal_phrases", YamlValue.Of(RefusalPhrases)), ("min_characters", YamlValue.Of(MinCharacters)), ("max_characters", MaxCharacters is { } most ? YamlValue.Of(most) : null),
        ("schema", RecipeText.Quote(Schema)),
        ("pattern", Must.Count + MustNot.Count == 0 ? null : YamlValue.Map(("must", Must.Count > 0 ? YamlValue.List(Must) : null), ("must_not", MustNot.Count > 0 ? YamlValue.List(MustNot) : null))),
        ("near_duplicate", NearDuplicate is { } similar ? YamlValue.Of(similar) : Off), ("reasoning", Reasoning), ("gold", Gold?.Value()), ("judge", Judge?.Value()), ("contamination", Contamination.Value()),
    ];
}

/// <summary>Against which evaluations answers are compared.</summary>
/// <param name="Sets">Files or folders, beside the recipe's own held-out questions.</param>
/// <param name="Grams">Lengths of n-grams that are looked for, in words.</param>
/// <param name="Exclude">From which length on a shared n-gram excludes a row; null where it is shown alone.</param>
/// <param name="HeldOut">Whether rows to train on are compared with what the run itself tests on.</param>
public sealed record ContaminationRecipe(IReadOnlyList<string> Sets, IReadOnlyList<int> Grams, int? Exclude, bool HeldOut = true)
{
    const string None = "none";

    public static ContaminationRecipe Default { get; } = new([], [13, 8], 13);

    internal static ContaminationRecipe Read(YamlFields fields, Func<string, string> absolute)
    {
        int[] grams = [.. fields.Wholes("grams", [13, 8], 3, 100).Distinct().OrderDescending().Select(g => (int)g)];
        int widest = grams.FirstOrDefault(13);
        string exclude = fields.Text("exclude") ?? widest.ToString(CultureInfo.InvariantCulture);
        int? from = grams.Where(g => g.ToString(CultureInfo.InvariantCulture) == exclude).Select(g => (int?)g).FirstOrDefault();
        if (from is null && exclude != None)
        {
            fields.Fault("exclude", $"must be none or one of the lengths in grams, {string.Join(", ", grams)}, not '{exclude}'");
        }

        ContaminationRecipe recipe = new([.. (fields.Texts("sets") ?? []).Select(absolute)], grams, from, fields.Flag("held_out", true));
        fields.Close();
        return recipe;
    }

    internal string Value() => YamlValue.Map(("sets", Sets.Count > 0 ? YamlValue.List(Sets) : null), ("grams", $"[{string.Join(", ", Grams)}]"), ("exclude", Exclude is { } from ? YamlValue.Of(from) : None), ("held_out", YamlValue.Of(HeldOut)));
}
