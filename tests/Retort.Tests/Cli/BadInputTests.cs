using System.Text.Json;
using Retort.Cli;

namespace Retort.Tests.Cli;

public sealed class BadInputTests : IDisposable
{
    readonly TinyWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Theory]
    [InlineData("distil recipe.yaml", "command line", "no verb 'distil'. Did you mean retort distill?")]
    [InlineData("dance", "command line", "no verb 'dance'. Verbs are init, ")]
    [InlineData("--jsn", "command line", "no option --jsn. Did you mean --json?")]
    [InlineData("bench", "bench", "say what to do. Verbs are kernels, train, generate")]
    [InlineData("bench kernel", "bench", "Did you mean retort bench kernels?")]
    [InlineData("distill", "distill", "RECIPE is missing")]
    [InlineData("distill --resum r.yaml", "distill", "no option --resum. Did you mean --resume?")]
    [InlineData("distill r.yaml --ste a=1", "distill", "no option --ste. Did you mean --set?")]
    [InlineData("distill a.yaml b.yaml", "distill", "'b.yaml' is one argument too many")]
    [InlineData("distill nowhere.yaml", "nowhere.yaml", "no such recipe")]
    [InlineData("generate m", "generate", "--prompt TEXT is missing")]
    [InlineData("generate m --prompt", "--prompt", "a value is missing: TEXT")]
    [InlineData("generate m --prompt a --prompt b", "--prompt", "more than once")]
    [InlineData("generate m --prompt a --seed x", "--seed", "must be a whole number from 0, not 'x'")]
    [InlineData("generate m --prompt a --temperature -1", "--temperature", "must be a number from 0 to 1000, not '-1'")]
    [InlineData("generate m --prompt @m", "m", "no such model")]
    [InlineData("generate some/model --prompt a", "some/model", "retort pull some/model")]
    [InlineData("evaluate m", "evaluate", "one of --text and --prompts is needed")]
    [InlineData("evaluate m --text a --prompts b", "evaluate", "one of --text and --prompts is needed")]
    [InlineData("convert m o --type q4_k", "--type", "a folder cannot hold q4_k")]
    [InlineData("convert m o --type int7", "--type", "no number type 'int7'")]
    [InlineData("convert m o.gguf", "m", "no such model")]
    [InlineData("convert m o.gguf --type q4_k", "--type", "q4_k is read and not written")]
    [InlineData("pull nothing", "pull", "is not the name of a model")]
    [InlineData("pull http://127.0.0.1/f.bin", "pull", "--sha256 HEX is missing")]
    [InlineData("pull http://127.0.0.1/f.bin --sha256 12", "--sha256", "not a SHA-256")]
    [InlineData("bench train --context 32", "bench train", "one of --student and --from is needed")]
    [InlineData("bench train --from nothere", "nothere", "there is no work written down here")]
    [InlineData("bench train --student 64,5,8", "--student", "'64,5,8' is not a shape")]
    [InlineData("bench train --student 64,5,7,7,100,300", "--student", "64 channels do not divide among 7 heads")]
    [InlineData("init --teacher m --student 16,1,2,1 --prompts p", "--student", "'16,1,2,1' is not a shape")]
    [InlineData("init --teacher m --student 16,1,2,1,24", "init", "--prompts FILE is missing")]
    public void IsOneSentenceWithWhereAndAHint(string line, string where, string what) => DoorRun.Of(line.Split(' ')).Refused(where, what);

    [Fact]
    public void AnUnknownRecipeKeyIsNamedWithItsLine() =>
        DoorRun.Of("distill", _world.Recipe("twn: false")).Refused(_world["tiny.yaml"], "line 8: twn is not a key here; did you mean twin?");

    [Fact]
    public void EveryFaultOfARecipeIsNamedAtOnce() =>
        DoorRun.Of("distill", _world.Recipe(), "--set", "train.rows=many", "--set", "loss.forwrd_kl=1").Refused(_world["tiny.yaml"], "did you mean forward_kl?; ").Refused(_world["tiny.yaml"], "train.rows must be a whole number");

    [Theory]
    [InlineData("train.tokens")]
    [InlineData("=5")]
    [InlineData("teacher.x=1")]
    [InlineData("train={")]
    public void AChangeThatIsNone(string change) => DoorRun.Of("distill", _world.Recipe(), "--set", change).Refused("--set", "");

    [Theory]
    [InlineData("teacher: [a\nstudent: {\n")]
    [InlineData("a: b: c\n")]
    [InlineData("a: \"\n")]
    [InlineData("- 1\n")]
    [InlineData("")]
    public void ARecipeThatIsNone(string text)
    {
        File.WriteAllText(_world["none.yaml"], text);
        DoorRun.Of("distill", _world["none.yaml"]).Refused(_world["none.yaml"], "");
    }

    [Fact]
    public void AMissingDataFileIsNamed() => DoorRun.Of("distill", _world.Recipe(), "--set", "data.prompts=gone.jsonl", "--out", _world["run"]).Refused(_world["gone.jsonl"], "no such file");

    [Fact]
    public void AMissingTeacherIsNamed() => DoorRun.Of("distill", _world.Recipe(), "--set", "teacher=gone", "--out", _world["run"]).Refused(Path.GetFullPath("gone"), "no such model");

    [Fact]
    public void AnEmptyTextHasNothingToScore()
    {
        File.WriteAllText(_world["empty.txt"], "");
        DoorRun.Of("evaluate", _world.Teacher, "--text", _world["empty.txt"]).Refused(_world["empty.txt"], "no tokens to score");
    }

    [Fact]
    public void APromptLongerThanTheContextIsRefused() => DoorRun.Of("generate", _world.Teacher, "--prompt", string.Concat(Enumerable.Repeat("Zz! ", 100))).Refused(_world.Teacher, "the model's context is 64");

    [Fact]
    public void WithJsonTheErrorIsTheOneObject()
    {
        DoorRun run = DoorRun.Of("generate", "nowhere", "--prompt", "a", "--json");
        JsonElement error = run.Json.GetProperty("error");
        Assert.Equal((ExitCode.BadInput, "nowhere"), (run.Code, error.GetProperty("where").GetString()));
        Assert.Equal(["what", "where", "hint"], error.EnumerateObject().Select(p => p.Name));
        Assert.Equal("there is no verb 'dance'", DoorRun.Of("dance", "--json").Json.GetProperty("error").GetProperty("what").GetString());
    }
}
