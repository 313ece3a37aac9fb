using Retort.Distill;

namespace Retort.Tests.Distill;

public class ModelCardTests
{
    [Fact]
    public void ItSaysWhatTheRunFoundAndHowToRunTheModel()
    {
        string card = ModelCard.Write(SampleReport.Create(), "student", "bf16", []);
        string[] head = card.Split("---\n")[1].Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.All(head, line => Assert.Matches("^([a-z_]+:( \\S+)?|- \\S+)$", line));
        Assert.Contains("pipeline_tag: text-generation", head);
        Assert.Contains("**BEATS.**", card, StringComparison.Ordinal);
        Assert.Contains("| Cross entropy | 1.187", card, StringComparison.Ordinal);
        Assert.Contains("| q8_0 | ", card, StringComparison.Ordinal);
        foreach (string command in (string[])["retort serve student", "llama-cli -m student.gguf", "ollama run student"])
        {
            Assert.Contains(command, card, StringComparison.Ordinal);
        }

        Assert.DoesNotContain("\r", card, StringComparison.Ordinal);
    }

    [Fact]
    public void WithoutATeacherItPromisesNothing()
    {
        string card = ModelCard.Write(SampleReport.WithoutTeacher(), "student", "bf16", []);
        Assert.Contains("without a teacher", card, StringComparison.Ordinal);
        Assert.DoesNotContain("BEATS", card, StringComparison.Ordinal);
        Assert.DoesNotContain("twin", card, StringComparison.Ordinal);
    }
}
