using System.Text.RegularExpressions;
using Retort.Model;

namespace Retort.Guard.Replay;

/// <summary>
/// Makes variants of a prompt as those do who stretch a list: other numbers, names, programming languages and things in the same sentence. It knows nothing
/// of how a detector takes prompts apart.
/// </summary>
static partial class SlotFilling
{
    static readonly string[] s_names =
    [
        "Liam", "Emma", "Noah", "Olivia", "Ava", "Ethan", "Sophia", "Mason", "Mia", "Lucas", "Amelia", "Logan", "Harper", "Elijah", "Evelyn", "Carter", "Aria", "Oliver", "Chloe",
        "Jack", "Ella", "Henry", "Lily", "Leo", "Zoe", "Owen", "Nora", "Caleb", "Hazel", "Priya", "Arjun", "Mei", "Hiro", "Fatima", "Omar", "Ingrid", "Sven", "Lucia", "Mateo",
    ];

    static readonly string[] s_languages = ["Python", "JavaScript", "Java", "C++", "Ruby", "Go", "PHP", "C#", "Swift", "Kotlin", "Rust", "TypeScript", "Scala", "Perl"];

    static readonly string[] s_things = ["apples", "oranges", "books", "pens", "cookies", "marbles", "stickers", "flowers", "eggs", "cards", "pencils", "balloons", "cupcakes", "toys", "bottles", "tickets"];

    /// <summary>A list of different prompts, in no order.</summary>
    /// <param name="most">How many; fewer where the prompts have nothing to fill.</param>
    public static string[] List(IReadOnlyList<string> prompts, int most, RandomStream random)
    {
        const int Rounds = 100;
        List<string> list = [];
        HashSet<string> seen = new(StringComparer.Ordinal);
        for (int round = 0; round < Rounds && list.Count < most; round++)
        {
            foreach (string prompt in prompts)
            {
                string next = round == 0 ? prompt : Fill(prompt, random);
                if (seen.Add(next))
                {
                    list.Add(next);
                }
            }
        }

        Shuffle(list, random);
        return [.. list.Take(most)];
    }

    public static void Shuffle<T>(List<T> list, RandomStream random)
    {
        for (int i = list.Count - 1; i > 0; i--)
        {
            int j = random.NextInt(i + 1);
            (list[i], list[j]) = (list[j], list[i]);
        }
    }

    public static string Fill(string prompt, RandomStream random)
    {
        Dictionary<string, string> filled = new(StringComparer.Ordinal);
        string numbers = Number().Replace(prompt, m => m.Length > 9 ? m.Value : Other(int.Parse(m.Value, System.Globalization.CultureInfo.InvariantCulture)));
        string things = Thing().Replace(numbers, m => Kept(m.Value, s_things));

        // A capitalised word that stands after one in small letters is a name, wherever else it stands.
        HashSet<string> names = [.. Name().Matches(things).Select(m => m.Value[(m.Value.LastIndexOf(' ') + 1)..])];
        return Word().Replace(things, m => s_languages.Contains(m.Value, StringComparer.OrdinalIgnoreCase) ? Kept(m.Value, s_languages) : names.Contains(m.Value) ? Kept(m.Value, s_names) : m.Value);

        string Other(int number) => (Math.Max(number / 2, 1) + random.NextInt((int)Math.Min((number * 3L / 2) + 3, int.MaxValue))).ToString(System.Globalization.CultureInfo.InvariantCulture);

        string Kept(string value, string[] among) => filled.TryGetValue(value, out string? other) ? other : filled[value] = among[random.NextInt(among.Length)];
    }

    [GeneratedRegex(@"\d+", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Number();

    [GeneratedRegex(@"\b(apples|oranges|books|pens|cookies|marbles|stickers|flowers|eggs|cards|pencils|balloons|cupcakes|toys|bottles|tickets)\b", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Thing();

    [GeneratedRegex(@"\b[A-Z][A-Za-z]+(\+\+|#)?", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Word();

    [GeneratedRegex(@"[a-z,] [A-Z][a-z]{2,}\b", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Name();
}
