using System.Text.RegularExpressions;
using Retort.Model;

namespace Retort.Guard.Replay;

/// <summary>Says a prompt in other words, by rules: another opening, other verbs and nouns for the usual ones, sentences in another order, other punctuation.</summary>
static partial class Paraphrase
{
    static readonly string[] s_before = ["", "Please ", "Could you ", "I need you to ", "Can you help me? ", "Task: ", "Hi, ", "For my project, "];

    static readonly string[] s_after = ["", " Thanks!", " Explain briefly.", " Show your work.", " Answer in full sentences.", " Keep it short."];

    /// <summary>Words any of which may stand for any other of their row.</summary>
    static readonly string[][] s_same =
    [
        ["write", "create", "make", "build", "produce", "develop", "compose"], ["find", "determine", "work out", "identify"], ["calculate", "compute"], ["function", "method", "routine"],
        ["program", "script", "application"], ["given", "following", "provided"], ["list", "array", "sequence"], ["how many", "what number of"], ["how much", "what amount of"], ["total", "sum", "overall amount"],
        ["generate", "come up with", "give me"], ["explain", "describe"], ["each", "every"], ["buys", "purchases", "gets"], ["has", "owns"], ["sentence", "statement"], ["string", "text"], ["using", "with", "by means of"],
        ["number", "value", "figure"], ["print", "output", "display"], ["code", "source code"], ["example", "instance"], ["remove", "delete"], ["check", "test", "verify"], ["day", "weekday"], ["money", "cash"], ["costs", "is priced at"],
    ];

    static readonly Dictionary<string, string[]> s_row = s_same.SelectMany(r => r.Select(w => (w, r))).DistinctBy(p => p.w).ToDictionary(p => p.w, p => p.r);

    public static string Of(string prompt, RandomStream random)
    {
        string words = Usual().Replace(prompt, m => s_row.TryGetValue(m.Value.ToLowerInvariant(), out string[]? row) && random.NextInt(3) > 0 ? row[random.NextInt(row.Length)] : m.Value);
        List<string> sentences = [.. Sentence().Split(words).Where(s => s.Length > 0)];
        if (sentences.Count > 3)
        {
            // What is asked stays last; two sentences before it change places.
            int at = random.NextInt(sentences.Count - 2);
            (sentences[at], sentences[at + 1]) = (sentences[at + 1], sentences[at]);
        }

        string before = s_before[random.NextInt(s_before.Length)], text = string.Join(' ', sentences);
        return before + (before.Length > 0 && before[^2] is not '?' and not ':' && text.Length > 1 ? char.ToLowerInvariant(text[0]) + text[1..] : text) + s_after[random.NextInt(s_after.Length)];
    }

    [GeneratedRegex(@"\b(how many|how much|work out|come up with|give me|[a-z]+)\b", RegexOptions.ExplicitCapture | RegexOptions.IgnoreCase, 1000)]
    private static partial Regex Usual();

    [GeneratedRegex(@"(?<=[.!?])\s+(?=[A-Z])", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Sentence();
}
