using System.Text;

namespace Retort.Tests.Cli;

/// <summary>Recipes that are hostile, foreign or mistyped.</summary>
public sealed class BadRecipeTests : IDisposable
{
    readonly TinyWorld _world = new();

    public void Dispose() => _world.Dispose();

    /// <summary>Ten lines that stand for a billion nodes. They took YamlDotNet three quarters of a minute to compare.</summary>
    static string Bomb => string.Join('\n', ["a: &a [x, x, x, x, x, x, x, x, x]", .. "bcdefghij".Select(c => $"{c}: &{c} [{string.Join(", ", Enumerable.Repeat($"*{(char)(c - 1)}", 9))}]"), "? *j", ": x", "teacher: *j", ""]);

    [Fact]
    public void AliasesAreRefusedBeforeTheyAreFollowed()
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        Refused(Bomb, ", line 2", "the alias *a is not read here");
        Refused("a: &a [*a]\n", ", line 1", "the alias *a is not read here");
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 8 << 20);
        DoorRun.Of("distill", _world.Recipe(), "--set", "data=" + Bomb).Refused("--set", "the alias *a is not read here");
    }

    [Theory]
    [InlineData("[")]
    [InlineData("{a: ")]
    public void DeepNestingIsRefusedBeforeItIsFollowed(string open)
    {
        string deep = string.Concat(Enumerable.Repeat(open, 200_000));
        Refused("teacher: " + deep, ", line 1", "nested more than 16 deep");
        DoorRun.Of("distill", _world.Recipe(), "--set", "teacher=" + deep).Refused("--set", "nested more than 16 deep");
    }

    [Fact]
    public void OtherEncodingsTabsAndDocumentsAreSaid()
    {
        Refused("teacher: x\nstudent:\n\tshape: {hidden: 16}\n", "", "tab", "never with tabs");
        Refused("student: {}\n---\nstudent: {}\n", ", line 2", "a second document begins");
        File.WriteAllBytes(_world["r.yaml"], [.. "name: a\nteacher: caf"u8, 0xE9, .. "\n"u8]);
        DoorRun.Of("distill", _world["r.yaml"]).Refused($"{_world["r.yaml"]}, line 2", "not UTF-8");
        File.WriteAllText(_world["r.yaml"], "name: a\n", Encoding.Unicode);
        DoorRun.Of("distill", _world["r.yaml"]).Refused($"{_world["r.yaml"]}, line 1", "not UTF-8");
        File.WriteAllText(_world["r.yaml"], new string('#', 2 << 20));
        DoorRun.Of("distill", _world["r.yaml"]).Refused(_world["r.yaml"], "more than the 1048576 bytes");
    }

    [Fact]
    public void AByteOrderMarkIsNoFault() => Refused("\uFEFFname: a\nstudent: {}\ndata: {}\n", "", "student.shape or from or teacher_layers is needed");

    [Theory]
    [InlineData("train.rows=many", "--set: train.rows must be a whole number from 1 to 65536, not 'many'")]
    [InlineData("train.seeds=[1.5, 2]", "--set: train.seeds must be a whole number")]
    [InlineData("train.seeds=[1, 1]", "--set: train.seeds must be different numbers")]
    [InlineData("student.teacher_layers=[0, 0.5]", "--set: student.teacher_layers must be a whole number")]
    [InlineData("train.rate=NaN", "--set: train.rate must be a number from")]
    [InlineData("train.rate=[]", "--set: train.rate must not be an empty list")]
    [InlineData("train.seeds=[]", "--set: train.seeds must not be an empty list")]
    [InlineData("data={text: []}", "--set: data.text must not be an empty list")]
    [InlineData("train.rate={a: 1}", "--set: train.rate must be a number")]
    [InlineData("twn=false", "--set: twn is not a key here; did you mean twin?")]
    [InlineData("train.tokns=5", "--set: train.tokns is not a key here; did you mean tokens?")]
    [InlineData("twin=maybe", "--set: twin must be true or false")]
    [InlineData("data=5", "--set: data must be a mapping of keys and values")]
    [InlineData("data.text=[a, [b]]", "--set: data.text must list texts")]
    [InlineData("signal.kind=some", "--set: signal.kind must be one of live, top_k, text, not 'some'")]
    [InlineData("train.tokens=", "--set: train.tokens must be a text")]
    public void AChangeIsBlamedOnTheChange(string change, string what)
    {
        DoorRun run = DoorRun.Of("distill", _world.Recipe(), "--out", _world["run"], "--set", change);
        run.Refused(_world["tiny.yaml"], what);
        Assert.False(Directory.Exists(_world["run"]));
    }

    [Fact]
    public void AFaultOfTheFileKeepsItsLineBesideOneOfAChange() =>
        DoorRun.Of("distill", _world.Recipe("twn: false"), "--set", "train.rows=0").Refused(_world["tiny.yaml"], "--set: train.rows must").Refused(_world["tiny.yaml"], "line 8: twn is not a key here");

    [Theory]
    [InlineData("teacher.x=1", "'teacher' is not a mapping")]
    [InlineData("train={", "this is not YAML")]
    [InlineData("=1", "'=1' is no change")]
    [InlineData("train", "'train' is no change")]
    public void AChangeThatIsNoneIsSaid(string change, string what) => DoorRun.Of("distill", _world.Recipe(), "--set", change).Refused("--set", what);

    void Refused(string text, string where, params string[] whats)
    {
        File.WriteAllText(_world["r.yaml"], text);
        DoorRun run = DoorRun.Of("distill", _world["r.yaml"]);
        Assert.All(whats, what => run.Refused(_world["r.yaml"] + where, what));
    }
}
