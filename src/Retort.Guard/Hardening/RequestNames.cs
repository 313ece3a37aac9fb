using System.Text;

namespace Retort.Guard.Hardening;

/// <summary>Names of fields as texts.</summary>
static class RequestNames
{
    const int MostShown = 64;

    static readonly System.Collections.Frozen.FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> s_known = RequestFieldNames.Known.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>The same object for a name that is known.</summary>
    public static string Text(ReadOnlySpan<char> name) => s_known.TryGetValue(name, out string? known) ? known : name.ToString();

    /// <summary>A name for an error's sentence: not long, and without what a terminal would obey.</summary>
    public static string Shown(ReadOnlySpan<byte> name)
    {
        string text = Encoding.UTF8.GetString(name);
        return string.Concat((text.Length > MostShown ? text[..MostShown] + "…" : text).Where(c => !char.IsControl(c)));
    }
}
