namespace Retort.Asking;

/// <summary>How new prompts are grown from seeds.</summary>
/// <param name="To">New prompts wanted.</param>
/// <param name="PerRequest">New ones asked for at a time.</param>
/// <param name="Seeds">A file of prompts to grow from; null for the recipe's own.</param>
/// <param name="Similarity">Jaccard's index of three-word shingles from which on two prompts count as one.</param>
/// <param name="Rounds">Most rounds of <see cref="PromptGrower.Side"/> requests.</param>
/// <param name="Temperature">At which the teacher draws.</param>
/// <param name="Seed">Decides what it is shown.</param>
public sealed record GrowOptions(int To, int PerRequest = 8, string? Seeds = null, double Similarity = 0.7, int Rounds = 50, double Temperature = 1, ulong Seed = 0)
{
    /// <summary>From a recipe's <c>data.grow</c>; null where there is none.</summary>
    /// <param name="absolute">Completes a path.</param>
    public static GrowOptions? Read(YamlFields data, Func<string, string> absolute)
    {
        if (!data.Has("grow"))
        {
            return null;
        }

        YamlFields grow = data.Map("grow");
        grow.Require("to");
        GrowOptions options = new(
            grow.Whole("to", 1, 1, 100_000), grow.Whole("per_request", 8, 1, 100), grow.Text("seeds") is { } file ? absolute(file) : null, grow.Number("similarity", 0.7, 0.05, 1), grow.Whole("rounds", 50, 1, 100_000),
            grow.Number("temperature", 1, 0, 2), (ulong)grow.Whole("seed", 0L, 0, long.MaxValue));
        grow.Close();
        return options;
    }
}
