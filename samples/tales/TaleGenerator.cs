using System.Numerics;
using System.Text;

namespace Retort.Samples.Tales;

/// <summary>Tells stories: every fact is drawn first, then each beat is put into words. A seed tells the same story on every machine.</summary>
public static class TaleGenerator
{
    /// <summary>
    /// How many different stories there are. Each factor is a choice that shows in the text of every story: hero, friend and helper by name and kind;
    /// for each obstacle its places, its things with look and reason, its helpers' means and its own sentences, with at most one of a sound or smell of the place,
    /// a vain attempt and a word of thanks; the ending with a line for its mood; and the variants of the sentences told about any story.
    /// A 64-bit seed reaches at most 2^64 of them.
    /// </summary>
    public static BigInteger DistinctStories { get; } = Count();

    public static IReadOnlyList<string> MoodWords { get; } = [.. Moods.All.Select(mood => mood.Word)];

    public static Tale Generate(ulong seed) => Tell(seed).ToTale();

    /// <summary>Whether this story's hero, kind, thing, look and place are together kept out of training: one combination in sixteen.</summary>
    public static bool IsHeldOut(ulong seed) => IsHeldOut(Draw(new SplitMix64(seed)));

    internal static bool IsHeldOut(Plot plot)
    {
        ulong hash = 0;
        foreach (var fact in (ReadOnlySpan<Fact>)[Fact.Hero, Fact.HeroKind, Fact.Noun, Fact.Look, Fact.Place])
        {
            hash = SplitMix64.Mix((hash * 257) + (ulong)plot[fact] + 1);
        }
        return hash % 16 == 0;
    }

    /// <summary>A third of the stories has an extra sentence. The opening stands for none: it is always told.</summary>
    static readonly Beat[] Extras = [Beat.Open, Beat.Open, Beat.Open, Beat.Open, Beat.Open, Beat.Open, Beat.Sense, Beat.Try, Beat.Thanks];

    internal static Told Tell(ulong seed)
    {
        var random = new SplitMix64(seed);
        var plot = Draw(random);
        var beats = new List<(Beat Beat, string Text)>(12);
        var text = new StringBuilder(160);
        var extra = random.Pick(Extras);
        Say(World.Open);
        Say(World.Friend);
        Say(World.Want);
        Say(World.Go);
        Perhaps(Beat.Sense, World.Senses[plot[Fact.PlaceNoun]]);
        Say(World.Hindrances[plot[Fact.Obstacle]]);
        Perhaps(Beat.Try, World.Tries[plot[Fact.Obstacle]]);
        Say(World.Helper);
        Say(World.Means[plot[Fact.Rescue]]);
        Perhaps(Beat.Thanks, World.Thanks);
        Say(World.Endings[plot[Fact.Ending]]);
        Say(World.MoodLines[plot[Fact.Mood]]);
        return new Told(plot, beats);

        void Perhaps(Beat beat, Line[] lines)
        {
            if (extra == beat)
            {
                Say(lines);
            }
        }

        void Say(Line[] lines)
        {
            var line = random.Pick(lines);
            text.Clear();
            line.Phrase.Write(text, plot, random);
            beats.Add((line.Beat, text.ToString()));
        }
    }

    internal static Plot Draw(SplitMix64 random)
    {
        var plot = new Plot();
        plot[Fact.Hero] = random.Below(People.Names.Length);
        plot[Fact.HeroSex] = People.SexOf(plot[Fact.Hero]);
        plot[Fact.HeroKind] = DrawKind(random, plot[Fact.HeroSex]);
        plot[Fact.Friend] = (plot[Fact.Hero] + 1 + random.Below(People.Names.Length - 1)) % People.Names.Length;
        plot[Fact.FriendSex] = People.SexOf(plot[Fact.Friend]);
        plot[Fact.FriendKind] = DrawKind(random, plot[Fact.FriendSex]);
        plot[Fact.Obstacle] = random.Below(Obstacles.All.Length);
        plot[Fact.Place] = random.Pick(World.PlacesOf[plot[Fact.Obstacle]]);
        plot[Fact.PlaceNoun] = Places.Named[plot[Fact.Place]].Noun;
        plot[Fact.Noun] = random.Pick(World.ThingsOf[plot[Fact.Obstacle]]);
        plot[Fact.Look] = random.Pick(World.LooksOf[plot[Fact.Noun]]);
        plot[Fact.Why] = random.Pick(random.Below(4) == 0 ? World.GiftReasons : World.OwnReasonsOf[plot[Fact.Noun]]);
        plot[Fact.Rescue] = random.Pick(World.RescuesOf[plot[Fact.Obstacle]]);
        plot[Fact.HelperKind] = Obstacles.HelperKinds.IndexOf(Obstacles.Rescues[plot[Fact.Rescue]].Rescue.Kind);
        plot[Fact.Helper] = random.Below(People.HelperNames.Length);
        plot[Fact.HelperSex] = People.SexOfHelper(plot[Fact.Helper]);
        plot[Fact.Ending] = random.Below(Moods.Endings.Length);
        plot[Fact.Mood] = Moods.Endings[plot[Fact.Ending]].Mood;
        return plot;
    }

