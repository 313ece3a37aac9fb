using System.Text;
using Retort.Asking;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Asking.Prompts;

/// <summary>Damaged files of every kind: prompts or a sentence that names the file, never anything else.</summary>
public sealed class PromptFuzzTests : IDisposable
{
    const string Rows = """
        {"prompt": "a", "gold": "b"}
        {"turns": ["a", "b"]}
        {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": [{"type": "text", "text": "c"}]}, {"role": "assistant", "content": "d"}]}
        """;

    const string Table = "a,b,gold\n\"x \"\"y\"\",\nz\",2,3\nplain,\"\",\nlast,5,6\n";

    const string LangfuseTable = "id,type,input,output\n1,GENERATION,\"[{\"\"role\"\": \"\"user\"\", \"\"content\"\": \"\"a\"\"}]\",c\n2,SPAN,x,y\n";

    readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Theory]
    [InlineData(Rows, "p.jsonl", null)]
    [InlineData(LogPromptsTests.ChatGpt, "p.json", null)]
    [InlineData(LogPromptsTests.Langfuse, "p.json", null)]
    [InlineData(LogPromptsTests.Capture, "p.jsonl", null)]
    [InlineData(LogPromptsTests.Har, "p.har", null)]
    [InlineData(Table, "p.csv", "{{ {a} and {b}")]
    [InlineData(LangfuseTable, "p.csv", null)]
    [InlineData("one\ntwo\n", "p.txt", null)]
    public void DamagedFiles(string good, string name, string? template)
    {
        Random random = new(17);
        int read = 0, refused = 0;
        for (int i = 0; i < 4_000; i++)
        {
            string path = _scratch.Write(name, Damaged(good, random));
            PromptFormat? format = random.Next(10) == 0 ? (PromptFormat)random.Next(7) : null;
            try
            {
                PromptSet set = PromptSet.Read([path], new(random.Next(2) == 0 ? "s" : null, format, template, null));
                Assert.NotEmpty(set.Prompts);
                Assert.All(set.Prompts, p => Assert.Equal("user", p.Turns[^1].Role));
                Assert.All(set.Prompts, p => Assert.StartsWith(path, p.Where, StringComparison.Ordinal));
                Assert.All(set.Prompts, p => Assert.NotEmpty(new Question(new("https://a/v1", "b"), p.Turns, new()).Body()));
                Assert.All(set.Lines(), l => Assert.DoesNotContain('\n', l));
                read++;
            }
            catch (UserError error)
            {
                Assert.True(error.Where.StartsWith(path, StringComparison.Ordinal) || error.Where == "data.template", error.Message);
                refused++;
            }
        }

        Assert.True(read > 200 && refused > 200, $"{read} read, {refused} refused");
    }

    static byte[] Damaged(string good, Random random)
    {
        string text = good;
        if (good[0] is '{' or '[' && random.Next(2) == 0)
        {
            // One of its values changed in its structure: by lines where each is one, else the whole.
            string[] lines = good.Split('\n');
            int at = random.Next(lines.Length);
            text = good[0] == '[' || good.StartsWith("{\"log", StringComparison.Ordinal) ? JsonMutation.Of(good, random)
                : JsonRows.Inside(lines[at]) is not null ? string.Join('\n', lines.Select((l, i) => i == at ? JsonMutation.Of(l, random) : l))
                : good;
        }

        byte[] bytes = Encoding.UTF8.GetBytes(text);
        switch (random.Next(8))
        {
            case 0:
                return bytes[..random.Next(bytes.Length + 1)];
            case 1:
                for (int change = random.Next(1, 4); change > 0; change--)
                {
                    bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
                }

                return bytes;
            case 2:
                int place = random.Next(bytes.Length);
                return [.. bytes[..place], .. random.Next(4) switch { 0 => "\\ud800"u8, 1 => "\0"u8, 2 => "\""u8, _ => "\n"u8 }, .. bytes[place..]];
            case 3:
                return Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(random.Next(2) == 0 ? "[" : "{\"input\":", random.Next(1, 5000))) + text);
            default:
                return bytes;
        }
    }
}
