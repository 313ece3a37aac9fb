namespace Retort.Samples.Tales;

/// <summary>A story and what happens in it.</summary>
public sealed record Tale(TaleFacts Facts, string Text);

/// <summary>
/// What a story states, in its own words: <paramref name="Thing"/> is look and noun ("red kite"), <paramref name="Why"/> an infinitive without "to",
/// <paramref name="Where"/> adjective and noun ("windy meadow"), <paramref name="Helper"/> the helper's kind, <paramref name="How"/> completes "by ...",
/// <paramref name="Mood"/> one of <see cref="TaleGenerator.MoodWords"/>.
/// </summary>
public sealed record TaleFacts(
    string Who, string Kind, string Friend, string FriendKind, string Thing, string Why, string Where, string WhereWithPreposition,
    string Obstacle, string Helper, string HelperName, string How, string Ending, string Mood);

/// <summary>What a story is asked to have; null asks for nothing.</summary>
public sealed record TaleTraits(string? Who = null, string? Kind = null, string? Thing = null, string? Where = null, string? Mood = null);