    /// <summary>A child as often as two sorts of animal, the boy or the girl by <paramref name="sex"/>.</summary>
    static int DrawKind(SplitMix64 random, int sex)
    {
        var kind = random.Below(People.Kinds.Length);
        return kind is People.Boy or People.Girl ? sex : kind;
    }

    static BigInteger Count()
    {
        BigInteger names = People.Names.Length;
        BigInteger kinds = People.KindsForOneName;
        var who = names * kinds * (names - 1) * kinds * People.HelperNames.Length;
        var events = BigInteger.Zero;
        for (var obstacle = 0; obstacle < Obstacles.All.Length; obstacle++)
        {
            var extras = 1 + World.Variants(World.Tries[obstacle]) + World.Variants(World.Thanks);
            var places = Sum(World.PlacesOf[obstacle], place => extras + World.Variants(World.Senses[Places.Named[place].Noun]));
            var things = Sum(World.ThingsOf[obstacle], thing => World.LooksOf[thing].Length * World.ReasonsOf[thing].Length);
            var rescues = Sum(World.RescuesOf[obstacle], rescue => World.Variants(World.Means[rescue]));
            events += places * things * rescues * World.Variants(World.Hindrances[obstacle]);
        }
        var endings = Sum(Enumerable.Range(0, Moods.Endings.Length), ending =>
            World.Variants(World.Endings[ending]) * World.Variants(World.MoodLines[Moods.Endings[ending].Mood]));
        var words = World.Variants(World.Open) * World.Variants(World.Friend) * World.Variants(World.Want) * World.Variants(World.Go)
            * World.Variants(World.Helper);
        return who * events * endings * words;
    }

    static BigInteger Sum(IEnumerable<int> items, Func<int, BigInteger> count) => items.Aggregate(BigInteger.Zero, (sum, item) => sum + count(item));
}

/// <summary>A story beat by beat.</summary>
sealed record Told(Plot Plot, IReadOnlyList<(Beat Beat, string Text)> Beats)
{
    public string Text(int from, int to) => string.Join(' ', Beats.Skip(from).Take(to - from).Select(beat => beat.Text));

    public Tale ToTale() => new(Facts(), Text(0, Beats.Count));

    public TaleFacts Facts()
    {
        var why = new StringBuilder();
        World.Reasons[Plot[Fact.Why]].Write(why, Plot, new SplitMix64(0));
        var place = Plot[Fact.Place];
        return new TaleFacts(
            People.Names[Plot[Fact.Hero]],
            People.Kinds[Plot[Fact.HeroKind]],
            People.Names[Plot[Fact.Friend]],
            People.Kinds[Plot[Fact.FriendKind]],
            $"{Things.Looks[Plot[Fact.Look]]} {Things.All[Plot[Fact.Noun]].Noun}",
            why.ToString(),
            Places.Name(place),
            $"{Places.Preposition(place)} the {Places.Name(place)}",
            Obstacles.All[Plot[Fact.Obstacle]].Name,
            Obstacles.HelperKinds[Plot[Fact.HelperKind]],
            People.HelperNames[Plot[Fact.Helper]],
            Obstacles.Rescues[Plot[Fact.Rescue]].Rescue.How,
            Moods.Endings[Plot[Fact.Ending]].Ending.What,
            Moods.All[Plot[Fact.Mood]].Word);
    }
}
