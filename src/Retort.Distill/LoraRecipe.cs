using Retort.Model.Llama;

namespace Retort.Distill;

/// <summary>Train an adapter on the student's frozen weights instead of the weights themselves.</summary>
/// <param name="Base">"bf16" or "q8_0": how the frozen weights are held.</param>
public sealed record LoraRecipe(LoraOptions Adapter, string Base)
{
    const string AllLinear = "all-linear";

    internal static LoraRecipe? Read(YamlFields l)
    {
        int rank = l.Whole("rank", 16, 1, LoraOptions.MostRank);
        LoraRecipe made = new(
            new(rank, l.Number("alpha", 2 * rank, 1e-6, 1e6), Targets(l), l.Number("dropout", 0, 0, 0.99), l.Flag("rslora", false)), l.Choice("base", "bf16", "bf16", "q8_0"));
        l.Close();
        return l.Present ? made : null;
    }

    /// <summary>The targets as a recipe lists them.</summary>
    internal IReadOnlyList<string> TargetNames => Adapter.Targets.Count == LoraOptions.AllTargets.Count ? [AllLinear] : [.. Adapter.Targets.Select(LoraOptions.NameOf)];

    static IReadOnlyList<LoraTarget> Targets(YamlFields l)
    {
        HashSet<LoraTarget> targets = [];
        foreach (string name in l.Texts("targets") ?? [AllLinear])
        {
            if (name == AllLinear)
            {
                targets.UnionWith(LoraOptions.AllTargets);
            }
            else if (LoraOptions.TargetOf(name) is { } target)
            {
                targets.Add(target);
            }
            else
            {
                l.Fault("targets", $"must be {AllLinear} or a list of {string.Join(", ", LoraOptions.Names)}, not '{name}'");
            }
        }

        return [.. targets.Order()];
    }
}
