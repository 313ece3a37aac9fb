namespace Retort.Samples.Tales;

/// <summary>What a sentence can say about its story. Values are indices into the tables of <see cref="World"/>; a sex is 0 for "he", 1 for "she".</summary>
enum Fact
{
    Hero,
    HeroSex,
    HeroKind,
    Friend,
    FriendSex,
    FriendKind,
    Noun,
    Look,
    Why,
    Place,
    PlaceNoun,
    Obstacle,
    Rescue,
    Helper,
    HelperSex,
    HelperKind,
    Ending,
    Mood,
}

/// <summary>One value for each <see cref="Fact"/>, or −1 where it is not known yet.</summary>
sealed class Plot
{
    public const int Size = (int)Fact.Mood + 1;

    readonly int[] values = new int[Size];

    public Plot() => values.AsSpan().Fill(-1);

    public int this[Fact fact]
    {
        get => values[(int)fact];
        set => values[(int)fact] = value;
    }
}

/// <summary>The order of telling. <see cref="Sense"/>, <see cref="Try"/> and <see cref="Thanks"/> are extras, at most one a story.</summary>
enum Beat
{
    Open,
    Friend,
    Want,
    Go,
    Sense,
    Obstacle,
    Try,
    Helper,
    Means,
    Thanks,
    Ending,
    Mood,
}
