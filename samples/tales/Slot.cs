using System.Text;

namespace Retort.Samples.Tales;

/// <summary>A place in a phrase where a fact is put into words, and the way back from the words to the fact.</summary>
abstract class Slot
{
    static readonly Dictionary<string, Slot> Slots = new(StringComparer.Ordinal)
    {
        ["hero"] = new NameSlot(Fact.Hero, Fact.HeroSex, People.Names, People.SexOf),
        ["kind"] = new WordSlot(Fact.HeroKind, People.Kinds, article: false),
        ["akind"] = new WordSlot(Fact.HeroKind, People.Kinds, article: true),
        ["he"] = new WordSlot(Fact.HeroSex, ["he", "she"], article: false),
        ["him"] = new WordSlot(Fact.HeroSex, ["him", "her"], article: false),
        ["his"] = new WordSlot(Fact.HeroSex, ["his", "her"], article: false),
        ["friend"] = new NameSlot(Fact.Friend, Fact.FriendSex, People.Names, People.SexOf),
        ["fkind"] = new WordSlot(Fact.FriendKind, People.Kinds, article: false),
        ["afkind"] = new WordSlot(Fact.FriendKind, People.Kinds, article: true),
        ["fhis"] = new WordSlot(Fact.FriendSex, ["his", "her"], article: false),
        ["helper"] = new NameSlot(Fact.Helper, Fact.HelperSex, People.HelperNames, People.SexOfHelper),
        ["hkind"] = new WordSlot(Fact.HelperKind, Obstacles.HelperKinds, article: false),
        ["ahkind"] = new WordSlot(Fact.HelperKind, Obstacles.HelperKinds, article: true),
        ["hhis"] = new WordSlot(Fact.HelperSex, ["his", "her"], article: false),
        ["noun"] = new WordSlot(Fact.Noun, [.. Things.All.Select(thing => thing.Noun)], article: false),
        ["thing"] = new ThingSlot(article: false),
        ["athing"] = new ThingSlot(article: true),
        ["why"] = new ReasonSlot(),
        ["place"] = new PlaceSlot(preposition: false),
        ["inplace"] = new PlaceSlot(preposition: true),
    };

    public static Slot Named(string name) => Slots[name];

    public abstract void Write(StringBuilder text, Plot plot, SplitMix64 random, bool capital);

    /// <summary>Returns where the words end, or −1 if no value of the fact is written here.</summary>
    public abstract int Read(string text, int at, bool capital, List<(Fact Fact, int Value)> stated);

    protected static int WordEnd(string text, int at)
    {
        while (at < text.Length && char.IsAsciiLetter(text[at]))
        {
            at++;
        }
        return at;
    }
}

/// <summary>A name, which also tells the sex.</summary>
sealed class NameSlot(Fact fact, Fact sex, string[] names, Func<int, int> sexOf) : Slot
{
    readonly WordIndex index = new(names);

    public override void Write(StringBuilder text, Plot plot, SplitMix64 random, bool capital) => text.Append(names[plot[fact]]);

    public override int Read(string text, int at, bool capital, List<(Fact Fact, int Value)> stated)
    {
        var end = WordEnd(text, at);
        if (!index.TryFind(text.AsSpan(at..end), out var name))
        {
            return -1;
        }
        stated.Add((fact, name));
        stated.Add((sex, sexOf(name)));
        return end;
    }
}

/// <summary>A single word out of a list, optionally with its indefinite article.</summary>
sealed class WordSlot : Slot
{
    readonly Fact fact;
    readonly string[] words;
    readonly string[] capitals;
    readonly Dictionary<string, int> small;
    readonly Dictionary<string, int> large;
    readonly bool article;

    public WordSlot(Fact fact, string[] values, bool article)
    {
        this.fact = fact;
        this.article = article;
        words = article ? [.. values.Select(People.WithArticle)] : values;
        capitals = [.. words.Select(word => char.ToUpperInvariant(word[0]) + word[1..])];
        small = Index(words);
        large = Index(capitals);
    }

    public override void Write(StringBuilder text, Plot plot, SplitMix64 random, bool capital) => text.Append((capital ? capitals : words)[plot[fact]]);

