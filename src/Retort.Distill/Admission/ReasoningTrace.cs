namespace Retort.Distill;

/// <summary>What a model wrote to itself before its reply.</summary>
public static class ReasoningTrace
{
    static readonly string[] s_names = ["think", "thinking", "thought", "reasoning"];

    /// <summary>
    /// Parts an answer after the blocks it begins with, as &lt;think&gt;…&lt;/think&gt;, and the white space behind them. Where a template opens the
    /// block in the question, the answer has its end alone. Tags further on are part of the reply.
    /// </summary>
    /// <returns>Trace and reply, which together are the answer; null where a block never ends.</returns>
    public static (string Trace, string Reply)? Split(string answer)
    {
        int end = 0;
        while (Opening(answer.AsSpan(end)) is { } name)
        {
            int close = answer.IndexOf($"</{name}>", end, StringComparison.Ordinal);
            if (close < 0)
            {
                return null;
            }

            end = close + name.Length + 3;
        }

        if (end == 0)
        {
            end = s_names.Select(n => (At: answer.IndexOf($"</{n}>", StringComparison.Ordinal), Length: n.Length + 3, Opens: answer.IndexOf($"<{n}>", StringComparison.Ordinal)))
                .Where(c => c.At >= 0 && (c.Opens < 0 || c.Opens > c.At)).Select(c => c.At + c.Length).DefaultIfEmpty(0).Min();
        }

        while (end > 0 && end < answer.Length && char.IsWhiteSpace(answer[end]))
        {
            end++;
        }

        return (answer[..end], answer[end..]);
    }

    /// <summary>Reasoning that came apart from its reply, as a block before it.</summary>
    public static string Block(string reasoning) => $"<think>\n{reasoning.Trim()}\n</think>\n\n";

    /// <summary>The block that a text begins with, after white space.</summary>
    static string? Opening(ReadOnlySpan<char> text)
    {
        foreach (string name in s_names)
        {
            if (text.TrimStart() is ['<', .. var rest] && rest.StartsWith(name, StringComparison.Ordinal) && rest[name.Length..] is ['>', ..])
            {
                return name;
            }
        }

        return null;
    }
}
