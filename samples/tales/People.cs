namespace Retort.Samples.Tales;

/// <summary>Names and kinds. Heroes and friends are little ones, helpers are grown; the lists of names are disjoint, so a name tells its role and its pronoun.</summary>
static class People
{
    public static readonly string[] BoyNames =
    [
        "Milo", "Oscar", "Theo", "Finn", "Hugo", "Leo", "Jasper", "Otto", "Felix", "Sam",
        "Max", "Toby", "Ben", "Noah", "Arlo", "Emil", "Rufus", "Casper", "Bruno", "Ivan",
        "Kofi", "Ravi", "Diego", "Omar", "Louis", "Nico", "Walter", "Simon", "Elias", "Barnaby",
    ];

    public static readonly string[] GirlNames =
    [
        "Lily", "Nora", "Maya", "Ella", "Ruby", "Clara", "Tess", "Anna", "Zoe", "Greta",
        "Mina", "Ivy", "Rosa", "Lucy", "Freya", "Hanna", "Wendy", "Flora", "Nell", "Olive",
        "Amina", "Priya", "Elsa", "Yuki", "Carmen", "Luna", "Matilda", "Pippa", "Stella", "Daisy",
    ];

    /// <summary>Heroes and friends: boys first, then girls.</summary>
    public static readonly string[] Names = [.. BoyNames, .. GirlNames];

    public static readonly string[] OldBoyNames =
    [
        "Alfred", "Edgar", "Basil", "Gustav", "Humphrey", "Magnus", "Reginald", "Ambrose", "Cedric", "Bertram", "Oswald", "Rupert",
    ];

    public static readonly string[] OldGirlNames =
    [
        "Agatha", "Beatrice", "Cordelia", "Dorothy", "Edith", "Gertrude", "Harriet", "Josephine", "Mabel", "Philippa", "Theodora", "Winifred",
    ];

    /// <summary>Helpers: boys first, then girls.</summary>
    public static readonly string[] HelperNames = [.. OldBoyNames, .. OldGirlNames];

    /// <summary>A boy is always "he" and a girl always "she"; the animals may be either.</summary>
    public static readonly string[] Kinds =
    [
        "boy", "girl", "fox", "rabbit", "mouse", "kitten", "puppy", "hedgehog", "duckling", "lamb",
        "piglet", "frog", "panda", "fawn", "hamster", "calf", "otter", "raccoon",
    ];

    public const int Boy = 0;
    public const int Girl = 1;

    public static int SexOf(int name) => name < BoyNames.Length ? 0 : 1;

    public static int SexOfHelper(int name) => name < OldBoyNames.Length ? 0 : 1;

    /// <summary>How many kinds a name may have: all but the child of the other sex.</summary>
    public static int KindsForOneName => Kinds.Length - 1;

    public static string WithArticle(string words) => ("aeiou".Contains(words[0], StringComparison.Ordinal) ? "an " : "a ") + words;
}
