using System.Text;
using Retort.Asking;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Asking.Prompts;

public sealed class PromptFileTests : IDisposable
{
    readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    static IReadOnlyList<Prompt> Read(string path, string? system) => PromptFile.Read(path, new(system)).Prompts;

    [Fact]
    public void PromptsAndConversations()
    {
        IReadOnlyList<Prompt> prompts = Read(
            _scratch.Write(
                "p.jsonl",
                """
                {"prompt": "a", "gold": 4}

                {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "b"}, {"role": "assistant", "content": "c"}, {"role": "user", "content": "d"}], "gold": "e"}
                """),
            "be brief");
        Assert.Equal(["system be brief", "user a"], prompts[0].Turns.Select(t => $"{t.Role} {t.Text}"));
        Assert.Equal(["system s", "user b", "assistant c", "user d"], prompts[1].Turns.Select(t => $"{t.Role} {t.Text}"));
        Assert.Equal(["4", "e"], prompts.Select(p => p.Gold));
        Assert.EndsWith("p.jsonl, line 3", prompts[1].Where, StringComparison.Ordinal);
        Assert.Equal(["{a", "b"], Read(_scratch.Write("p.txt", "{a\n\nb\n"), null).Select(p => p.Turns.Single().Text));
    }

    [Fact]
    public void AFileForFineTuningGivesItsAnswersAsGold()
    {
        Prompt prompt = Assert.Single(Read(_scratch.Write("p.jsonl", """{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}"""), null));
        Assert.Equal(("a", "b"), (prompt.Turns.Single().Text, prompt.Gold));
    }

    [Fact]
    public void TurnsAreAskedOneAfterAnother()
    {
        Prompt prompt = Assert.Single(Read(_scratch.Write("p.jsonl", """{"turns": ["a", "b", "c"], "gold": ["x", "y"]}"""), "s"));
        Assert.Equal(["system s", "user a"], prompt.Turns.Select(t => $"{t.Role} {t.Text}"));
        Assert.Equal(["b", "c"], prompt.Later);
        Assert.Equal("""["x", "y"]""", prompt.Gold);
        Assert.Equal("s\na\nb\nc", prompt.Text);
    }

    /// <summary>What a fine-tuning file may hold beside text is left out and counted, with its line.</summary>
    [Fact]
    public void RowsThatCannotBeAskedAreCounted()
    {
        PromptSet set = PromptSet.Read([_scratch.Write("p.jsonl", """
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]}
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:"}}]}]}
            {"messages": [{"role": "user", "content": "c"}, {"role": "assistant", "content": null, "tool_calls": [{"id": "1"}]}, {"role": "tool", "content": "d"}]}
            {"prompt": " "}
            """), _scratch.Write("q.txt", "e")], new());
        Assert.Equal(["a\nb", "e"], set.Prompts.Select(p => p.Turns[0].Text));
        Assert.Equal("2 prompts from 2 files: 1 from p.jsonl (JSON lines), 1 from q.txt (plain text)", set.Lines().First());
        Assert.StartsWith("3 rows hold no prompt: 1 × a message holds more than text, 1 × a tool is called, 1 × the prompt is empty; the first at ", set.Lines().Last(), StringComparison.Ordinal);
        Assert.Contains("p.jsonl, line 2 · ", set.Lines().Last(), StringComparison.Ordinal);
        Assert.Contains("'data.format'".Trim('\''), Assert.Throws<UserError>(() => PromptFile.Read(_scratch.Write("p.bin", "hello"), new())).Message, StringComparison.Ordinal);
        Assert.Contains("no file of prompts is a table", Assert.Throws<UserError>(() => PromptSet.Read([_scratch["q.txt"]], new(Template: "{a}"))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "holds no prompts")]
    [InlineData("{", "no JSON")]
    [InlineData("[]", "no JSON object")]
    [InlineData("{\"prompt\": 4}", "no \"prompt\"")]
    [InlineData("{\"messages\": []}", "no \"messages\"")]
    [InlineData("{\"messages\": [{\"role\": \"robot\", \"content\": \"a\"}]}", "not understood")]
    [InlineData("{\"messages\": [{\"role\": \"assistant\", \"content\": \"a\"}]}", "nothing to answer")]
    public void WhatIsNoneIsNamedWithItsLine(string text, string what)
    {
        UserError error = Assert.Throws<UserError>(() => Read(_scratch.Write("p.jsonl", text.Length == 0 ? "" : "{\"prompt\": \"a\"}\n" + text), null));
        Assert.Contains(what.Replace("no \"messages\"", "are no \"messages\"", StringComparison.Ordinal), error.Message, StringComparison.Ordinal);
        Assert.Contains(text.Length == 0 ? "p.jsonl:" : "line 2", error.Message, StringComparison.Ordinal);
    }

    /// <summary>Ten thousand damaged files are read or refused in a sentence.</summary>
    [Fact]
    public void DamagedFiles()
    {
        const string Good = "{\"prompt\": \"a\", \"gold\": [1]}\n{\"messages\": [{\"role\": \"user\", \"content\": \"b\"}]}\n";
        Random random = new(5);
        int read = 0;
        for (int i = 0; i < 10_000; i++)
        {
            byte[] bytes = random.Next(2) == 0 ? Encoding.UTF8.GetBytes(Good) : [.. "{\"prompt\": \"a\"}\n"u8, .. JsonMutation.Of("{\"messages\": [{\"role\": \"user\", \"content\": \"b\"}], \"gold\": \"x\"}"u8, random)];
            for (int change = random.Next(3); change > 0; change--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            try
            {
                Assert.NotEmpty(Read(_scratch.Write("p.jsonl", bytes), null));
                read++;
            }
            catch (UserError error)
            {
                Assert.Contains("p.jsonl", error.Where, StringComparison.Ordinal);
            }
        }

        Assert.InRange(read, 500, 9_500);
    }
}
