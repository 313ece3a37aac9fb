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
            new("they had a party", ["That night they [danced|sang] {inplace} around the {thing}; soon {hero} could {why}."]),
            new("it was the hero's own", ["\"My own {thing}!\" [sang|laughed] {hero}, for now {he} could {why}."]),
        ],
        [
            "{hero} was [so|very] happy.", "{hero} could not stop smiling.", "{He} laughed until {his} belly hurt.", "It was the [happiest|merriest] day of the year.",
        ]),
        new("proud",
        [
            new("everyone clapped", ["Everyone clapped when {hero} [held up|showed] the {thing}, and soon {he} could {why}."]),
            new("a medal was given", ["The mayor [gave|handed] {hero} a medal for finding the {thing}; now {he} could {why}."]),
            new("it was shown at home", ["\"I brought the {thing} from the {place}!\" [said|called] {hero}; now {he} could {why}."]),
        ],
        [
            "{hero} was [so|very] proud.", "{He} stood as tall as a tower.", "{He} walked with {his} chin held high.", "{hero} had never felt so proud before.",
        ]),
        new("calm",
        [
            new("they watched the stars", ["{hero} and {friend} [sat|lay] under the stars, the {thing} between them; tomorrow {he} would {why}."]),
            new("they rested by the fire", ["{hero} put the {thing} by the fire and listened to the [rain|flames]; tomorrow {he} would {why}."]),
            new("they walked home slowly", ["[Slowly|Quietly] they carried the {thing} home from the {place}; tomorrow {hero} would {why}."]),
        ],
        [
            "{hero} felt calm and [warm|safe].", "{He} breathed slowly, and everything was peaceful.", "{His} heart was as quiet as a lake.", "{hero} was calm, and nothing needed to be said.",
        ]),
        new("surprised",
        [
            new("a secret note was found", ["Just before {hero} could {why}, a [note|letter] fell out of the {thing}: \"Love, {friend}.\""]),
            new("the friends had planned it", ["\"It was a game!\" [laughed|giggled] {friend} and {helper}. The {thing} was a present, and {hero} could {why}."]),
            new("there were two of them", ["At home {hero} wanted to {why}, but there was a second {thing} [on the bed|at the door]!"]),
        ],
        [
            "{hero} was [so|very] surprised.", "{His} mouth fell wide open.", "{He} blinked three times and could not say a word.", "What a surprise that was for {hero}!",
        ]),
        new("sad",
        [
            new("it was lost on the way", ["But on the way home the {thing} fell into a [river|ditch], and {hero} could not {why}."]),
            new("it broke", ["But that night the {thing} [broke|fell apart], and {hero} could not {why}."]),
            new("it was lost again", ["But [soon|then] they lost the {thing} again {inplace}, and {hero} could not {why}."]),
        ],
        [
            "{hero} was [so|very] sad.", "Two big tears rolled down {his} cheeks.", "{He} sat by the window and sighed.", "{hero} felt sad for a long time.",
        ]),
        new("scared",
        [
            new("a storm broke", ["Thunder [crashed|roared], and {hero} hid under a bush with the {thing}, too frightened to {why}."]),
            new("something howled", ["But before {he} could {why}, something [howled|scratched] outside, and {hero} dropped the {thing}."]),
            new("a shadow followed them", ["A shadow [crept|flew] after them from the {place}; {hero} held the {thing} and did not dare to {why}."]),
        ],
        [
            "{hero} was [so|very] scared.", "{He} trembled from head to toe.", "{His} heart was pounding like a hammer.", "{hero} was scared and pulled the covers over {his} head.",
        ]),
        new("thankful",
        [
            new("a pie was baked", ["{hero} baked a [plum|cherry] pie for {helper}, who had saved the {thing}; now {hero} could {why}."]),
            new("a song was written", ["{hero} wrote a [song|poem] about {helper}, who had saved the {thing}; now {hero} could {why}."]),
            new("a gift was given", ["{hero} took the {thing} and gave {helper} a [button|pebble] like a heart; now {he} could {why}."]),
        ],
        [
            "{hero} was [so|very] thankful.", "{He} never forgot what {helper} had done.", "{hero} hugged {helper} and would not let go.", "{He} felt thankful from the bottom of {his} heart.",
        ]),
        new("tired",
        [
            new("the way home was long", ["It was a [long|steep] way home from the {place} with the {thing}; {hero} would {why} another day."]),
            new("they missed supper", ["When they got the {thing} home, [the moon was up|supper was over], and it was too late to {why}."]),
            new("they fell asleep", ["{hero} wanted to {why}, but {friend} was already [snoring|asleep] with the {thing} in {fhis} arms."]),
        ],
        [
            "{hero} was [so|very] tired.", "{He} yawned, and {his} eyes fell shut.", "{His} legs felt as heavy as lead.", "{hero} was too tired to take a bath.",
        ]),
    ];

    /// <summary>Every ending as (mood, ending) in the order of the table.</summary>
    public static readonly (int Mood, Ending Ending)[] Endings =
        [.. All.SelectMany((mood, index) => mood.Endings.Select(ending => (index, ending)))];
}
