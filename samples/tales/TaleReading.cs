namespace Retort.Samples.Tales;

/// <summary>A text read from left to right: what its sentences state, the first statement of a fact holding, and where they disagree.</summary>
sealed class TaleReading
{
    const string Stops = ".!?";

    readonly string text;
    readonly HashSet<(Fact, int)> blamed = [];

    TaleReading(string text) => this.text = text;

    public Plot Plot { get; } = new();

    public List<Beat> Beats { get; } = [];

    public List<string> Contradictions { get; } = [];

    /// <summary>Sentences no pattern matches.</summary>
    public List<string> Strange { get; } = [];

    public List<string> UnknownWords { get; } = [];

    public int KnownSentences { get; private set; }

    public bool Truncated { get; private set; }

    public static TaleReading Of(string text)
    {
        var reading = new TaleReading(string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)));
        reading.Read();
        return reading;
    }

    void Read()
    {
        for (var at = 0; at < text.Length; at++)
        {
            at = ReadLine(at);
        }
        CheckWorld();
        Truncated = text.TrimEnd('"') is not [.., var last] || !Stops.Contains(last, StringComparison.Ordinal);
    }

    /// <summary>Takes the pattern that contradicts least, then the longest, and returns where it ends; without one, the end of the sentence.</summary>
    int ReadLine(int at)
    {
        Line? best = null;
        var (bestEnd, bestCost) = (0, int.MaxValue);
        var stated = new List<(Fact Fact, int Value)>();
        List<(Fact Fact, int Value)> bestStated = [];
        foreach (var line in World.All)
        {
            stated.Clear();
            var end = line.Phrase.Read(text, at, stated);
            if (end < 0 || (end < text.Length && text[end] != ' '))
            {
                continue;
            }
            stated.AddRange(line.States);
            var cost = stated.Count(Contradicts);
            if (cost < bestCost || (cost == bestCost && end > bestEnd))
            {
                (best, bestEnd, bestCost, bestStated) = (line, end, cost, [.. stated]);
            }
        }
        if (best is null)
        {
            var stop = SentenceEnd(at);
            Strange.Add(text[at..stop]);
            UnknownWords.AddRange(TaleWords.Of(text[at..stop]).Where(word => !World.Vocabulary.Contains(word)));
            return stop;
        }
        Accept(best, bestStated);
        return bestEnd;
    }

    void Accept(Line line, List<(Fact Fact, int Value)> stated)
    {
        KnownSentences++;
        if (Beats.Count > 0 && line.Beat <= Beats[^1])
        {
            Contradictions.Add($"the {line.Beat.ToString().ToLowerInvariant()} comes after the {Beats[^1].ToString().ToLowerInvariant()}");
        }
        Beats.Add(line.Beat);
        foreach (var (fact, value) in stated)
        {
            if (Plot[fact] < 0)
            {
                Plot[fact] = value;
            }
            else if (Plot[fact] != value && blamed.Add((fact, value)))
            {
                Contradictions.Add($"the {fact} changes in the {line.Beat.ToString().ToLowerInvariant()}");
            }
        }
    }

    bool Contradicts((Fact Fact, int Value) stated) => Plot[stated.Fact] >= 0 && Plot[stated.Fact] != stated.Value;

    /// <summary>What must fit together though no two sentences name the same fact.</summary>
    void CheckWorld()
    {
        Require(Plot[Fact.Hero] != Plot[Fact.Friend], "hero and friend have one name", Fact.Hero, Fact.Friend);
        Require(Fits(Fact.Noun, Fact.Look, World.LooksOf), "the thing does not come in this look", Fact.Noun, Fact.Look);
        Require(Fits(Fact.Noun, Fact.Why, World.ReasonsOf), "the reason does not suit the thing", Fact.Noun, Fact.Why);
        Require(Fits(Fact.Obstacle, Fact.Place, World.PlacesOf), "the obstacle does not belong to the place", Fact.Obstacle, Fact.Place);
        Require(Fits(Fact.Obstacle, Fact.Noun, World.ThingsOf), "the thing cannot meet this obstacle", Fact.Obstacle, Fact.Noun);

        bool Fits(Fact one, Fact other, int[][] allowed) => Plot[one] < 0 || Plot[other] < 0 || allowed[Plot[one]].Contains(Plot[other]);
    }

    void Require(bool holds, string fault, Fact one, Fact other)
    {
        if (!holds && Plot[one] >= 0 && Plot[other] >= 0)
        {
            Contradictions.Add(fault);
        }
    }

    /// <summary>After a stop, its closing quote, and before something that can begin a sentence.</summary>
    int SentenceEnd(int at)
    {
        for (; at < text.Length; at++)
        {
            if (!Stops.Contains(text[at], StringComparison.Ordinal))
            {
                continue;
            }
            var end = at + 1 < text.Length && text[at + 1] == '"' ? at + 2 : at + 1;
            if (end >= text.Length || (text[end] == ' ' && end + 1 < text.Length && (char.IsUpper(text[end + 1]) || text[end + 1] == '"')))
            {
                return end;
            }
        }
        return text.Length;
    }
}
