using System.Text.Json;

namespace Retort.Samples.Tales;

/// <summary>
/// A question with its gold answer. <paramref name="Given"/> is the story the prompt holds (the beginning for "continue", empty for "write");
/// <paramref name="Traits"/> is what "write" asks for.
/// </summary>
public sealed record TaleTask(string Kind, string Prompt, string Gold, string Given, TaleTraits? Traits);

/// <summary>Tasks about stories, and the score of any answer against the world rather than against a wording.</summary>
public static class TaleTasks
{
    public const string Write = "write";
    public const string Continue = "continue";
    public const string Answer = "answer";
    public const string Facts = "facts";
    public const string Mood = "mood";

    public static IReadOnlyList<string> Kinds { get; } = [Write, Continue, Answer, Facts, Mood];

    /// <summary>The keys of a "facts" answer, in order.</summary>
    public static IReadOnlyList<string> FactKeys { get; } = ["who", "kind", "thing", "where", "obstacle", "helper", "mood"];

    /// <summary>The story is the one <see cref="TaleGenerator.Generate"/> tells for the same seed.</summary>
    /// <exception cref="ArgumentException"><paramref name="kind"/> is none of <see cref="Kinds"/>.</exception>
    public static TaleTask Generate(ulong seed, string? kind = null)
    {
        var told = TaleGenerator.Tell(seed);
        var random = new SplitMix64(SplitMix64.Mix(~seed));
        return (kind ?? random.Pick(Kinds)) switch
        {
            Write => ToWrite(told, random),
            Continue => ToContinue(told, random),
            Answer => ToAnswer(told, random),
            Facts => About(Facts, told, FactsQuestion, Json(told.Facts())),
            Mood => About(Mood, told, random.Pick(MoodQuestions), told.Facts().Mood),
            _ => throw new ArgumentException($"no kind of task is called {kind}", nameof(kind)),
        };
    }

    /// <summary>A talk about the story of <paramref name="seed"/>: everything that can be asked of it, in a random order.</summary>
    public static (string Story, IReadOnlyList<(string Question, string Gold)> Turns) Talk(ulong seed)
    {
        var told = TaleGenerator.Tell(seed);
        var random = new SplitMix64(SplitMix64.Mix(~seed) + 1);
        var facts = told.Facts();
        List<(string Question, string Gold)> turns = [.. Questions(facts), (FactsQuestion, Json(facts)), (random.Pick(MoodQuestions), facts.Mood)];
        for (var i = turns.Count - 1; i > 0; i--)
        {
            var j = random.Below(i + 1);
            (turns[i], turns[j]) = (turns[j], turns[i]);
        }
        return (told.Text(0, told.Beats.Count), turns);
    }

    /// <summary>In [0, 1]: exact match for "answer" and "mood", the share of equal fields for "facts", the checker's score for "write" and "continue".</summary>
    public static double Score(TaleTask task, string answer) => task.Kind switch
    {
        Write => TaleChecker.Check(answer, task.Traits!).Score,
        Continue => TaleChecker.CheckContinuation(task.Given, answer).Score,
        Facts => ScoreFacts(task.Gold, answer),
        Answer or Mood => string.Equals(Plain(task.Gold), Plain(answer), StringComparison.Ordinal) ? 1 : 0,
        _ => throw new ArgumentException($"no kind of task is called {task.Kind}", nameof(task)),
    };

    const string FactsQuestion = "Facts as JSON:";

    static readonly string[] MoodQuestions =
    [
        "What is the mood at the end?",
        "How does the hero feel at the end?",
        "Mood in one word:",
    ];

