namespace Retort.Samples.Tales;

/// <summary>How it ended in one phrase, and sentences that tell it.</summary>
sealed record Ending(string What, string[] Lines);

/// <summary>A mood, the events that bring it about, and the sentences that show it: some name it, some leave it to be felt.</summary>
sealed record MoodKind(string Word, Ending[] Endings, string[] Lines);

static class Moods
{
    public static readonly MoodKind[] All =
    [
        new("happy",
        [
            new("they danced together", ["{hero} and {friend} [danced|skipped] home with the {thing}, for now {he} could {why}."]),
            new("there was a party", ["That evening there was [lemonade|music] and cake around the {thing}, and at last {hero} could {why}."]),
            new("they cheered", ["\"Look at my {thing}!\" [sang|laughed] {hero}, and {friend} cheered, for now {he} could {why}."]),
        ],
        [
            "{hero} was [so|very] happy.", "{hero} could not stop smiling.", "{He} laughed until {his} belly hurt.", "It was the [happiest|merriest] day of the year.",
        ]),
        new("proud",
        [
            new("everyone clapped", ["Back home everyone clapped when {hero} [held up|showed] the {thing}, and soon {he} could {why}."]),
            new("a medal was given", ["The mayor [gave|handed] {hero} a paper medal for finding the {thing}, and now {he} could {why}."]),
            new("the story was told", ["\"I did not give up,\" said {hero} and showed {his} family the {thing}; now {he} could {why}."]),
        ],
        [
            "{hero} was [so|very] proud.", "{He} stood as tall as a tower.", "{He} walked with {his} chin held high.", "{hero} had never felt so proud before.",
        ]),
        new("calm",
        [
            new("they watched the stars", ["Later {hero} and {friend} [sat|lay] under the stars, the {thing} between them; tomorrow {he} would {why}."]),
            new("they rested by the fire", ["At home {hero} put the {thing} beside the fire and listened to the [rain|flames]; there was time enough to {why}."]),
            new("they walked home slowly", ["Slowly they carried the {thing} home under a [pink|golden] sky; tomorrow {he} would {why}."]),
        ],
        [
            "{hero} felt calm and [warm|safe].", "{He} breathed slowly, and everything was peaceful.", "{His} heart was as quiet as a lake.", "{hero} was calm, and nothing needed to be said.",
        ]),
        new("surprised",
        [
            new("a secret note was found", ["Just as {hero} was about to {why}, a tiny [note|letter] fell out of the {thing}: \"With love, {friend}.\""]),
            new("the friends had planned it", ["\"It was all a game,\" laughed {friend} and {helper}; the {thing} was a present, and {hero} could {why}."]),
            new("there were two of them", ["When {hero} came home to {why}, a second {thing} was [waiting|lying] on the doorstep."]),
        ],
        [
            "{hero} was [so|very] surprised.", "{His} mouth fell wide open.", "{He} blinked three times and could not say a word.", "What a surprise that was for {hero}!",
        ]),
        new("sad",
        [
            new("it was lost on the way", ["But on the way home the {thing} fell into a [river|ditch] and was gone, so {he} could not {why}."]),
            new("it broke", ["But that night the {thing} [broke|fell apart], and {hero} could not {why}."]),
            new("the friend moved away", ["But the next day {friend} moved far away, and {hero} [hid|dropped] the {thing} and no longer wished to {why}."]),
        ],
        [
            "{hero} was [so|very] sad.", "Two big tears rolled down {his} cheeks.", "{He} sat by the window and sighed.", "{hero} felt sad for a long time.",
        ]),
        new("scared",
        [
            new("a storm broke", ["On the way home thunder crashed, and {hero} [hid|crouched] under a bush with the {thing}, too frightened to {why}."]),
            new("something howled", ["But at night, just before {he} could {why}, something [howled|scratched] outside, and {hero} dropped the {thing}."]),
            new("a shadow followed them", ["A huge shadow followed {hero} home, and {he} [held|clutched] the {thing} and did not dare to {why}."]),
        ],
        [
            "{hero} was [so|very] scared.", "{He} trembled from head to toe.", "{His} heart was pounding like a hammer.", "{hero} was scared and pulled the covers over {his} head.",
        ]),
        new("thankful",
        [
            new("a pie was baked", ["The next day {hero} baked a [plum|cherry] pie for {helper}, for with the {thing} at home {he} could {why}."]),
            new("a song was written", ["{hero} wrote a [song|poem] about {helper}, who had found the {thing}, so that {he} could {why}."]),
            new("a gift was given", ["{hero} gave {helper} a [button|pebble] shaped like a heart and took the {thing} home to {why}."]),
        ],
        [
            "{hero} was [so|very] thankful.", "{He} never forgot what {helper} had done.", "{hero} hugged {helper} and would not let go.", "{He} felt thankful from the bottom of {his} heart.",
        ]),
        new("tired",
        [
            new("the way home was long", ["The way home was [long|steep], and {hero} carried the {thing} every step; {he} would {why} another day."]),
            new("they missed supper", ["When they got the {thing} home, supper was [cold|over], and it was too late to {why}."]),
            new("they fell asleep", ["{hero} wanted to {why} right away, but {friend} was already [snoring|asleep] with the {thing} in {fhis} arms."]),
        ],
        [
            "{hero} was [so|very] tired.", "{He} yawned, and {his} eyes fell shut.", "{His} legs felt as heavy as lead.", "{hero} was too tired to take a bath.",
        ]),
    ];

    /// <summary>Every ending as (mood, ending) in the order of the table.</summary>
    public static readonly (int Mood, Ending Ending)[] Endings =
        [.. All.SelectMany((mood, index) => mood.Endings.Select(ending => (index, ending)))];
}
