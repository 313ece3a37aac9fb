namespace Retort.Samples.Tales;

/// <summary>The sentences that belong to no particular place, obstacle or mood. Braces are facts, brackets are free choices of words.</summary>
static class Telling
{
    public static readonly string[] Open =
    [
        "Once there was a [little|shy|curious|gentle|clever|cheerful] {kind} named {hero}.",
        "{hero} was a [small|brave|dreamy|stubborn|friendly|lively] {kind} from [Hazelnut Lane|Button Street|Pepper Hill|Windmill Road|Acorn Corner].",
        "[Long ago|Far away|Not far from here|In a crooked house|Above a bakery] lived {akind} [named|called] {hero}.",
        "Here comes {hero}, a [bold|merry|polite|restless|thoughtful|freckled] little {kind}!",
    ];

    public static readonly string[] Friend =
    [
        "{His} best friend was {afkind} [named|called] {friend}.",
        "{He} [played|shared everything] with {friend}, a [jolly|patient|fluffy|chatty|loyal] {fkind}.",
        "Next door lived {friend}, {afkind} who [loved riddles|sang a lot|was always hungry|told jokes|collected buttons].",
        "{He} had a [dear|good|faithful] friend, {friend} the {fkind}.",
    ];

    public static readonly string[] Want =
    [
        "{hero} [wanted|wished for|longed for] {athing}, so that {he} could {why}.",
        "{hero} [needed|dearly wanted] {athing}, because {he} [planned|hoped] to {why}.",
        "\"If only I had {athing}!\" [sighed|said|whispered] {hero}, who wanted to {why}.",
        "All [week|month|summer] {hero} had dreamed of {athing}, for {he} wanted to {why}.",
        "How {hero} [longed|wished] for {athing}! Then {he} could {why}.",
    ];

    public static readonly string[] Go =
    [
        "[One morning|One afternoon|On Monday|After breakfast|At dawn] the friends [looked|searched] for one {inplace}.",
        "{friend} [had heard|had read|knew] of one {inplace}, so they set off [at once|after lunch|together].",
        "\"I saw one {inplace},\" said {friend}, and [off they went|they hurried there|{hero} jumped for joy].",
        "[One day|On Tuesday|Early one morning|On a cloudy afternoon] {hero} and {friend} went looking {inplace}.",
    ];

    public static readonly string[] Helper =
    [
        "Just then {ahkind} [named|called] {helper} came by.",
        "\"May I help?\" asked {helper}, {ahkind} with a [deep|soft|husky|kind] voice.",
        "Luckily {helper} the {hkind} [heard them|was passing by|saw everything|was close by].",
        "\"Do not [worry|cry|fret],\" said {ahkind} named {helper}.",
        "Now {ahkind} named {helper} [lived|was resting|worked] {inplace}.",
    ];

    public static readonly string[] Thanks =
    [
        "\"Thank you, {helper}!\" [cried|called|shouted] {hero} and took the {thing}.",
        "\"Here is your {noun}, {hero},\" said {helper} with a [wink|bow|grin].",
        "{hero} [hugged|kissed|stroked] the {thing}, and {friend} clapped.",
        "\"Hooray!\" [cried|shouted] {friend}, and {hero} thanked {helper} [twice|warmly|politely].",
        "{helper} [waved|smiled] as they left the {place} with the {thing}.",
    ];
}
