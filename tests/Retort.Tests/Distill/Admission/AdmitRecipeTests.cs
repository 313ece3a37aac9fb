using Retort.Distill;
using YamlDotNet.RepresentationModel;

namespace Retort.Tests.Distill;

public class AdmitRecipeTests
{
    const string Full = """
        admit:
          finish: [stop, length]
          refusal: keep
          refusal_phrases: true
          min_characters: 2
          max_characters: 4_000
          schema: answer.json
          pattern: {must: ['^a', "it's"], must_not: 'b$'}
          near_duplicate: 0.9
          reasoning: mask
          gold: {kind: code, runner: node, seconds: 5, memory: 256, keep: first}
          judge: {model: 'https://judge.example/v1#big', rubric: rubric.md, threshold: 7.5, scale: 10, best_of: true, key: JUDGE_KEY, max_tokens: 300, concurrency: 4, samples: 3, terms: house, price: {prompt: 0.25, completion: 2}}
          contamination: {sets: [a.jsonl, folder], grams: [13, 8], exclude: 8}
        """;

    static (AdmitRecipe Recipe, List<string> Faults) Read(string yaml)
    {
        List<string> faults = [];
        YamlFields root = new(YamlText.Parse(yaml, "r.yaml", lines: true), "", new(faults, new HashSet<YamlNode>()));
        AdmitRecipe recipe = AdmitRecipe.Read(root.Map("admit"), f => "/r/" + f);
        root.Close();
        return (recipe, faults);
    }

    static string Text(AdmitRecipe recipe) => "admit:\n" + string.Concat(recipe.Fields().Where(f => f.Value is not null).Select(f => $"  {f.Key}: {f.Value}\n"));

    [Fact]
    public void DefaultsAreOn()
    {
        AdmitRecipe recipe = Read("").Recipe;
        Assert.Equal(["stop"], recipe.Finish);
        Assert.Equal((false, false, 1, 0.8, "keep", 13), (recipe.KeepRefusals, recipe.RefusalPhrases, recipe.MinCharacters, recipe.NearDuplicate!.Value, recipe.Reasoning, recipe.Contamination.Exclude!.Value));
        Assert.Null(recipe.Gold);
        Assert.Null(recipe.Judge);
        Assert.Null(Read("admit: {near_duplicate: off}").Recipe.NearDuplicate);
        Assert.Null(Read("admit: {contamination: {exclude: none}}").Recipe.Contamination.Exclude);
        Assert.Equal(6, Read("admit: {contamination: {grams: [5, 6]}}").Recipe.Contamination.Exclude);
    }

    [Fact]
    public void EveryKeyIsRead()
    {
        (AdmitRecipe recipe, List<string> faults) = Read(Full);
        Assert.Empty(faults);
        Assert.Equal((true, true, 2, 4000, "/r/answer.json", 0.9, "mask"), (recipe.KeepRefusals, recipe.RefusalPhrases, recipe.MinCharacters, recipe.MaxCharacters!.Value, recipe.Schema, recipe.NearDuplicate!.Value, recipe.Reasoning));
        Assert.Equal(["^a", "it's"], recipe.Must);
        Assert.Equal(["b$"], recipe.MustNot);
        Assert.Equal(new GoldRecipe("code", null, null, "first", new("node", 5, 256)), recipe.Gold);
        Assert.Equal(new JudgeRecipe(new("https://judge.example/v1", "big"), "/r/rubric.md", 7.5, 10, true, "JUDGE_KEY", 300, 4, 3, null, "house", new(0.25m, 2, DateOnly.MinValue, null)), recipe.Judge);
        Assert.Equal(["/r/a.jsonl", "/r/folder"], recipe.Contamination.Sets);
    }

    [Fact]
    public void TheReadMesExampleIsRead()
    {
        string text = File.ReadAllText(Repository.PathOf("README.md"));
        int at = text.IndexOf("\nadmit:", StringComparison.Ordinal) + 1;
        (AdmitRecipe recipe, List<string> faults) = Read(text[at..text.IndexOf("```", at, StringComparison.Ordinal)]);
        Assert.Empty(faults);
        Assert.Equal(("number", "rubric.md"), (recipe.Gold!.Kind, Path.GetFileName(recipe.Judge!.Rubric)));
    }

