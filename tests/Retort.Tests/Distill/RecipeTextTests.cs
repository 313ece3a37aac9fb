using System.Text.Json;
using System.Text.RegularExpressions;
using Retort.Distill;

namespace Retort.Tests.Distill;

/// <summary>The resolved recipe of a run folder reads back to the recipe it was written from.</summary>
public sealed partial class RecipeTextTests : IDisposable
{
    const string Shape = "student: {shape: {hidden: 16, layers: 1, heads: 2}}\n", Sample = "data: {sample: tales}\n";

    readonly string _folder = Directory.CreateTempSubdirectory("retort-recipe-text").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    Recipe Read(string yaml, string name = "r.yaml")
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllText(path, yaml);
        return RecipeFile.Read(path, [], ["tales"]);
    }

    static string Facts(Recipe recipe) => JsonSerializer.Serialize<object>(new { recipe, student = (object)recipe.Student, kind = recipe.Student.GetType().Name });

    [Theory]
    [InlineData("teacher: t\n" + Shape + Sample)]
    [InlineData("student: {shape: {hidden: 16, heads: 2, family: qwen3, head_size: 6, key_value_heads: 1, tied_head: false}, train_tokenizer: 300}\n" + Sample)]
    [InlineData("teacher: t\nstudent: {teacher_layers: [0, 2, 5]}\ndata: {text: [a.txt, ../b.txt], mask_prompts: false}\n")]
    [InlineData("teacher: t\nstudent: {from: some/model}\ndata: {prompts: p.jsonl}\ntwin: false\n")]
    [InlineData("teacher: t\nstudent: {from: some/model, lora: {}}\ndata: {prompts: p.jsonl}\ntrain: {checkpointing: true}\n")]
    [InlineData("student: {from: m, lora: {rank: 7, alpha: 10.5, targets: [v_proj, q_proj], dropout: 0.1, rslora: true, base: q8_0}}\n" + Sample)]
    [InlineData("teacher: t\n" + Shape + Sample + "twin: {equal_compute: false}\n")]
    [InlineData("teacher: t\nteacher_tokenizer: tok.bin\n" + Shape + "data: {teacher_samples: 70, sample_temperature: 0.7, seed: 9}\nsignal: {kind: live}\nloss: {reverse_kl: 0.1, jensen_shannon: 0.3, beta: 0.2}\n")]
    [InlineData("teacher: t\n" + Shape + Sample + "loss: {forward_kl: 1}\ntrain: {on_policy: {share: 0.25, max_tokens: 77, temperature: 0.9}}\n")]
    [InlineData("teacher: t\n" + Shape + Sample + "signal: {kind: top_k, k: 7, tail: sample}\nloss: {cross_entropy: 0.2, forward_kl: 0.8, temperature: 1.7}\n")]
    [InlineData("teacher: t\n" + Shape + Sample + "signal: {kind: text}\nloss: {cross_entropy: 1}\n")]
    [InlineData("teacher: t\n" + Shape + Sample + "train: {tokens: 123_456_789, rate: [1e-9, 0.1, 0.30000000000000004], seeds: [3, 1000000000000000], schedule: warmup_stable_decay, decay: 0.33, warmup: 0, floor: 1, weight_decay: 0.1, clip: 1e-6, beta1: 0.99999, beta2: 0.999999}\n")]
    [InlineData("teacher: t\n" + Shape + Sample + "evaluate: {metric: gold, currency: \"it's €, #1: {x}\", price_per_core_hour: 0.1}\nexport: {type: f32, name: a b, notices: n.txt, licences: [l.txt, m.txt]}\nterms: {teacher: a, student: b, permissions: [p.yaml]}\n")]
    [InlineData("teacher: https://host/v1#model\nteacher_tokenizer: tok.json\n" + Shape + "data: {prompts: [a.jsonl, b.txt], scan: report}\n")]
    [InlineData("teacher: https://host/v1#model\nstudent: {from: m}\ndata: {prompts: a.jsonl}\ntwin: {prompts: [own.jsonl]}\nask: {key: A_KEY, system: \"it's\", reuse: runs/x, max_tokens: 5, temperature: 0.25, top_p: 0.5, n: 3, seed: -4, stop: [a, \"\\n\"], top_logprobs: 7, timeout: 2.5}\nadmit: {finish: [stop, length], pattern: {must: '^a'}, near_duplicate: off, reasoning: mask, gold: {kind: number, tolerance: 0.1}, judge: {model: \"https://j/v1#x\", rubric: good, threshold: 7, terms: b, price: {prompt: 1, completion: 2}}, contamination: {sets: [e], exclude: 8}}\nmoney: {ceiling: 1.25, prompt: 0.1, completion: 2, since: 2026-01-31, source: x}\npace: {requests_per_minute: 7, tokens_per_minute: 900, in_flight: 3, attempts: 2}\n")]
    [InlineData("name: \"a\\tb\\nc \\\"d\\\" \\\\ 'e' \\u2028 \\x7f 🦉\"\n" + Shape + "teacher: \"t: x\"\n" + Sample)]
    [InlineData("name: ' true '\n" + Shape + "teacher: '- &a *b !c'\n" + Sample)]
    public void ReadsBackToTheSameRecipe(string yaml)
    {
        Recipe recipe = Read(yaml);
        string text = RecipeText.Of(recipe);
        Directory.CreateDirectory(Path.Combine(_folder, "elsewhere"));
        Recipe again = Read(text, Path.Combine("elsewhere", "recipe.yaml"));
        Assert.Equal(Facts(recipe), Facts(again));
        Assert.Equal(text, RecipeText.Of(again));
    }

    /// <summary>A key that RecipeFile learns and this text does not would silently fall back to its default; the fault of an unknown key lists them all.</summary>
    [Theory]
    [InlineData("", "teacher_tokenizer task")]
    [InlineData("task", "schema")]
    [InlineData("student", "teacher_layers from lora train_tokenizer")]
    [InlineData("student.lora", "")]
    [InlineData("student.shape", "")]
    [InlineData("data", "text prompts teacher_samples scan")]
    [InlineData("loss", "")]
    [InlineData("signal", "")]
    [InlineData("train", "")]
    [InlineData("twin", "prompts text")]
    [InlineData("evaluate", "")]
    [InlineData("export", "notices licences")]
    public void SpellsOutEveryKey(string section, string alternatives)
    {
        string path = Path.Combine(_folder, "r.yaml"), yaml = "teacher: t\n" + (section == "student.lora" ? "student: {from: m, lora: {}}\n" : Shape) + Sample + (section == "task" ? "task: {labels: [a, b]}\n" : "");
        File.WriteAllText(path, yaml);
        UserError error = Assert.Throws<UserError>(() => RecipeFile.Read(path, [$"{(section.Length > 0 ? section + "." : "")}there_is_no_such_key=1"], ["tales"]));
        string[] known = [.. Known().Match(error.What).Groups[1].Value.Split(", ").Except(alternatives.Split(' '))];
        Assert.NotEmpty(known);
        string text = RecipeText.Of(Read(yaml)), written = section.Contains('.', StringComparison.Ordinal) ? text[text.IndexOf(section.Split('.')[1] + ":", StringComparison.Ordinal)..].Split('\n')[0]
            : section.Length == 0 ? string.Join('\n', text.Split('\n').Where(l => !l.StartsWith(' ')))
            : text[(text.IndexOf($"\n{section}:", StringComparison.Ordinal) + 1)..].Split("\n").Skip(1).TakeWhile(l => l.StartsWith(' ')).Aggregate((a, b) => a + "\n" + b);
        Assert.All(known, key => Assert.Matches($@"(?m)(^|[{{ ]){key}:", written));
    }

    [GeneratedRegex("there_is_no_such_key is not a key here; known are ([a-z0-9_, ]+)")]
    private static partial Regex Known();
}
