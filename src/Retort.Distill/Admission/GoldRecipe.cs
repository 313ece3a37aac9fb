namespace Retort.Distill;

/// <summary>How answers are checked against the right ones that questions come with, and wrong ones rejected.</summary>
/// <param name="Kind">exact, words, number, json or code.</param>
/// <param name="Tolerance">Of numbers; null for the rule of <see cref="NumberText.Is"/>.</param>
/// <param name="Fields">Of JSON: the members that count, as a.b; null for the whole value.</param>
/// <param name="Keep">all right answers to a question, or the first.</param>
/// <param name="Code">How code is run; null unless the kind is code.</param>
public sealed record GoldRecipe(string Kind, double? Tolerance, IReadOnlyList<string>? Fields, string Keep, CodeRecipe? Code)
{
    internal static GoldRecipe? Read(YamlFields gold)
    {
        if (!gold.Present)
        {
            return null;
        }

        gold.Require("kind");
        string kind = gold.Choice("kind", "exact", "exact", "words", "number", "json", "code");
        GoldRecipe recipe = new(kind, gold.Has("tolerance") ? gold.Number("tolerance", 0, 0, 1) : null, gold.Texts("fields"), gold.Choice("keep", "all", "all", "first"), CodeRecipe.Read(gold, kind == "code"));
        foreach ((string key, string of) in ((string, string)[])[("tolerance", "number"), ("fields", "json"), ("runner", "code"), ("seconds", "code"), ("memory", "code")])
        {
            if (gold.Has(key) && kind != of)
            {
                gold.Fault(key, $"is for kind: {of}");
            }
        }

        gold.Close();
        return recipe;
    }

    internal string Value() => YamlValue.Map(
        ("kind", Kind), ("tolerance", Tolerance is { } tolerance ? YamlValue.Of(tolerance) : null), ("fields", Fields is null ? null : YamlValue.List(Fields)), ("keep", Keep), ("runner", RecipeText.Quote(Code?.Runner)),
        ("seconds", Code is { } code ? YamlValue.Of(code.Seconds) : null), ("memory", Code is { } limited ? YamlValue.Of(limited.Memory) : null));
}

/// <summary>
/// How an answer's code is run with its question's tests. This runs what a model wrote: with a limit of time and memory, next to no environment, in a folder of
/// its own and, where the system lets us, without a network, but with this user's right to read and write files. It is done only where a recipe names the runner.
/// </summary>
/// <param name="Runner">node or python3, or a path of one.</param>
/// <param name="Seconds">Of processor time, and half as many again of waiting.</param>
/// <param name="Memory">MiB.</param>
public sealed record CodeRecipe(string Runner, int Seconds, int Memory)
{
    internal static CodeRecipe? Read(YamlFields gold, bool wanted)
    {
        string? runner = gold.Text("runner");
        CodeRecipe recipe = new(runner ?? "", gold.Whole("seconds", 10, 1, 600), gold.Whole("memory", 512, 64, 1 << 16));
        if (wanted && runner is null)
        {
            gold.Fault("kind", "code runs what a model wrote: name gold.runner (node or python3) where that is wanted");
        }

        if (runner is not null && !recipe.IsNode && !recipe.IsPython)
        {
            gold.Fault("runner", $"must be node or python3, or a path of one, not '{runner}'");
        }

        return wanted && runner is not null ? recipe : null;
    }

    internal bool IsNode => Path.GetFileNameWithoutExtension(Runner) == "node";

    internal bool IsPython => Path.GetFileName(Runner).StartsWith("python", StringComparison.Ordinal);
}
