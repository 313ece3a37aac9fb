using Retort.Cli;

namespace Retort.Tests.Cli;

public class HelpTests
{
    [Theory]
    [InlineData("init", "--teacher")]
    [InlineData("distill", "--set")]
    [InlineData("generate", "--repetition-penalty")]
    [InlineData("evaluate", "--prompts")]
    [InlineData("convert", "--type")]
    [InlineData("pull", "--sha256")]
    [InlineData("terms", "check")]
    [InlineData("terms list", "--register")]
    [InlineData("terms show", "<ID>")]
    [InlineData("terms check", "--permission")]
    [InlineData("terms diff", "<OLD>")]
    [InlineData("ledger", "prove")]
    [InlineData("ledger show", "--entries")]
    [InlineData("ledger prove", "--transcript")]
    [InlineData("ledger verify", "<FOLDER|PROOF>")]
    [InlineData("ledger witness", "--request-time")]
    [InlineData("verify", "--retrain")]
    [InlineData("bench ledger", "--entries")]
    [InlineData("guard", "default_tier")]
    [InlineData("guard accounts", "researcher")]
    [InlineData("guard accounts add", "--purpose")]
    [InlineData("guard accounts list", "--guard")]
    [InlineData("guard accounts show", "<NAME>")]
    [InlineData("guard accounts set", "--linked")]
    [InlineData("guard keys", "rotate")]
    [InlineData("guard keys make", "--expires")]
    [InlineData("guard keys rotate", "--overlap")]
    [InlineData("guard keys revoke", "<KEYID>")]
    [InlineData("guard keys list", "--account")]
    [InlineData("guard terms", "publish")]
    [InlineData("guard terms publish", "<FILE>")]
    [InlineData("guard terms accept", "--by")]
    [InlineData("guard terms list", "--guard")]
    [InlineData("bench guard", "--samples")]
    [InlineData("bench limits", "--tokens")]
    [InlineData("bench", "kernels")]
    [InlineData("bench kernels", "--threads")]
    [InlineData("bench train", "--student")]
    [InlineData("bench generate", "--prompt-tokens")]
    public void EveryVerbExplainsItselfWithAnExample(string verb, string mentions)
    {
        DoorRun run = DoorRun.Of([.. verb.Split(' '), "--help"]);
        Assert.Equal((ExitCode.Done, ""), (run.Code, run.Error));
        Assert.Contains(mentions, run.Output, StringComparison.Ordinal);
        Assert.Contains("--json", run.Output, StringComparison.Ordinal);
        string examples = run.Output[run.Output.IndexOf("\nExample", StringComparison.Ordinal)..];
        Assert.Contains($"\n  retort {verb}", examples, StringComparison.Ordinal);
    }

    [Fact]
    public void DefaultsAreShown() => Assert.Matches(@"--max-tokens <N>.*\[default: 256\]", DoorRun.Of("generate", "--help").Output);

    [Fact]
    public void WithoutAVerbTheVerbsAreListed()
    {
        DoorRun run = DoorRun.Of();
        Assert.Equal((ExitCode.Done, ""), (run.Code, run.Error));
        Assert.All(["init", "distill", "generate", "evaluate", "convert", "pull", "bench"], verb => Assert.Contains($"\n  {verb}", run.Output, StringComparison.Ordinal));
    }

    [Fact]
    public void VersionIsOneLine() => Assert.Matches(@"\Aretort \d+\.\d+\.\d+\n\z", DoorRun.Of("--version").Output);
}
