using System.Text.Json;

namespace Retort.Asking;

/// <summary>Prompts, and what was found in them that should perhaps not be sent anywhere.</summary>
/// <param name="Found">Those that hold personal data or secrets, and of which kinds.</param>
/// <param name="Excludes">Whether those are left out.</param>
public sealed record ScannedPrompts(IReadOnlyList<Prompt> All, IReadOnlyList<(Prompt Prompt, IReadOnlyList<Sensitive> Holds)> Found, bool Excludes)
{
    /// <param name="scan">exclude, report or off.</param>
    public static ScannedPrompts Of(IReadOnlyList<Prompt> prompts, string scan) =>
        new(prompts, scan == "off" ? [] : [.. prompts.Select(p => (p, SensitiveText.In(p.Text))).Where(p => p.Item2.Count > 0)], scan == "exclude");

    /// <summary>What may be sent.</summary>
    public IReadOnlyList<Prompt> Kept
    {
        get
        {
            HashSet<Prompt> leftOut = new(Excludes ? Found.Select(f => f.Prompt) : [], ReferenceEqualityComparer.Instance);
            return [.. All.Where(p => !leftOut.Contains(p))];
        }
    }

    public int LeftOut => Excludes ? Found.Count : 0;

    public IReadOnlyDictionary<Sensitive, int> Kinds => Found.SelectMany(f => f.Holds).CountBy(k => k).ToDictionary();

    /// <summary>JSON lines: where they stand and of what kind, never what was found.</summary>
    public byte[] List() => [.. Found.SelectMany(f => JsonSerializer.SerializeToUtf8Bytes(
        new { where = f.Prompt.Where, holds = f.Holds.Select(h => JsonNamingPolicy.SnakeCaseLower.ConvertName(h.ToString())), left_out = Excludes }).Append((byte)'\n'))];
}
