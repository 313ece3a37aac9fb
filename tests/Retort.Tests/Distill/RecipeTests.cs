using Retort.Distill;
using Retort.Model;
using Retort.Model.Llama;

namespace Retort.Tests.Distill;

public sealed class RecipeTests : IDisposable
{
    const string Good = "teacher: t\nstudent:\n  shape: {hidden: 16, layers: 1, heads: 2}\ndata:\n  sample: tales\n";

    const string Signs = " :-[]{}\n09azt\"'&*!|>%@";

    readonly string _folder = Directory.CreateTempSubdirectory("retort-recipe").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    Recipe Read(string yaml, params string[] changes)
    {
        string path = Path.Combine(_folder, "r.yaml");
        File.WriteAllText(path, yaml);
        return RecipeFile.Read(path, changes, ["tales"]);
    }

    [Fact]
    public void DefaultsAreATwinAndFiveSeeds()
    {
        Recipe recipe = Read(Good);
        Assert.True(recipe.Twin is { EqualCompute: true });
        Assert.Equal(5, recipe.Train.Seeds.Count);
        Assert.Equal(1f, recipe.Loss.ForwardKl);
        Assert.Equal("live", recipe.Signal.Kind);
        Assert.Equal(Path.Combine(_folder, "t"), recipe.Teacher);
    }

    [Fact]
    public void AnAdapterHasDefaultsAndItsFaultsAreNamed()
    {
        const string From = "student: {from: m, lora: {}}\ndata: {sample: tales}\n";
        LoraRecipe lora = ((StudentRecipe.From)Read(From).Student).Lora!;
        Assert.Equal((new LoraOptions(16, 32, LoraOptions.AllTargets), "bf16"), (lora.Adapter, lora.Base));
        lora = ((StudentRecipe.From)Read(From, "student.lora.rank=4", "student.lora.targets=[up_proj, q_proj, up_proj]", "student.lora.base=q8_0").Student).Lora!;
        Assert.Equal((new LoraOptions(4, 8, [LoraTarget.Query, LoraTarget.Up]), "q8_0"), (lora.Adapter, lora.Base));
        string Fault(string yaml, params string[] changes) => Assert.Throws<UserError>(() => Read(yaml, changes)).What;
        Assert.Contains("student.lora.targets must be all-linear or a list of q_proj", Fault(From, "student.lora.targets=lm_head"), StringComparison.Ordinal);
        Assert.Contains("student.lora.base must be one of bf16, q8_0, not 'q4_0'", Fault(From, "student.lora.base=q4_0"), StringComparison.Ordinal);
        Assert.Contains("student.lora.rank must be a whole number from 1", Fault(From, "student.lora.rank=0"), StringComparison.Ordinal);
        Assert.Contains("student.lora needs from", Fault(Good, "student.lora={rank: 4}"), StringComparison.Ordinal);
    }

    [Fact]
    public void ATasksFaultsAreNamed()
    {
        TaskRecipe task = Read(Good, "task.labels=[yes, no]").Task!;
        Assert.Equal(["yes", "no"], ((Retort.Model.Grammars.AnswerForm.Labels)task.Form).Texts);
        Assert.Equal((null, 0.95), (task.SchemaFile, task.Agree));
        Assert.Equal(("gold", 200), (Read(Good, "task.labels=[yes, no]").Evaluate.Metric, Read(Good, "task.labels=[yes, no]").Evaluate.GoldItems));
        File.WriteAllText(Path.Combine(_folder, "s.json"), """{"type": "object", "properties": {"a": {"type": "string", "pattern": "x"}}}""");
        string Fault(params string[] changes) => Assert.Throws<UserError>(() => Read(Good, changes)).What;
        Assert.Contains("task.labels or schema is needed", Fault("task.agree=0.9"), StringComparison.Ordinal);
        Assert.Contains("task.labels or schema is needed", Fault("task.labels=[a, b]", "task.schema=s.json"), StringComparison.Ordinal);
        Assert.Contains("task.labels must be at least two different texts", Fault("task.labels=[a, a]"), StringComparison.Ordinal);
        Assert.Contains("task.schema cannot be kept to while answers are written", Fault("task.schema=s.json"), StringComparison.Ordinal);
        Assert.Contains("task.agree must be a number", Fault("task.labels=[a, b]", "task.agree=0"), StringComparison.Ordinal);
        Assert.Contains("task.lables is not a key here", Fault("task.lables=[a, b]"), StringComparison.Ordinal);
    }

