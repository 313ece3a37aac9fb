using Retort.Asking;

namespace Retort.Distill;

/// <summary>Another model that scores answers by a rubric.</summary>
/// <param name="Model">Whom to ask.</param>
/// <param name="Rubric">What it goes by, in words, or a .md or .txt file that holds them.</param>
/// <param name="Threshold">The least score that is admitted.</param>
/// <param name="Scale">The best score; the worst is 0.</param>
/// <param name="BestOf">Whether of the admitted answers to one question the best alone stays.</param>
/// <param name="Key">The environment variable that holds its key; null where none is sent.</param>
/// <param name="MaxTokens">Most tokens of a verdict.</param>
/// <param name="InFlight">Most requests under way at a time.</param>
/// <param name="Samples">Verdicts on one answer, whose mean counts.</param>
/// <param name="Temperature">Null for the endpoint's own.</param>
/// <param name="Terms">The entry of the terms register that is said to apply; null where the endpoint's own is meant.</param>
/// <param name="Price">What its tokens cost; null where a table says.</param>
public sealed record JudgeRecipe(Endpoint Model, string Rubric, double Threshold, double Scale, bool BestOf, string? Key, int MaxTokens, int InFlight, int Samples, double? Temperature, string? Terms, Price? Price)
{
    internal static JudgeRecipe? Read(YamlFields judge, Func<string, string> absolute)
    {
        if (!judge.Present)
        {
            return null;
        }

        judge.Require("model");
        judge.Require("rubric");
        judge.Require("threshold");
        string? model = judge.Text("model");
        Endpoint endpoint = model is null ? new("", "") : Parse(judge, model);
        double scale = judge.Number("scale", 10, 1, 1000);
        int samples = judge.Whole("samples", 1, 1, 32);
        YamlFields price = judge.Map("price");
        JudgeRecipe recipe = new(
            endpoint, judge.Text("rubric") is { } rubric ? IsFile(rubric) ? absolute(rubric) : rubric : "", judge.Number("threshold", scale, 0, scale), scale, judge.Flag("best_of", false), judge.Text("key"), judge.Whole("max_tokens", 512, 1, 1 << 20),
            judge.Whole("concurrency", 16, 1, 4096), samples, judge.Has("temperature") ? judge.Number("temperature", 0, 0, 2) : samples == 1 ? 0 : null, judge.Text("terms"),
            price.Present ? new((decimal)price.Number("prompt", 0, 0, 1e6), (decimal)price.Number("completion", 0, 0, 1e6), DateOnly.MinValue, null) : null);
        price.Close();
        judge.Close();
        return recipe;
    }

    /// <summary>The rubric's words.</summary>
    /// <exception cref="UserError">Its file cannot be read, or is empty.</exception>
    public string ReadRubric()
    {
        string text = IsFile(Rubric) ? TextFile.Read(Rubric, 1 << 20).Trim() : Rubric;
        return text.Length > 0 ? text : throw new UserError("the rubric is empty", Rubric, "Say in it what makes an answer good.");
    }

    internal string Value() => YamlValue.Map(
        ("model", RecipeText.Quote(Model.ToString())), ("rubric", RecipeText.Quote(Rubric)), ("threshold", YamlValue.Of(Threshold)), ("scale", YamlValue.Of(Scale)), ("best_of", YamlValue.Of(BestOf)), ("key", RecipeText.Quote(Key)),
        ("max_tokens", YamlValue.Of(MaxTokens)), ("concurrency", YamlValue.Of(InFlight)), ("samples", YamlValue.Of(Samples)), ("temperature", Temperature is { } t ? YamlValue.Of(t) : null), ("terms", RecipeText.Quote(Terms)),
        ("price", Price is { } p ? YamlValue.Map(("prompt", YamlValue.Of(p.Prompt)), ("completion", YamlValue.Of(p.Completion))) : null));

    static bool IsFile(string rubric) => !rubric.Contains('\n', StringComparison.Ordinal) && (rubric.EndsWith(".md", StringComparison.OrdinalIgnoreCase) || rubric.EndsWith(".txt", StringComparison.OrdinalIgnoreCase));

    static Endpoint Parse(YamlFields judge, string model)
    {
        if (!Endpoint.Is(model))
        {
            judge.Fault("model", "must be an endpoint, as https://host/v1#model; retort serve makes one of a model on disk");
            return new("", "");
        }

        try
        {
            return Endpoint.Parse(model);
        }
        catch (UserError e)
        {
            judge.Fault("model", $"is no endpoint: {e.What}");
            return new("", "");
        }
    }
}