    static TaleTask ToWrite(Told told, SplitMix64 random)
    {
        var facts = told.Facts();
        var prompt = random.Below(4) switch
        {
            0 => $"Write a story about {facts.Who} the {facts.Kind}, who wants {People.WithArticle(facts.Thing)} and looks {facts.WhereWithPreposition}. The mood is {facts.Mood}.",
            1 => $"Write a story. Hero: {facts.Who}, {People.WithArticle(facts.Kind)}. Wish: {People.WithArticle(facts.Thing)}. Place: the {facts.Where}. Mood: {facts.Mood}.",
            2 => $"Tell a {facts.Mood} tale {facts.WhereWithPreposition}: {facts.Who}, {People.WithArticle(facts.Kind)}, is looking for {People.WithArticle(facts.Thing)}.",
            _ => $"Please tell how {facts.Who} the {facts.Kind} went looking for {People.WithArticle(facts.Thing)} {facts.WhereWithPreposition} and was {facts.Mood} in the end.",
        };
        return new TaleTask(Write, prompt, told.Text(0, told.Beats.Count), "", new TaleTraits(facts.Who, facts.Kind, facts.Thing, facts.Where, facts.Mood));
    }

    /// <summary>The story stops after the way there, after the obstacle, or when the helper has come.</summary>
    static TaleTask ToContinue(Told told, SplitMix64 random)
    {
        var last = random.Pick<Beat>([Beat.Go, Beat.Obstacle, Beat.Helper]);
        var cut = told.Beats.TakeWhile(beat => beat.Beat <= last).Count();
        var given = told.Text(0, cut);
        var request = random.Pick<string>(["Continue this story:", "How does this story go on?", "Finish this story:"]);
        return new TaleTask(Continue, $"{request}\n{given}", told.Text(cut, told.Beats.Count), given, null);
    }

    static TaleTask ToAnswer(Told told, SplitMix64 random)
    {
        var (question, gold) = random.Pick(Questions(told.Facts()));
        return About(Answer, told, question, gold);
    }

    static (string Question, string Gold)[] Questions(TaleFacts facts) =>
    [
        ("Who is the hero?", facts.Who),
        ("Who is the hero's friend?", facts.Friend),
        ($"What does {facts.Who} want?", People.WithArticle(facts.Thing)),
        ("Where do the friends look for it?", facts.WhereWithPreposition),
        ($"Why does {facts.Who} want it?", "to " + facts.Why),
        ("What is in the way?", "the " + facts.Obstacle),
        ("Who helps them?", $"{facts.HelperName} the {facts.Helper}"),
        ($"What is {facts.Who}?", People.WithArticle(facts.Kind)),
        ($"What is {facts.Friend}?", People.WithArticle(facts.FriendKind)),
        ($"How does {facts.HelperName} help?", "by " + facts.How),
        ($"Which {facts.Thing.Split(' ')[1]} does {facts.Who} want?", $"the {facts.Thing}"),
        ($"Who is {facts.HelperName}?", People.WithArticle(facts.Helper)),
    ];

    static TaleTask About(string kind, Told told, string question, string gold)
    {
        var story = told.Text(0, told.Beats.Count);
        return new TaleTask(kind, $"{story}\n{question}", gold, story, null);
    }

    static string Json(TaleFacts facts)
    {
        string[] values = [facts.Who, facts.Kind, facts.Thing, facts.Where, facts.Obstacle, facts.Helper, facts.Mood];
        return "{" + string.Join(',', FactKeys.Zip(values, (key, value) => $"\"{key}\":\"{value}\"")) + "}";
    }

    static double ScoreFacts(string gold, string answer)
    {
        var expected = Fields(gold)!;
        return Fields(answer) is { } told ? (double)FactKeys.Count(key => told.TryGetValue(key, out var value) && value == expected[key]) / FactKeys.Count : 0;
    }

    /// <summary>The text fields of a JSON object, or null where it is none.</summary>
    static Dictionary<string, string>? Fields(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                return null;
            }
            var fields = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var field in document.RootElement.EnumerateObject())
            {
                if (field.Value.ValueKind == JsonValueKind.String)
                {
                    fields[field.Name] = field.Value.GetString()!;
                }
            }
            return fields;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    static string Plain(string answer) => answer.Trim().TrimEnd('.').ToLowerInvariant();
}
