namespace Retort.Distill;

/// <summary>How English refusals begin. A guess by words, so it is looked at only where a recipe says so; the endpoint's own word for a refusal is not.</summary>
static class RefusalOpening
{
    static readonly string[] s_openings =
    [
        "i'm sorry, but i can't", "i'm sorry, but i cannot", "i'm sorry, i can't", "i'm sorry, i cannot", "i am sorry, but i can't", "i am sorry, but i cannot", "sorry, but i can't", "sorry, but i cannot", "sorry, i can't", "sorry, i cannot",
        "i apologize, but i can't", "i apologize, but i cannot", "i can't help with", "i cannot help with", "i can't assist with", "i cannot assist with", "i can't comply", "i cannot comply", "i can't provide", "i cannot provide",
        "i'm unable to", "i am unable to", "i'm not able to", "i am not able to", "i won't be able to", "i must decline", "i have to decline", "as an ai language model, i can't", "as an ai language model, i cannot",
    ];

    /// <summary>The opening an answer has; null where it has none.</summary>
    public static string? Of(string answer)
    {
        string begin = answer.TrimStart().Replace('’', '\'');
        return s_openings.FirstOrDefault(o => begin.StartsWith(o, StringComparison.OrdinalIgnoreCase));
    }
}
