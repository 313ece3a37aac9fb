using System.Collections.Frozen;
using System.Numerics;

namespace Retort.Samples.Tales;

/// <summary>One sentence pattern at its place in the telling, with what it states beyond its blanks (a sentence about bees states the obstacle).</summary>
sealed record Line(Beat Beat, Phrase Phrase, (Fact Fact, int Value)[] States);

/// <summary>Everything that can be told: the tables compiled to lines, with what may go together.</summary>
static class World
{
    public static readonly Phrase[] Reasons = [.. Things.Reasons.Select(reason => new Phrase(reason))];

    public static readonly Line[] Open = Lines(Beat.Open, Telling.Open);
    public static readonly Line[] Friend = Lines(Beat.Friend, Telling.Friend);
    public static readonly Line[] Want = Lines(Beat.Want, Telling.Want);
    public static readonly Line[] Go = Lines(Beat.Go, Telling.Go);
    public static readonly Line[] Helper = Lines(Beat.Helper, Telling.Helper);
    public static readonly Line[] Thanks = Lines(Beat.Thanks, Telling.Thanks);

    /// <summary>By place noun.</summary>
    public static readonly Line[][] Senses = [.. Places.All.Select((place, index) => Lines(Beat.Sense, place.Senses, (Fact.PlaceNoun, index)))];

    /// <summary>By obstacle.</summary>
    public static readonly Line[][] Hindrances = [.. Obstacles.All.Select((obstacle, index) => Lines(Beat.Obstacle, obstacle.Lines, (Fact.Obstacle, index)))];

    /// <summary>By obstacle.</summary>
    public static readonly Line[][] Tries = [.. Obstacles.All.Select((obstacle, index) => Lines(Beat.Try, obstacle.Tries, (Fact.Obstacle, index)))];

    /// <summary>By rescue.</summary>
    public static readonly Line[][] Means = [.. Obstacles.Rescues.Select((entry, index) => Lines(Beat.Means, [entry.Rescue.Line],
        (Fact.Rescue, index), (Fact.Obstacle, entry.Obstacle), (Fact.HelperKind, Obstacles.HelperKinds.IndexOf(entry.Rescue.Kind))))];

    /// <summary>By ending.</summary>
    public static readonly Line[][] Endings = [.. Moods.Endings.Select((entry, index) => Lines(Beat.Ending, entry.Ending.Lines, (Fact.Ending, index), (Fact.Mood, entry.Mood)))];

    /// <summary>By mood.</summary>
    public static readonly Line[][] MoodLines = [.. Moods.All.Select((mood, index) => Lines(Beat.Mood, mood.Lines, (Fact.Mood, index)))];

    public static readonly Line[] All =
    [
        .. Open, .. Friend, .. Want, .. Go, .. Senses.SelectMany(lines => lines), .. Hindrances.SelectMany(lines => lines), .. Tries.SelectMany(lines => lines),
        .. Helper, .. Means.SelectMany(lines => lines), .. Thanks, .. Endings.SelectMany(lines => lines), .. MoodLines.SelectMany(lines => lines),
    ];

    /// <summary>By obstacle, the places (adjective and noun) where it can be met.</summary>
    public static readonly int[][] PlacesOf = [.. Obstacles.All.Select(obstacle => Indices(Places.Named.Length,
        place => obstacle.PlaceNouns.Contains(Places.All[Places.Named[place].Noun].Noun, StringComparer.Ordinal)))];

    /// <summary>By obstacle, the things that can be behind it.</summary>
    public static readonly int[][] ThingsOf = [.. Obstacles.All.Select(obstacle => Indices(Things.All.Length, thing => !obstacle.Light || Things.All[thing].Light))];

    /// <summary>By obstacle.</summary>
    public static readonly int[][] RescuesOf = [.. Obstacles.All.Select((_, obstacle) => Indices(Obstacles.Rescues.Length, rescue => Obstacles.Rescues[rescue].Obstacle == obstacle))];

    /// <summary>By thing.</summary>
    public static readonly int[][] LooksOf = [.. Things.All.Select(thing => Indices(Things.Looks.Length, look => thing.Looks.Contains(Things.Looks[look], StringComparer.Ordinal)))];

    /// <summary>By thing.</summary>
    public static readonly int[][] ReasonsOf = [.. Things.All.Select((_, thing) => Indices(Reasons.Length, reason => Things.Suits(reason, thing)))];

    public static readonly int[] GiftReasons = Indices(Reasons.Length, reason => reason < Things.Gifts.Length);

    /// <summary>By thing, the reasons that are not presents.</summary>
    public static readonly int[][] OwnReasonsOf = [.. ReasonsOf.Select(reasons => reasons.Except(GiftReasons).ToArray())];

    /// <summary>Every word a story can contain, in lower case.</summary>
    public static readonly FrozenSet<string> Vocabulary = TaleWords.Of(Sources()).ToFrozenSet(StringComparer.Ordinal);

    public static BigInteger Variants(IEnumerable<Line> lines) => lines.Aggregate(BigInteger.Zero, (sum, line) => sum + line.Phrase.Variants);

    static IEnumerable<string> Sources() =>
    [
        .. All.Select(line => TaleWords.WithoutBlanks(line.Phrase.Pattern)), .. Reasons.Select(reason => TaleWords.WithoutBlanks(reason.Pattern)),
        .. People.Names, .. People.HelperNames, .. People.Kinds, .. Obstacles.HelperKinds, .. Things.Looks, .. Things.All.Select(thing => thing.Noun),
        .. Enumerable.Range(0, Places.Named.Length).Select(place => $"{Places.Preposition(place)} {Places.Name(place)}"), "a an the he she him her his",
    ];

    static Line[] Lines(Beat beat, string[] patterns, params (Fact Fact, int Value)[] states) =>
        [.. patterns.Select(pattern => new Line(beat, new Phrase(pattern), states))];

    static int[] Indices(int count, Func<int, bool> holds) => [.. Enumerable.Range(0, count).Where(holds)];
}
