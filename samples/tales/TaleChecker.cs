namespace Retort.Samples.Tales;

/// <summary>
/// What the checker found. <paramref name="Score"/> is in [0, 1] and 1 exactly when the text is <paramref name="Consistent"/>, which is when there are no faults.
/// </summary>
public sealed record TaleVerdict(bool Consistent, double Score, IReadOnlyList<string> Faults);

/// <summary>
/// Judges any text as a story of this world. It reads sentence by sentence with the generator's own patterns, each free to state any value, and compares what the
/// sentences state: names, pronouns, kinds, the thing and its look, the reason, the place, the obstacle, the helper's means, the ending and the mood.
/// The score of a faulty text is the square of the share of required beats told, times the share of sentences known, times 0.6 for each contradiction,
/// 0.9 for each unknown word and 0.9 for breaking off.
/// A sentence this world does not know is a fault even where it is good English: the checker measures whether a model has learnt this world, not literature.
/// </summary>
public static class TaleChecker
{
    static readonly Beat[] Required = [Beat.Open, Beat.Friend, Beat.Want, Beat.Go, Beat.Obstacle, Beat.Helper, Beat.Means, Beat.Ending, Beat.Mood];

    public static TaleVerdict Check(string text) => Judge(TaleReading.Of(text), given: null);

    /// <summary>As <see cref="Check(string)"/>, and each trait asked for must be the story's; the score is multiplied by the share of traits that are.</summary>
    public static TaleVerdict Check(string text, TaleTraits traits)
    {
        var reading = TaleReading.Of(text);
        var verdict = Judge(reading, given: null);
        var faults = new List<string>(verdict.Faults);
        var (asked, met) = (0, 0);
        Compare("hero", traits.Who, Named(Fact.Hero, People.Names));
        Compare("kind", traits.Kind, Named(Fact.HeroKind, People.Kinds));
        Compare("thing", traits.Thing, $"{Named(Fact.Look, Things.Looks)} {(reading.Plot[Fact.Noun] < 0 ? null : Things.All[reading.Plot[Fact.Noun]].Noun)}");
        Compare("place", traits.Where, reading.Plot[Fact.Place] < 0 ? null : Places.Name(reading.Plot[Fact.Place]));
        Compare("mood", traits.Mood, reading.Plot[Fact.Mood] < 0 ? null : Moods.All[reading.Plot[Fact.Mood]].Word);
        return new TaleVerdict(faults.Count == 0, asked == 0 ? verdict.Score : verdict.Score * met / asked, faults);

        string? Named(Fact fact, string[] words) => reading.Plot[fact] < 0 ? null : words[reading.Plot[fact]];

        void Compare(string what, string? wanted, string? told)
        {
            if (wanted is null)
            {
                return;
            }
            asked++;
            if (string.Equals(wanted, told, StringComparison.Ordinal))
            {
                met++;
            }
            else
            {
                faults.Add($"the {what} should be {wanted} and is {told ?? "missing"}");
            }
        }
    }

    /// <summary>Judges <paramref name="continuation"/> as the rest of the story that begins with <paramref name="beginning"/>; only the rest earns score.</summary>
    public static TaleVerdict CheckContinuation(string beginning, string continuation)
    {
        var given = TaleReading.Of(beginning);
        var rest = continuation.Trim();
        return rest.Length == 0
            ? new TaleVerdict(Consistent: false, 0, ["nothing was told"])
            : Judge(TaleReading.Of(beginning.TrimEnd() + " " + rest), given);
    }

    static TaleVerdict Judge(TaleReading reading, TaleReading? given)
    {
        var faults = new List<string>();
        foreach (var beat in Required.Where(beat => !reading.Beats.Contains(beat)))
        {
            faults.Add($"nothing tells the {beat.ToString().ToLowerInvariant()}");
        }
        faults.AddRange(reading.Contradictions);
        faults.AddRange(reading.Strange.Select(sentence => $"not a sentence of this world: {sentence}"));
        faults.AddRange(reading.UnknownWords.Select(word => $"unknown word: {word}"));
        if (reading.Truncated)
        {
            faults.Add("the text breaks off");
        }
        if (faults.Count == 0)
        {
            return new TaleVerdict(Consistent: true, 1, faults);
        }

        var needed = Required.Count(beat => given is null || !given.Beats.Contains(beat));
        var told = Required.Count(beat => reading.Beats.Contains(beat) && (given is null || !given.Beats.Contains(beat)));
        var known = reading.KnownSentences - (given?.KnownSentences ?? 0);
        var all = known + reading.Strange.Count - (given?.Strange.Count ?? 0);
        var coverage = needed == 0 ? 0 : (double)told / needed;
        var score = all <= 0 ? 0 : coverage * coverage * known / all;
        score *= Math.Pow(0.6, reading.Contradictions.Count - (given?.Contradictions.Count ?? 0));
        score *= Math.Pow(0.9, reading.UnknownWords.Count - (given?.UnknownWords.Count ?? 0));
        score *= reading.Truncated ? 0.9 : 1;
        return new TaleVerdict(Consistent: false, Math.Clamp(score, 0, 0.99), faults);
    }
}
