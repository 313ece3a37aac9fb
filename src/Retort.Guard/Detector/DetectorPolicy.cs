namespace Retort.Guard.Detector;

/// <summary>The section <c>detector</c> of a policy.</summary>
/// <param name="IsShadow">Whether it only says what it would have done: until an owner has seen that, nothing is done to anybody.</param>
/// <param name="Every">How often it looks.</param>
/// <param name="Known">Files of prompts that everybody has, such as benchmarks: what is like them links nobody.</param>
public sealed record DetectorPolicy(bool IsShadow, TimeSpan Every, IReadOnlyList<string> Known)
{
    const int MostSeconds = 86_400;

    internal static DetectorPolicy Of(YamlFields root, string folder)
    {
        YamlFields fields = root.Map("detector");
        DetectorPolicy made = new(
            fields.Choice("mode", "shadow", "shadow", "enforce") == "shadow", TimeSpan.FromSeconds(fields.Number("assess_s", 60, 1, MostSeconds)), [.. (fields.Texts("known") ?? []).Select(f => Path.Combine(folder, f))]);
        fields.Close();
        return made;
    }
}
