using System.Text;

namespace Retort.Evidence.Terms;

/// <summary>The names that members of an enumeration have in files: NoCompetingModels is no-competing-models.</summary>
public static class KebabName
{
    public static string Of<T>(T value)
        where T : struct, Enum
    {
        StringBuilder name = new();
        foreach (char c in value.ToString())
        {
            name.Append(char.IsUpper(c) && name.Length > 0 ? "-" : "").Append(char.ToLowerInvariant(c));
        }

        return name.ToString();
    }

    /// <summary>Every member's name, in the order of declaration.</summary>
    public static string[] All<T>()
        where T : struct, Enum => [.. Enum.GetValues<T>().Select(Of)];

    /// <param name="name">One of <see cref="All"/>; a caller's bug throws.</param>
    public static T Parse<T>(string name)
        where T : struct, Enum => Enum.GetValues<T>().First(v => Of(v) == name);
}