    [Theory]
    [InlineData("")]
    [InlineData(Full)]
    [InlineData("admit: {gold: {kind: number, tolerance: 0.001}, near_duplicate: off, judge: {model: 'http://127.0.0.1:1/v1#m', rubric: \"Two\\nlines, it's\", threshold: 1}}")]
    [InlineData("admit: {gold: {kind: json, fields: [a.b, 'c, d']}, contamination: {exclude: none}}")]
    public void TheTextReadsBackToTheSameRecipe(string yaml)
    {
        AdmitRecipe recipe = Read(yaml).Recipe;
        string text = Text(recipe);
        List<string> faults = [];
        AdmitRecipe again = AdmitRecipe.Read(new YamlFields(YamlText.Parse(text, "r.yaml", lines: true), "", new(faults, new HashSet<YamlNode>())).Map("admit"), f => f);
        Assert.Empty(faults);
        Assert.Equal(text, Text(again));
        Assert.Equal((recipe.Judge, recipe.Gold?.Code, recipe.Gold?.Tolerance, recipe.NearDuplicate, recipe.Schema, recipe.MaxCharacters), (again.Judge, again.Gold?.Code, again.Gold?.Tolerance, again.NearDuplicate, again.Schema, again.MaxCharacters));
    }

    [Theory]
    [InlineData("{finnish: [stop]}", "admit.finnish is not a key here; did you mean finish?")]
    [InlineData("{refusal: drop}", "admit.refusal must be one of exclude, keep, not 'drop'")]
    [InlineData("{min_characters: 5, max_characters: 4}", "admit.max_characters is less than min_characters, 5")]
    [InlineData("{near_duplicate: 2}", "admit.near_duplicate must be a number from 0.05 to 1, not '2'")]
    [InlineData("{pattern: {must: '('}}", "admit.pattern.must is no regular expression: (")]
    [InlineData("{gold: {}}", "admit.gold.kind is missing")]
    [InlineData("{gold: {kind: code}}", "code runs what a model wrote: name gold.runner")]
    [InlineData("{gold: {kind: code, runner: bash}}", "admit.gold.runner must be node or python3, or a path of one, not 'bash'")]
    [InlineData("{gold: {kind: number, runner: node}}", "admit.gold.runner is for kind: code")]
    [InlineData("{gold: {kind: exact, tolerance: 0.1}}", "admit.gold.tolerance is for kind: number")]
    [InlineData("{judge: {model: a/b, rubric: r, threshold: 7}}", "admit.judge.model must be an endpoint")]
    [InlineData("{judge: {model: 'https://a/v1', rubric: r, threshold: 7}}", "admit.judge.model is no endpoint: the endpoint names no model")]
    [InlineData("{judge: {model: 'https://a/v1#m', rubric: r, threshold: 11}}", "admit.judge.threshold must be a number from 0 to 10, not '11'")]
    [InlineData("{judge: {model: 'https://a/v1#m', threshold: 7}}", "admit.judge.rubric is missing")]
    [InlineData("{contamination: {grams: [13, 8], exclude: 9}}", "admit.contamination.exclude must be none or one of the lengths in grams, 13, 8, not '9'")]
    [InlineData("[1]", "admit must be a mapping of keys and values")]
    public void FaultsAreNamed(string admit, string fault) => Assert.Contains(Read($"admit: {admit}").Faults, f => f.Contains(fault, StringComparison.Ordinal));

    [Fact]
    public void NoRecipeBreaksTheReader()
    {
        Random random = new(2);
        int good = 0;
        for (int i = 0; i < 5000; i++)
        {
            try
            {
                (AdmitRecipe recipe, List<string> faults) = Read(YamlMutation.Of(Full, ["finish", "pattern", "schema", "gold", "judge", "contamination", "near_duplicate", "x"], random));
                Assert.Equal(Text(recipe), Text(recipe));
                good += faults.Count == 0 ? 1 : 0;
            }
            catch (UserError e)
            {
                Assert.StartsWith("r.yaml", e.Where, StringComparison.Ordinal);
            }
        }

        Assert.InRange(good, 100, 4900);
    }
}
