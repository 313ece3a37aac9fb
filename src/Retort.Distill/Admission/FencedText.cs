namespace Retort.Distill;

/// <summary>Blocks between lines of three backticks or more.</summary>
static class FencedText
{
    /// <summary>What is in the last block that ends; null without one.</summary>
    public static string? Last(string text) => All(text) is [.., string last] ? last : null;

    /// <summary>A block ends at a line of at least as many backticks and nothing else, as CommonMark has it.</summary>
    public static IReadOnlyList<string> All(string text)
    {
        List<string> blocks = [];
        List<string>? lines = null;
        int fence = 0;
        foreach (string line in text.Split('\n').Select(l => l.TrimEnd('\r')))
        {
            string trimmed = line.TrimStart(' ');
            int ticks = trimmed.Length - trimmed.TrimStart('`').Length;
            if (lines is null)
            {
                fence = ticks;
                lines = ticks >= 3 ? [] : null;
            }
            else if (ticks >= fence && trimmed.Trim().Length == ticks)
            {
                blocks.Add(string.Join('\n', lines));
                lines = null;
            }
            else
            {
                lines.Add(line);
            }
        }

        return blocks;
    }
}