    public override int Read(string text, int at, bool capital, List<(Fact Fact, int Value)> stated)
    {
        var end = WordEnd(text, at);
        if (article && end < text.Length)
        {
            end = WordEnd(text, end + 1);
        }
        if (!(capital ? large : small).GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(text.AsSpan(at..end), out var value))
        {
            return -1;
        }
        stated.Add((fact, value));
        if (fact is Fact.HeroKind or Fact.FriendKind && value is People.Boy or People.Girl)
        {
            stated.Add((fact == Fact.HeroKind ? Fact.HeroSex : Fact.FriendSex, value));
        }
        return end;
    }

    static Dictionary<string, int> Index(string[] words) =>
        words.Select((word, index) => (word, index)).ToDictionary(pair => pair.word, pair => pair.index, StringComparer.Ordinal);
}

/// <summary>The wanted thing with the look that tells it from others of its sort.</summary>
sealed class ThingSlot(bool article) : Slot
{
    static readonly WordIndex LookIndex = new(Things.Looks);
    static readonly WordIndex NounIndex = new([.. Things.All.Select(thing => thing.Noun)]);

    public override void Write(StringBuilder text, Plot plot, SplitMix64 random, bool capital)
    {
        var look = Things.Looks[plot[Fact.Look]];
        text.Append(article ? People.WithArticle(look) : look).Append(' ').Append(Things.All[plot[Fact.Noun]].Noun);
    }

    public override int Read(string text, int at, bool capital, List<(Fact Fact, int Value)> stated)
    {
        var start = at;
        if (article)
        {
            at = WordEnd(text, at) + 1;
        }
        var end = WordEnd(text, Math.Min(at, text.Length));
        if (at > end || !LookIndex.TryFind(text.AsSpan(at..end), out var look)
            || (article && !text.AsSpan(start..end).SequenceEqual(People.WithArticle(Things.Looks[look])))
            || end >= text.Length || text[end] != ' ')
        {
            return -1;
        }
        var stop = WordEnd(text, end + 1);
        if (!NounIndex.TryFind(text.AsSpan((end + 1)..stop), out var noun))
        {
            return -1;
        }
        stated.Add((Fact.Look, look));
        stated.Add((Fact.Noun, noun));
        return stop;
    }
}

/// <summary>Why the thing is wanted; read by <see cref="Phrase"/> itself.</summary>
sealed class ReasonSlot : Slot
{
    public override void Write(StringBuilder text, Plot plot, SplitMix64 random, bool capital) => World.Reasons[plot[Fact.Why]].Write(text, plot, random);

    public override int Read(string text, int at, bool capital, List<(Fact Fact, int Value)> stated) => -1;
}

/// <summary>Adjective and noun of the place, with or without "in the".</summary>
sealed class PlaceSlot : Slot
{
    readonly string[] words;

    public PlaceSlot(bool preposition) => words =
        [.. Enumerable.Range(0, Places.Named.Length).Select(place => preposition ? $"{Places.Preposition(place)} the {Places.Name(place)}" : Places.Name(place))];

    public override void Write(StringBuilder text, Plot plot, SplitMix64 random, bool capital) => text.Append(words[plot[Fact.Place]]);

    public override int Read(string text, int at, bool capital, List<(Fact Fact, int Value)> stated)
    {
        for (var place = 0; place < words.Length; place++)
        {
            if (string.CompareOrdinal(text, at, words[place], 0, words[place].Length) == 0)
            {
                stated.Add((Fact.Place, place));
                stated.Add((Fact.PlaceNoun, Places.Named[place].Noun));
                return at + words[place].Length;
            }
        }
        return -1;
    }
}

/// <summary>From a word back to its place in a list.</summary>
sealed class WordIndex(string[] words)
{
    readonly Dictionary<string, int> positions =
        words.Select((word, index) => (word, index)).ToDictionary(pair => pair.word, pair => pair.index, StringComparer.Ordinal);

    public bool TryFind(ReadOnlySpan<char> word, out int position) =>
        positions.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(word, out position);
}
