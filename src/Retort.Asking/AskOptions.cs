namespace Retort.Asking;

/// <summary>How to ask.</summary>
/// <param name="InFlight">Most requests under way at a time.</param>
/// <param name="Attempts">How often one question is sent at most.</param>
/// <param name="Ceiling">Money that is never passed; null for none.</param>
/// <param name="RequestsPerMinute">A fixed rate; null adapts to what the endpoint allows.</param>
/// <param name="TokensPerMinute">The same for tokens of questions and answers.</param>
/// <param name="Grace">How long what is under way may take once we are told to stop.</param>
/// <param name="Terms">The entry of the terms register under which this is asked, written down with every question.</param>
/// <param name="Account">Names the account without its key; null where there is no key.</param>
public sealed record AskOptions(
    int InFlight = 32, int Attempts = 8, Usd? Ceiling = null, double? RequestsPerMinute = null, double? TokensPerMinute = null, TimeSpan? Grace = null, string? Terms = null, byte[]? Account = null)
{
    /// <summary>What it is asked for.</summary>
    public AskPurpose Purpose { get; init; }
}

/// <summary>What a question is asked for.</summary>
public enum AskPurpose
{
    /// <summary>Its answers are data to train on.</summary>
    Data,

    /// <summary>To find out what the endpoint does.</summary>
    Probe,

    /// <summary>To get new prompts.</summary>
    Grow,
}

/// <summary>Why asking ended.</summary>
public enum AskEnd
{
    /// <summary>Every question was asked.</summary>
    Done,

    /// <summary>The next question could have passed the ceiling.</summary>
    Ceiling,

    /// <summary>The endpoint does not take our key, or not from here.</summary>
    ShutOut,

    /// <summary>We were told to stop.</summary>
    Stopped,

    /// <summary>Files and batches cannot be had of the endpoint, in as many tries as are allowed.</summary>
    Unavailable,
}

/// <summary>How asking stands.</summary>
/// <param name="Questions">Questions met so far, each once.</param>
/// <param name="Before">Of them answered by earlier runs.</param>
/// <param name="Answered">Answered by this one.</param>
/// <param name="GivenUp">Sent as often as allowed, or refused, without an answer.</param>
/// <param name="Faults">Attempts that brought nothing, by cause.</param>
/// <param name="Spent">By this store, all runs together, with what may have been paid.</param>
/// <param name="Rate">Requests a minute the pace allows; null while unbounded.</param>
/// <param name="Elapsed">Since this run began.</param>
public sealed record AskFacts(long Questions, long Before, long Answered, long GivenUp, IReadOnlyDictionary<FaultKind, long> Faults, Usd Spent, double? Rate, TimeSpan Elapsed)
{
    /// <summary>Later questions of chains that are not asked, since the one before has no answer, a refusal, or one that was cut off.</summary>
    public long NotAsked { get; init; }

    /// <summary>Those of two askings one after another; what is of a moment is the later one's.</summary>
    public AskFacts And(AskFacts later) => later with
    {
        Questions = Questions + later.Questions,
        Before = Before + later.Before,
        Answered = Answered + later.Answered,
        GivenUp = GivenUp + later.GivenUp,
        Faults = Faults.Concat(later.Faults).GroupBy(f => f.Key).ToDictionary(g => g.Key, g => g.Sum(f => f.Value)),
        Elapsed = Elapsed + later.Elapsed,
        NotAsked = NotAsked + later.NotAsked,
    };
}

/// <param name="Said">What the endpoint said where it shut us out; else null.</param>
public sealed record AskResult(AskEnd End, AskFacts Facts, string? Said)
{
    /// <summary>Batches that ended in this run.</summary>
    public IReadOnlyList<BatchFacts> Batches { get; init; } = [];

    /// <summary>That of two askings one after another.</summary>
    public AskResult And(AskResult later) => later with { Facts = Facts.And(later.Facts), Batches = [.. Batches, .. later.Batches] };
}
