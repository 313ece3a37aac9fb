namespace Retort.Samples.Tales;

/// <summary>A helper's kind, the means in one phrase ("by ..."), and the sentence in which it works.</summary>
sealed record Rescue(string Kind, string How, string Line);

/// <summary>What stands in the way, where that can be, and who can deal with it. Only light things can meet an obstacle that is <paramref name="Light"/>.</summary>
sealed record Obstacle(string Name, bool Light, string[] PlaceNouns, string[] Lines, string[] Tries, Rescue[] Rescues);

static class Obstacles
{
    public static readonly Obstacle[] All =
    [
        new("tall tree", true, ["forest", "meadow", "orchard", "garden", "park", "farm", "village"],
        [
            "There it was, {athing}, but it hung at the very top of a tall tree.",
            "The {thing} was caught in a tall tree, [far|high] above their heads.",
        ],
        ["{hero} jumped and jumped, but the branches were too high.", "{hero} tried to climb up, but the bark was too slippery."],
        [
            new("woodpecker", "pecking the twig through", "{helper} flew up and pecked the twig [through|in two], and the {noun} sailed down."),
            new("giraffe", "stretching a long neck", "{helper} stretched {hhis} long neck and [plucked|picked] the {noun} from the leaves."),
            new("gardener", "fetching a ladder", "{helper} fetched a ladder, climbed [seven|nine] rungs and brought the {noun} down."),
            new("squirrel", "climbing the trunk", "{helper} ran up the trunk and [tossed|threw] the {noun} down to {hero}."),
        ]),
        new("cold stream", false, ["forest", "meadow", "valley", "farm", "hill"],
        [
            "Yes, there was {athing}, but it lay on the far side of a cold stream.",
            "A cold stream [rushed|gurgled] between them and the {thing}.",
        ],
        ["{hero} dipped one toe in the water and shivered.", "The water was deep and too fast for swimming."],
        [
            new("beaver", "building a bridge of branches", "{helper} [gnawed|felled] three thin trees and built a bridge over to the {noun}."),
            new("rower", "rowing across", "{helper} rowed across with strong arms and [brought|carried] back the {noun}."),
            new("heron", "wading on long legs", "{helper} waded over on {hhis} long legs and came back with the {noun}."),
            new("moose", "carrying them across", "{helper} took them across on {hhis} [broad|shaggy] back, straight to the {noun}."),
        ]),
        new("deep hole", false, ["forest", "meadow", "garden", "hill", "beach", "park", "island"],
        [
            "They found {athing}, but it lay at the bottom of a deep hole.",
            "The {thing} had [tumbled|rolled] into a deep hole.",
        ],
        ["{hero} lay down and reached as far as {he} could, but it was too deep.", "{friend} held {his} feet, yet the bottom was still too far."],
        [
            new("mole", "digging a tunnel", "{helper} dug a tunnel from the side and [pushed|rolled] the {noun} out."),
            new("angler", "lowering a hook", "{helper} lowered a hook on a line and [pulled|fished] the {noun} up."),
            new("elephant", "reaching down with a trunk", "{helper} reached down with {hhis} trunk and [lifted|drew] the {noun} out."),
            new("weasel", "slipping down inside", "{helper} slipped down like a [noodle|ribbon of fur] and came back with the {noun}."),
        ]),
        new("thorny bush", false, ["forest", "garden", "orchard", "valley", "hill"],
        [
            "There it was, {athing}, but it was stuck in the middle of a thorny bush.",
            "A thorny bush held the {thing} [tight|fast] with a thousand prickles.",
        ],
        ["\"Ouch!\" cried {hero} and sucked {his} thumb.", "{friend} pulled from one side and {hero} from the other, but the thorns were too sharp."],
        [
            new("goat", "eating the thorns", "{helper} chewed up the thorns as if they were [salad|candy] until the {noun} was free."),
            new("knight", "cutting the branches", "{helper} cut the branches with a [gleaming|blunt] sword and freed the {noun}."),
            new("tortoise", "crawling under with a hard shell", "{helper} crawled in under {hhis} hard shell and [dragged|nudged] the {noun} out."),
            new("tailor", "snipping with scissors", "{helper} took out big scissors and went snip, snip, until the {noun} [came loose|dropped out]."),
        ]),
        new("dark cave", false, ["hill", "mountain", "beach", "island", "valley"],
        [
            "Somebody had left {athing} there, but it was deep inside a dark cave.",
            "The {thing} lay at the end of a dark cave, as black as [ink|coal].",
        ],
        ["{hero} took three steps and came running back.", "\"Hello?\" called {hero}, and a hollow voice answered, \"Hello?\""],
        [
            new("firefly", "glowing brightly", "{helper} glowed [brightly|like a star] and showed them the way to the {noun}."),
            new("bat", "listening in the dark", "{helper} could find the way by [ear|sound] and brought out the {noun}."),
            new("miner", "shining a helmet light", "{helper} switched on the light on {hhis} helmet and [led|took] them to the {noun}."),
            new("dragon", "breathing a little flame", "{helper} breathed a little flame, and the {noun} [glittered|appeared] in the light."),
        ]),
        new("locked chest", false, ["attic", "castle", "cellar", "lighthouse", "barn", "mill"],
        [
            "Inside a locked chest something rattled; it had to be {athing}.",
            "Through the keyhole of a locked chest {hero} could see the {thing}.",
        ],
        ["{hero} shook the lid and kicked it, but it stayed shut.", "They looked under every rug, but there was no way to open it."],
        [
            new("locksmith", "bending a wire", "{helper} bent a wire, turned it [twice|slowly], and click, the {noun} was theirs."),
            new("magpie", "bringing the lost key", "{helper} fetched the lost key from {hhis} nest and opened the chest, and there was the {noun}."),
            new("carpenter", "unscrewing the hinges", "{helper} unscrewed the hinges one by one and [lifted|handed] out the {noun}."),
            new("wizard", "saying a magic word", "{helper} said a magic word [backwards|under {hhis} breath], the lid sprang open, and out came the {noun}."),
        ]),
        new("grumpy goose", false, ["farm", "barn", "village", "meadow", "park"],
        [
            "Look, {athing}! But a grumpy goose sat on it and [hissed|snapped].",
            "A grumpy goose stood in front of the {thing} and flapped her wings.",
        ],
        ["{hero} said please, but the bird only stretched her neck and honked.", "{friend} stepped closer and got a nip in the leg."],
        [
            new("miller", "scattering corn", "{helper} scattered a handful of corn, the goose ran after it, and the {noun} was free."),
            new("nightingale", "singing a lullaby", "{helper} sang a lullaby until the goose [nodded off|slept], and {hero} picked up the {noun}."),
            new("sheepdog", "herding the goose away", "{helper} barked once and herded the goose [away|to its pen], and left the {noun} behind."),
            new("swan", "speaking politely to the goose", "{helper} spoke politely to the goose, bird to bird, and she [gave up|let go of] the {noun}."),
        ]),
        new("wide pond", true, ["park", "garden", "meadow", "farm", "village"],
        [
            "They spotted {athing}, but it was drifting in the middle of a wide pond.",
            "The {thing} floated far out on a wide pond, among the [lilies|ripples].",
        ],
        ["{hero} reached out with a stick, but the stick was too short.", "{hero} threw pebbles to make waves, but it only drifted farther."],
        [
            new("turtle", "swimming out", "{helper} swam out [slowly|steadily] and pushed the {noun} to the shore with {hhis} nose."),
            new("pelican", "scooping it up", "{helper} landed with a splash and [scooped|gathered] the {noun} up in {hhis} bill."),
            new("sailor", "throwing a rope", "{helper} threw a rope in a big loop and [pulled|hauled] the {noun} ashore."),
            new("toad", "paddling on a lily leaf", "{helper} paddled out on a lily leaf and [towed|steered] the {noun} back to land."),
        ]),
        new("sticky mud", false, ["marsh", "farm", "meadow", "valley"],
        [
            "There was {athing}, but it had sunk halfway into sticky mud.",
            "Sticky mud held the {thing} and would not [let go|give it back].",
        ],
        ["{hero} pulled with all {his} strength and lost a sock.", "{hero} stepped in and got stuck up to the knees."],
        [
            new("donkey", "pulling with a harness", "{helper} leaned into {hhis} harness and [pulled|heaved], and the {noun} came out with a plop."),
            new("stork", "tugging with a long beak", "{helper} stood on one leg and tugged out the {noun} with {hhis} long [red|yellow] beak."),
            new("plumber", "pumping out the water", "{helper} pumped the water away until the mud was dry and the {noun} [stood|lay] free."),
            new("hippo", "rolling in", "{helper} rolled into the mud with a [sigh|giggle] and came up with the {noun} on {hhis} head."),
        ]),
        new("heavy stone", false, ["mountain", "hill", "beach", "island", "valley"],
        [
            "They saw a corner of {athing}, but it was trapped beneath a heavy stone.",
            "A heavy stone lay right [before|across] the hollow with the {thing}.",
        ],
        ["{hero} and {friend} pushed until their faces were red.", "It did not move, not even by the width of a hair."],
        [
            new("bear", "lifting with strong arms", "{helper} lifted the stone like a [pancake|cushion], and {hero} grabbed the {noun}."),
            new("blacksmith", "using an iron bar as a lever", "{helper} pushed an iron bar under the stone and [tipped|levered] it off the {noun}."),
            new("giant", "flicking it away", "{helper} flicked the stone away with one finger and [uncovered|freed] the {noun}."),
            new("badger", "digging the ground away", "{helper} dug the ground away until the stone [rolled|slid] aside and the {noun} was free."),
        ]),
        new("high wall", false, ["castle", "garden", "village", "orchard"],
        [
            "Through a gap they could see {athing}, but it was behind a high wall.",
            "A high wall stood between them and the {thing}, with no [gate|door] in sight.",
        ],
        ["{friend} stood on {his} shoulders, but they could not reach the top.", "They walked all the way around and found no way in."],
        [
            new("crane", "flying over", "{helper} flew over with slow [wings|wingbeats] and came back with the {noun}."),
            new("acrobat", "leaping over with a pole", "{helper} leaped over with a long pole and [threw|passed] the {noun} back."),
            new("bricklayer", "taking out some bricks", "{helper} took out [five|six] bricks, pulled out the {noun}, and closed the gap again."),
            new("monkey", "climbing the ivy", "{helper} climbed up the ivy and swung back with the {noun} in {hhis} [tail|hand]."),
        ]),
        new("tight knot", false, ["harbor", "mill", "barn", "lighthouse"],
        [
            "They noticed {athing}, but it was tied to a beam with a tight knot.",
            "Someone had fastened the {thing} to a post with a tight knot, as big as [a cabbage|a fist].",
        ],
        ["{hero} picked at the rope until {his} fingers were sore.", "The more they pulled, the tighter it became."],
        [
            new("rat", "gnawing the rope", "{helper} gnawed through the rope with {hhis} [sharp|yellow] teeth, and the {noun} was free."),
            new("captain", "knowing every knot", "{helper} knew every knot of the seven seas and untied the {noun} in a [wink|moment]."),
            new("octopus", "untying with eight arms", "{helper} used all eight arms at once and [untangled|untied] the {noun}."),
            new("weaver", "loosening it with a needle", "{helper} loosened the rope with a long needle, thread by thread, and let the {noun} go."),
        ]),
        new("deep snow", false, ["mountain"],
        [
            "They saw the tip of {athing}, but the rest was buried in deep snow.",
            "The {thing} was buried in deep snow, [under|below] a frozen crust.",
        ],
        ["{hero} dug with bare hands until they were blue.", "They scraped and scraped, but more and more flakes fell."],
        [
            new("reindeer", "scraping with hooves", "{helper} scraped the snow away with {hhis} hooves and [found|bared] the {noun}."),
            new("shepherd", "shoveling", "{helper} shoveled a neat [path|trench] right up to the {noun}."),
            new("yak", "melting it with warm breath", "{helper} puffed {hhis} warm breath until the snow melted off the {noun}."),
            new("husky", "digging with quick paws", "{helper} dug so fast with {hhis} paws that snow flew [everywhere|like feathers], and out came the {noun}."),
        ]),
        new("thick fog", false, ["marsh", "harbor", "island", "mountain", "beach"],
        [
            "For a moment they saw {athing}, then a thick fog swallowed it.",
            "A thick fog rolled in and hid the {thing} [completely|like a curtain].",
        ],
        ["{hero} could not see {his} own feet.", "They walked in a circle and bumped into each other."],
        [
            new("bloodhound", "following the scent", "{helper} put {hhis} nose to the ground and [sniffed|snuffled] straight to the {noun}."),
            new("lamplighter", "lighting a row of lamps", "{helper} lit a row of lamps, one after another, as far as the {noun}."),
            new("piper", "playing so they could follow the sound", "{helper} walked ahead and played the pipe, and they followed the [tune|sound] to the {noun}."),
            new("owl", "seeing with big eyes", "{helper} opened {hhis} big round eyes and [spied|saw] the {noun} at once."),
        ]),
        new("angry bees", false, ["orchard", "garden", "forest", "meadow"],
        [
            "They came upon {athing}, but a swarm of angry bees buzzed around it.",
            "Angry bees had made their home [beside|next to] the {thing}.",
        ],
        ["{hero} tiptoed closer, but zoom, they came at {him} like arrows.", "{friend} hid {fhis} head in a bucket."],
        [
            new("beekeeper", "puffing smoke", "{helper} puffed a little smoke to make the bees [sleepy|gentle] and took the {noun} away."),
            new("butterfly", "leading the bees to flowers", "{helper} led the bees to a bed of [lilacs|poppies], so the {noun} was safe to take."),
            new("baker", "offering syrup", "{helper} set out a bowl of syrup, all the bees came to it, and {hero} got the {noun}."),
            new("wolf", "walking in with thick fur", "{helper} had fur so thick that no bee could sting, and fetched the {noun} [calmly|easily]."),
        ]),
        new("sticky web", false, ["attic", "cellar", "barn", "mill"],
        [
            "Up in a corner was {athing}, but it was wrapped in a sticky web.",
            "A sticky web had been spun [around|over] the {thing}.",
        ],
        ["{hero} touched one thread and was glued to it.", "{friend} sneezed, and now {fhis} nose was caught as well."],
        [
            new("spider", "unrolling the threads", "{helper} rolled up {hhis} own threads with a [bow|blush] and gave back the {noun}."),
            new("cook", "rubbing butter on it", "{helper} rubbed butter on the threads until the {noun} [slipped|slid] out."),
            new("cleaner", "sweeping with a broom", "{helper} swept the web away with a [broom|long feather duster], and the {noun} was free."),
            new("lizard", "licking it clean", "{helper} licked off every thread with {hhis} [quick|pink] tongue until the {noun} was clean."),
        ]),
        new("huge haystack", false, ["barn", "farm"],
        [
            "A mouse had seen {athing}, but it was lost in a huge haystack.",
            "A huge haystack had [fallen on|buried] the {thing}.",
        ],
        ["{hero} searched until there was hay in {his} ears.", "{friend} dug in head first, and only {fhis} feet stuck out."],
        [
            new("horse", "eating the hay", "{helper} ate and ate, and at the last [mouthful|bite] the {noun} appeared."),
            new("farmer", "lifting it with a pitchfork", "{helper} lifted the hay with a pitchfork, load by load, and [found|revealed] the {noun}."),
            new("ferret", "wriggling through", "{helper} wriggled through the hay and came out with the {noun} [between|in] {hhis} teeth."),
            new("ant", "calling a thousand cousins", "{helper} called a thousand cousins, who carried the hay away straw by straw, down to the {noun}."),
        ]),
        new("top shelf", false, ["library", "market", "castle", "attic", "cellar"],
        [
            "They found {athing}, but it stood on a top shelf, near the ceiling.",
            "The {thing} was on a top shelf, much too high for [them|little ones].",
        ],
        ["{hero} stood on tiptoe on a box and almost fell.", "{friend} piled up crates, but the pile wobbled and crashed."],
        [
            new("librarian", "rolling up a ladder", "{helper} rolled up a ladder on wheels and [brought|handed] down the {noun}."),
            new("ostrich", "craning a long neck", "{helper} craned {hhis} neck, closed {hhis} beak around the {noun} and set it down [softly|gently]."),
            new("juggler", "walking on stilts", "{helper} came on stilts, took the {noun} and [juggled|balanced] it down."),
            new("cat", "leaping up", "{helper} leaped up in one bound and pushed the {noun} into {his} [arms|open hands]."),
        ]),
        new("stuck door", false, ["castle", "lighthouse", "mill", "cellar", "library"],
        [
            "Behind a pane they could see {athing}, but there was a stuck door in front of it.",
            "The {thing} was in the next room, behind a stuck door.",
        ],
        ["{hero} pulled the handle, and the handle came off.", "They knocked and pushed, but nothing moved."],
        [
            new("buffalo", "butting it with horns", "{helper} lowered {hhis} horns and ran, [boom|bang], and they walked in to the {noun}."),
            new("painter", "oiling the hinges", "{helper} put [three|four] drops of oil on the hinges, the door swung open, and there was the {noun}."),
            new("snake", "creeping under the gap", "{helper} crept through the gap below the door and pushed the {noun} out."),
            new("ghost", "floating through the wood", "{helper} floated through the wood and [turned|drew] the bolt from inside, and they got the {noun}."),
        ]),
    ];

    public static readonly (int Obstacle, Rescue Rescue)[] Rescues =
        [.. All.SelectMany((obstacle, index) => obstacle.Rescues.Select(rescue => (index, rescue)))];

    public static readonly string[] HelperKinds = [.. Rescues.Select(entry => entry.Rescue.Kind).Distinct(StringComparer.Ordinal)];
}
