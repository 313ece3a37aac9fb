namespace Retort.Guard.Limits;

/// <summary>What models' tokens cost, for limits in money: the section <c>prices</c> of a policy, dollars for a million tokens.</summary>
public sealed record ModelPrices(IReadOnlyList<ModelPrices.Entry> Entries)
{
    const decimal PicoPerUsd = 1e12m, Million = 1_000_000;

    const double MostUsd = 1e5;

    const long MostTokens = 1_000_000_000_000;

    /// <param name="Model">A name; one that ends with a star stands for all that begin so.</param>
    public sealed record Entry(string Model, decimal Prompt, decimal Completion);

    /// <summary>Whether every model has a price.</summary>
    public bool HasAny => Entries.Any(e => e.Model == "*");

    /// <summary>What an answer costs in millionths of a millionth of a dollar, the next whole one up; the longest name that fits counts. 0 where nothing has a price.</summary>
    public long Of(string model, long promptTokens, long completionTokens)
    {
        // More tokens than any answer has, and far from where the sum would overflow.
        (promptTokens, completionTokens) = (Math.Min(promptTokens, MostTokens), Math.Min(completionTokens, MostTokens));
        Entry? best = null;
        foreach (Entry entry in Entries)
        {
            if ((entry.Model.EndsWith('*') ? model.StartsWith(entry.Model.AsSpan(0, entry.Model.Length - 1), StringComparison.Ordinal) : entry.Model == model) && entry.Model.Length >= (best?.Model.Length ?? 0))
            {
                best = entry;
            }
        }

        return best is null ? 0 : (long)decimal.Ceiling(Math.Min(((promptTokens * best.Prompt) + (completionTokens * best.Completion)) / Million * PicoPerUsd, long.MaxValue / 4));
    }

    internal static ModelPrices Of(YamlFields root)
    {
        List<Entry> entries = [];
        foreach (YamlFields price in root.Maps("prices"))
        {
            price.Require("model");
            price.Require("prompt");
            price.Require("completion");
            entries.Add(new(price.Text("model") ?? "", (decimal)price.Number("prompt", 0, 0, MostUsd), (decimal)price.Number("completion", 0, 0, MostUsd)));
            price.Close();
        }

        return new(entries);
    }
}
