namespace Retort.Samples.Tales;

/// <summary>A thing to be wished for; <paramref name="Light"/> things can hang in a tree or drift on a pond. A reason completes "so that she could ...".</summary>
sealed record Thing(string Noun, bool Light, string[] Looks, string[] Reasons);

static class Things
{
    static readonly string[] Cloth = ["red", "blue", "green", "yellow", "purple", "orange", "striped", "woollen", "velvet", "spotted"];
    static readonly string[] Metal = ["silver", "golden", "copper", "brass", "tin", "shiny", "rusty", "iron"];
    static readonly string[] Wood = ["wooden", "painted", "carved", "red", "blue", "green", "yellow", "white"];
    static readonly string[] Fine = ["glass", "crystal", "silver", "golden", "blue", "green", "purple", "white"];
    static readonly string[] Paper = ["paper", "red", "yellow", "blue", "white", "pink", "orange", "painted"];

    public static readonly Thing[] All =
    [
        new("kite", true, Paper, ["fly it at the spring fair", "race it against the wind", "send a wish up to the clouds"]),
        new("hat", true, Cloth, ["wear it to the summer parade", "keep the sun out of {his} eyes", "look like a real explorer"]),
        new("scarf", true, Cloth, ["keep {his} neck warm all winter", "wrap it around the snowman", "play pirates in it"]),
        new("parasol", true, Paper, ["make shade for the sleeping baby", "walk on a tightrope with it", "dance in the rain"]),
        new("ribbon", true, Cloth, ["tie it around a birthday present", "win the dancing contest with it", "mark the page in a favorite book"]),
        new("feather", true, Fine, ["write secret letters with it", "put it on a knight's helmet", "tickle {his} uncle's nose"]),
        new("flag", true, Cloth, ["raise it over the tree house", "wave it at the big race", "play captain on the roof"]),
        new("map", true, Paper, ["find the hidden waterfall", "plan a trip around the world", "learn the names of far islands"]),
        new("shawl", true, Cloth, ["warm {his} grandmother's shoulders", "make a tent for two", "dress up as a queen's messenger"]),
        new("boat", true, Wood, ["sail it in the bathtub", "float it down to the sea", "win the toy regatta"]),
        new("ball", true, Cloth, ["play catch after lunch", "practice kicking goals", "join the team on Saturday"]),
        new("basket", true, Wood, ["gather berries for a pie", "carry eggs to the baker", "pack a picnic for everyone"]),
        new("drum", false, Wood, ["march in the village band", "beat a rhythm for the dancers", "wake everybody on New Year"]),
        new("flute", false, Wood, ["play a tune for the moon", "call the sheep home with it", "join the school concert"]),
        new("violin", false, Wood, ["play at a wedding", "learn a song from the old country", "make music with {his} cousin"]),
        new("trumpet", false, Metal, ["greet the morning with it", "lead the circus parade", "play louder than the thunder"]),
        new("bell", false, Metal, ["hang it above the front door", "ring it for supper", "tie it to the goat's collar"]),
        new("key", false, Metal, ["open the secret garden gate", "wind up the music clock", "unlock the old diary"]),
        new("lantern", false, Metal, ["read stories under the covers", "light the path for {his} father", "walk in the night procession"]),
        new("kettle", false, Metal, ["make mint tea for the guests", "boil water for cocoa", "cook soup by the campfire"]),
        new("spoon", false, Metal, ["stir the birthday cake", "taste every pot of jam", "feed the baby birds"]),
        new("crown", false, Metal, ["be king of the school play", "rule over a castle of pillows", "surprise the whole class"]),
        new("ring", false, Fine, ["help {his} aunt get married", "do a magic trick with it", "seal a promise between friends"]),
        new("marble", false, Fine, ["complete {his} collection", "win the game behind the bakery", "watch the light shine through it"]),
        new("mirror", false, Fine, ["send light signals to the neighbors", "practice funny faces", "look around corners like a detective"]),
        new("bottle", false, Fine, ["send a letter across the ocean", "keep fireflies for one hour", "hold a single sunflower"]),
        new("lamp", false, Fine, ["chase the shadows from {his} bedroom", "draw pictures after dark", "guide the moths to a party"]),
        new("bead", false, Fine, ["finish a necklace for {his} sister", "trade it for a whistle", "sew it on a puppet as an eye"]),
        new("book", false, Paper, ["learn about whales and dragons", "read aloud to {his} little brother", "copy the pictures of flowers"]),
        new("puppet", false, Wood, ["put on a show for the neighbors", "tell jokes in a funny voice", "act out an old legend"]),
        new("wagon", false, Wood, ["pull pumpkins to the kitchen", "give the twins a ride", "collect apples for the winter"]),
        new("sled", false, Wood, ["zoom down the snowy slope", "bring firewood to a poor widow", "beat {his} cousin in a race"]),
        new("stool", false, Wood, ["reach the cookie jar", "sit by the stove and listen", "milk the cow like a farmer"]),
        new("blanket", false, Cloth, ["keep the baby warm", "build a fort between two chairs", "have a picnic in the shade"]),
        new("pillow", false, Cloth, ["dream of faraway lands", "make the hard bench soft", "win a pillow fight"]),
        new("backpack", false, Cloth, ["carry books to school", "hike to the end of the road", "pack sandwiches for a journey"]),
        new("compass", false, Metal, ["find north without the stars", "become a sailor one day", "explore the wild woods"]),
        new("whistle", false, Metal, ["call the dogs back home", "be the referee on Sunday", "answer the song of the blackbird"]),
    ];

    /// <summary>Reasons that suit every thing, because it is a present.</summary>
    public static readonly string[] Gifts =
    [
        "give it to {his} mother",
        "cheer up {his} grandfather with it",
        "welcome the new neighbors with it",
        "thank {his} teacher with it",
    ];

    public static readonly string[] Looks = [.. All.SelectMany(thing => thing.Looks).Distinct(StringComparer.Ordinal)];

    /// <summary>Every reason once: the presents first, then each thing's own.</summary>
    public static readonly string[] Reasons = [.. Gifts.Concat(All.SelectMany(thing => thing.Reasons)).Distinct(StringComparer.Ordinal)];

    public static bool Suits(int reason, int thing) => reason < Gifts.Length || All[thing].Reasons.Contains(Reasons[reason], StringComparer.Ordinal);
}
