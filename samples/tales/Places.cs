namespace Retort.Samples.Tales;

/// <summary>A place by noun, its preposition, the adjectives that tell one from another, and what can be sensed there.</summary>
sealed record PlaceKind(string Noun, string Preposition, string[] Adjectives, string[] Senses);

static class Places
{
    public static readonly PlaceKind[] All =
    [
        new("forest", "in", ["whispering", "mossy", "shady", "ancient"], ["The pines smelled [sweet|fresh] after the rain.", "Somewhere a cuckoo was calling, and {hero} stopped to listen."]),
        new("meadow", "in", ["windy", "flowery", "sunny", "wide"], ["The tall grass tickled their knees.", "Crickets were chirping, and the air smelled of [clover|honey]."]),
        new("orchard", "in", ["apple", "cherry", "pear", "plum"], ["Ripe fruit lay in the grass and [smelled like cake|made the air sweet].", "A blackbird sang from row to row."]),
        new("garden", "in", ["rose", "secret", "walled", "kitchen"], ["Snails had left shiny trails on the path.", "The warm earth smelled of [mint|parsley] and rain."]),
        new("park", "in", ["city", "royal", "rainy", "leafy"], ["A fountain splashed, and pigeons hopped [aside|about].", "Somebody was playing an accordion on a bench."]),
        new("valley", "in", ["green", "hidden", "lonely", "narrow"], ["Every footstep came back as an echo.", "Cowbells tinkled far away, and the breeze was [cool|soft]."]),
        new("beach", "on", ["sandy", "rocky", "stormy", "pebble"], ["The waves hissed, and the air tasted of salt.", "Seagulls screamed above the foam."]),
        new("hill", "on", ["round", "grassy", "steep", "bald"], ["From there the houses looked as small as [peas|buttons].", "The wind pulled at their ears."]),
        new("mountain", "on", ["snowy", "blue", "sleeping", "crooked"], ["The air was so cold that their breath made little clouds.", "An eagle circled without a sound."]),
        new("farm", "on", ["busy", "old", "dusty", "hilltop"], ["Hens clucked, and a tractor hummed behind the fence.", "It smelled of fresh milk and [straw|oats]."]),
        new("barn", "in", ["red", "creaky", "empty", "cozy"], ["Dust danced in a beam of light.", "The boards creaked, and a swallow flew in and out."]),
        new("attic", "in", ["dim", "crowded", "forgotten", "chilly"], ["Rain drummed on the roof, right above their heads.", "It smelled of old paper and [lavender|candle wax]."]),
        new("castle", "in", ["ruined", "gray", "haunted", "marble"], ["Their steps rang in the long stone halls.", "Painted kings looked down from the walls."]),
        new("mill", "in", ["water", "abandoned", "noisy", "white"], ["The great wheel groaned, and flour tickled their noses.", "Everything was covered in [fine|soft] white flour."]),
        new("lighthouse", "in", ["striped", "tall", "lonely", "northern"], ["The stairs went round and round like a snail's shell.", "Far below the sea was roaring."]),
        new("library", "in", ["quiet", "grand", "dusty", "underground"], ["It was so still that they could hear a page turn.", "The books smelled of leather and [glue|time]."]),
        new("market", "at", ["fish", "night", "flower", "harvest"], ["Sellers were shouting, and a pan of chestnuts hissed.", "Colorful stalls stood everywhere, full of [cheese|spices] and bread."]),
        new("harbor", "at", ["foggy", "busy", "southern", "old"], ["Ropes slapped against the masts.", "It smelled of tar and [herring|seaweed]."]),
        new("marsh", "in", ["misty", "muddy", "silent", "reedy"], ["Frogs were croaking, and the ground went squish at every step.", "Dragonflies shimmered over the reeds."]),
        new("island", "on", ["turtle", "tiny", "green", "volcano"], ["Palm leaves rustled, and the sand was [hot|warm].", "A parrot laughed at them from a rock."]),
        new("village", "in", ["mountain", "sleepy", "fishing", "cheerful"], ["A baker was whistling, and the whole street smelled of bread.", "Cats slept on every doorstep."]),
        new("cellar", "in", ["dark", "damp", "cool", "stone"], ["Water dripped somewhere, plip and plop.", "It smelled of potatoes and [cider|onions]."]),
    ];

    /// <summary>Every place as (noun, adjective) in the order of the table.</summary>
    public static readonly (int Noun, string Adjective)[] Named =
        [.. All.SelectMany((kind, noun) => kind.Adjectives.Select(adjective => (noun, adjective)))];

    public static string Name(int place) => $"{Named[place].Adjective} {All[Named[place].Noun].Noun}";

    public static string Preposition(int place) => All[Named[place].Noun].Preposition;
}