    [Fact]
    public void ChangesGoBeforeTheFile()
    {
        Recipe recipe = Read(Good, "train.tokens=5_000", "train.seeds=[7, 8]", "signal={kind: top_k, k: 3}");
        Assert.Equal(5000, recipe.Train.Tokens);
        Assert.Equal([7, 8], recipe.Train.Seeds);
        Assert.Equal(3, recipe.Signal.K);
    }

    [Theory]
    [InlineData("", true, true)]
    [InlineData("twin: true\n", true, true)]
    [InlineData("twin: {}\n", true, true)]
    [InlineData("twin: {equal_compute: true}\n", true, true)]
    [InlineData("twin: {equal_compute: false}\n", true, false)]
    [InlineData("twin: false\n", false, false)]
    [InlineData("twin: {equal_compute: false}\n", true, true, "twin=true")]
    [InlineData("twin: {equal_compute: true}\n", false, false, "twin=false")]
    [InlineData("twin: true\n", true, false, "twin.equal_compute=false")]
    [InlineData("", true, false, "twin.equal_compute=false")]
    [InlineData("twin: {equal_compute: false}\n", false, false, "twin.equal_compute=true", "twin=false")]
    public void ATwinIsOnOffOrDescribed(string yaml, bool twin, bool equalCompute, params string[] changes)
    {
        TwinRecipe? read = Read(Good + yaml, changes).Twin;
        Assert.Equal((twin, equalCompute), (read is not null, read?.EqualCompute ?? false));
        Assert.Null(Read(Good.Replace("teacher: t\n", "").Replace("heads: 2}", "heads: 2}\n  train_tokenizer: 300") + yaml, changes).Twin);
    }

    [Fact]
    public void APathTypedAtThePromptStartsFromThere() =>
        Assert.Equal(Path.GetFullPath("some/model"), Read(Good, "teacher=some/model").Teacher);

    [Theory]
    [InlineData(Good + "trian: {}\n", "line 6", "did you mean train")]
    [InlineData(Good + "train:\n  tokens: many\n", "line 7", "whole number")]
    [InlineData(Good + "train:\n  context: 100\n", "line 7", "multiple of 32")]
    [InlineData(Good + "loss:\n  forward_kl: 0\n", "", "above 0")]
    [InlineData(Good + "loss: {reverse_kl: 1}\nsignal: {kind: top_k}\n", "line 7", "forward_kl")]
    [InlineData("student:\n  shape: {hidden: 16}\ndata: {sample: tales}\n", "", "train_tokenizer is needed")]
    [InlineData(Good + "data: {sample: tales}\n", "line", "")]
    [InlineData("teacher: t\nstudent: 5\ndata: {sample: tales}\n", "line 2", "mapping")]
    [InlineData("teacher: t\nstudent: {shape: {heads: 3, key_value_heads: 2}}\ndata: {sample: tails}\n", "line 3", "must be one of tales")]
    [InlineData(Good + "twin: {equal_computer: true}\n", "line 6", "twin.equal_computer is not a key here; did you mean equal_compute?")]
    [InlineData(Good + "twin: maybe\n", "line 6", "twin must be true or false")]
    [InlineData(Good + "twin: [true]\n", "line 6", "twin must be a text")]
    [InlineData("teacher: [\n", "line", "not YAML")]
    public void AFaultIsNamedWithItsLine(string yaml, string where, string what)
    {
        UserError error = Assert.Throws<UserError>(() => Read(yaml));
        Assert.Contains(where, error.Message, StringComparison.Ordinal);
        Assert.Contains(what, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void EveryFaultIsNamedAtOnce()
    {
        UserError error = Assert.Throws<UserError>(() => Read(Good + "twinn: true\ntrain:\n  rows: 0\n  seeds: [1, 1]\n"));
        Assert.Contains("twinn", error.What, StringComparison.Ordinal);
        Assert.Contains("train.rows", error.What, StringComparison.Ordinal);
        Assert.Contains("train.seeds", error.What, StringComparison.Ordinal);
    }

    [Fact]
    public void AnyMutationIsAcceptedOrExplained()
    {
        RandomStream random = new(4);
        string full = Good + "loss: {forward_kl: 0.5, cross_entropy: 0.5, temperature: 2}\ntrain:\n  tokens: 1000\n  rate: [0.1, 0.2]\nexport: {type: bf16}\n";
        for (int i = 0; i < 2000; i++)
        {
            char[] text = full.ToCharArray();
            for (int edits = 1 + random.NextInt(3); edits > 0; edits--)
            {
                text[random.NextInt(text.Length)] = (char)(random.NextInt(8) == 0 ? random.NextInt(300) : Signs[random.NextInt(Signs.Length)]);
            }

            try
            {
                Read(new string(text));
            }
            catch (UserError)
            {
            }
        }
    }
}
