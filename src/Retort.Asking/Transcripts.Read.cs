using Dapper;

namespace Retort.Asking;

/// <summary>How far a question has come.</summary>
/// <param name="Request">Its row; 0 where it was never asked.</param>
/// <param name="Attempts">How often it was sent.</param>
public readonly record struct Standing(long Request, bool Answered, int Attempts);

/// <summary>What a store holds.</summary>
/// <param name="Questions">Questions asked, answered or not.</param>
/// <param name="Answers">Of them answered.</param>
/// <param name="Attempts">Requests sent.</param>
/// <param name="InFlight">Attempts that were under way when a program ended: possibly paid, counted at the most they could cost.</param>
/// <param name="Spent">What answers cost, and what others may have.</param>
/// <param name="PossiblyPaid">Of that, what brought no answer: broken off, or in flight at an end.</param>
public sealed record StoreFacts(long Questions, long Answers, long Attempts, long InFlight, Usd Spent, Usd PossiblyPaid);

public sealed partial class Transcripts
{
    /// <summary>How far a question has come.</summary>
    public Standing Find(byte[] key)
    {
        lock (_connection)
        {
            (long id, long answered, long attempts) = _connection.QueryFirstOrDefault<(long, long, long)>(
                """
                SELECT id, EXISTS (SELECT 1 FROM answer WHERE request = r.id), (SELECT count(*) FROM attempt WHERE request = r.id) FROM request r WHERE key = @key
                """,
                new { key });
            return new(id, answered != 0, (int)attempts);
        }
    }

    /// <summary>What the store holds now. An attempt without an end counts in full: who killed us may have left a bill.</summary>
    public StoreFacts Facts()
    {
        lock (_connection)
        {
            return _connection.QuerySingle<(long, long, long, long, long, long)>(
                """
                SELECT (SELECT count(*) FROM request), (SELECT count(*) FROM answer), count(*), count(*) FILTER (WHERE ended IS NULL),
                  coalesce(sum(coalesce(spent, reserved)), 0), coalesce(sum(coalesce(spent, reserved)) FILTER (WHERE outcome IS NOT 'answered'), 0)
                FROM attempt
                """) is var (questions, answers, attempts, open, spent, lost) ? new(questions, answers, attempts, open, new(spent), new(lost)) : throw new InvalidOperationException();
        }
    }
}
