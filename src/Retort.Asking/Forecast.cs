namespace Retort.Asking;

/// <summary>A part of asking beside the questions a recipe holds.</summary>
/// <param name="Likely">Requests it probably takes.</param>
/// <param name="Most">More it never takes, unless one brings nothing and is sent again.</param>
/// <param name="AtMost">What all of these may cost; null without prices or without a length.</param>
public sealed record ForecastPart(long Likely, long Most, Usd? AtMost)
{
    /// <summary>Both together; null for neither.</summary>
    internal static ForecastPart? Sum(ForecastPart? one, ForecastPart? other) => one is null || other is null ? one ?? other : new(one.Likely + other.Likely, one.Most + other.Most, one.AtMost + other.AtMost);
}

/// <summary>What asking may cost before anything is asked.</summary>
/// <param name="Questions">Questions, each once, those of later turns among them.</param>
/// <param name="Sensitive">Prompts that hold personal data or secrets, by kind.</param>
/// <param name="LeftOut">Of those left out; listed in the run folder, without what was found.</param>
/// <param name="Left">Questions not answered yet.</param>
/// <param name="AtMost">What the rest costs if every answer is as long as it may be, one that is read again counted at that length; null without prices or without a length.</param>
/// <param name="Likely">What it costs if answers are as long as those already here; null where there are none.</param>
/// <param name="Ceiling">What is never passed.</param>
/// <param name="Spent">So far.</param>
public sealed record Forecast(long Questions, IReadOnlyDictionary<Sensitive, int> Sensitive, int LeftOut, long Left, Usd? AtMost, Usd? Likely, Usd? Ceiling, Usd Spent)
{
    /// <summary>Where the prompts come from, in lines to be shown.</summary>
    public IReadOnlyList<string> Sources { get; init; } = [];

    /// <summary>Seeing first what the endpoint does; null where that is known.</summary>
    public ForecastPart? Probe { get; init; }

    /// <summary>Asking for prompts; null where none are to be grown any more.</summary>
    public ForecastPart? Growing { get; init; }

    /// <summary>Asking what is grown: questions that nobody knows yet.</summary>
    public ForecastPart? Grown { get; init; }

    /// <summary>The most that all of it costs; null where that is not known of a part.</summary>
    public Usd? InAll => new[] { Probe, Growing, Grown }.OfType<ForecastPart>().Aggregate(AtMost, (sum, part) => sum + part.AtMost);

    /// <summary>That of asking several teachers, one store and one ceiling for all.</summary>
    internal Forecast And(Forecast other) => this with
    {
        Questions = Questions + other.Questions,
        Left = Left + other.Left,
        AtMost = AtMost + other.AtMost,
        Likely = Likely + other.Likely,
        Probe = ForecastPart.Sum(Probe, other.Probe),
        Grown = ForecastPart.Sum(Grown, other.Grown),
    };

    internal static Forecast Of(IEnumerable<Chain> chains, Transcripts store, Price? price, Usd? ceiling)
    {
        HashSet<string> met = new(StringComparer.Ordinal);
        long left = 0;
        Usd? most = price is null ? null : default(Usd);
        foreach (Chain chain in chains)
        {
            // A later question holds answers that may not be here yet, so it is known by the texts that lead to it.
            Question? question = chain.First;
            string name = Convert.ToHexString(question.Key());
            for (int place = 0; place <= chain.Later.Count; place++)
            {
                name += place == 0 ? "" : $"\n{chain.Later[place - 1].Length} {chain.Later[place - 1]}";
                bool last = place == chain.Later.Count;
                Reply? reply = question is null || last ? null : store.Reply(question.Key());
                if (met.Add(name) && (last ? question is null || !store.Find(question.Key()).Answered : reply is null))
                {
                    left++;
                    most = most is { } sum && chain.First.Parameters.MaxTokens is { } longest ? sum + chain.AtMost(price!, place, longest) : null;
                }

                question = question is null ? null : chain.After(question, reply, place);
                if (reply is not null && question is null)
                {
                    break;
                }
            }
        }

        StoreFacts facts = store.Facts();
        Usd? likely = price is null || facts.Answers == 0 ? null : new Usd((facts.Spent - facts.PossiblyPaid).Pico / facts.Answers) * left;
        return new(met.Count, new Dictionary<Sensitive, int>(), 0, left, most, likely, ceiling, facts.Spent);
    }
}
