using Dapper;

namespace Retort.Asking;

/// <summary>How far a question has come.</summary>
/// <param name="Request">Its row; 0 where it was never asked.</param>
/// <param name="Attempts">How often it was sent.</param>
public readonly record struct Standing(long Request, bool Answered, int Attempts);

/// <summary>What a store holds.</summary>
/// <param name="Questions">Questions asked for data, answered or not.</param>
/// <param name="Answers">Of them answered.</param>
/// <param name="Attempts">Requests sent.</param>
/// <param name="InFlight">Attempts that were under way when a program ended: possibly paid, counted at the most they could cost.</param>
/// <param name="Spent">What answers cost, and what others may have.</param>
/// <param name="PossiblyPaid">Of that, what brought no answer: broken off, or in flight at an end.</param>
public sealed record StoreFacts(long Questions, long Answers, long Attempts, long InFlight, Usd Spent, Usd PossiblyPaid);

/// <summary>What the answers of a store took.</summary>
/// <param name="PromptTokens">As the endpoint counts them; what it did not count is left out.</param>
/// <param name="MedianLatency">Milliseconds from request to answer; null without answers.</param>
/// <param name="Latency95">The same that 95 of 100 answers did not exceed.</param>
/// <param name="Models">Names the endpoint gave its models, with how many answers each.</param>
/// <param name="Limited">How often it asked us to slow down, shut us out or refused.</param>
public sealed record StoreUsage(long PromptTokens, long CompletionTokens, double? MedianLatency, double? Latency95, IReadOnlyDictionary<string, long> Models, IReadOnlyDictionary<string, long> Limited);

/// <summary>One answer of the store.</summary>
/// <param name="Request">Its question's row.</param>
/// <param name="Place">Which of the question's answers.</param>
/// <param name="Key">The question's hash.</param>
/// <param name="Asked">Whom we asked.</param>
/// <param name="Returned">The model the endpoint named.</param>
/// <param name="Body">The question as it was sent.</param>
/// <param name="Response">The endpoint's name for the answer.</param>
/// <param name="Terms">Entries of the terms register it was asked under, each with its hash.</param>
public sealed record StoredAnswer(long Request, int Place, byte[] Key, Endpoint Asked, string? Returned, byte[] Body, string? Response, string? Terms, Choice Choice)
{
    /// <summary>What it is known by: its question's hash and which of its answers.</summary>
    public string Id => $"{Convert.ToHexStringLower(Key)}/{Place}";
}

public sealed partial class Transcripts
{
    /// <summary>Every answer to what was asked for data, in the order in which its question was first asked.</summary>
    public IReadOnlyList<StoredAnswer> Answers()
    {
        lock (_connection)
        {
            return [.. _connection.Query<AnswerRow>(
                """
                SELECT r.id AS Request, c.place AS Place, r.key AS Key, r.endpoint AS Endpoint, r.model AS Model, a.model AS Returned, r.body AS Body, a.response AS Response, r.terms AS Terms,
                  c.text AS Text, c.finish AS Finish, c.refusal AS Refusal, c.logprobs AS LogProbabilities
                FROM request r JOIN answer a ON a.request = r.id JOIN choice c ON c.request = r.id WHERE r.purpose = 'Data' ORDER BY r.id, c.place
                """).Select(r => new StoredAnswer(
                    r.Request, (int)r.Place, r.Key, new(r.Endpoint, r.Model), r.Returned, r.Body, r.Response, r.Terms, new(r.Text, r.Finish, r.Refusal, r.LogProbabilities)))];
        }
    }

    /// <summary>As it lies in the tables.</summary>
    sealed class AnswerRow
    {
        public long Request { get; init; }

        public long Place { get; init; }

        public byte[] Key { get; init; } = [];

        public string Endpoint { get; init; } = "";

        public string Model { get; init; } = "";

        public string? Returned { get; init; }

        public byte[] Body { get; init; } = [];

        public string? Response { get; init; }

        public string? Terms { get; init; }

        public string Text { get; init; } = "";

        public string? Finish { get; init; }

        public string? Refusal { get; init; }

        public byte[]? LogProbabilities { get; init; }
    }

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

    /// <summary>What the answers took, and what stood in their way.</summary>
    public StoreUsage Usage()
    {
        lock (_connection)
        {
            (long prompt, long completion) = _connection.QuerySingle<(long, long)>("SELECT coalesce(sum(prompt_tokens), 0), coalesce(sum(completion_tokens), 0) FROM answer");
            long[] latencies = [.. _connection.Query<long>("SELECT latency FROM answer ORDER BY latency")];
            Dictionary<string, long> Counts(string sql) => _connection.Query<(string, long)>(sql).ToDictionary(r => r.Item1, r => r.Item2, StringComparer.Ordinal);
            double? Quantile(double share) => latencies.Length == 0 ? null : latencies[(int)Math.Ceiling((latencies.Length - 1) * share)];
            return new(
                prompt, completion, Quantile(0.5), Quantile(0.95), Counts("SELECT coalesce(model, ''), count(*) FROM answer GROUP BY 1 ORDER BY 2 DESC"), Counts("SELECT kind, count(*) FROM access GROUP BY 1 ORDER BY 1"));
        }
    }

    /// <summary>What the store holds now. An attempt without an end counts in full: who killed us may have left a bill.</summary>
    public StoreFacts Facts()
    {
        lock (_connection)
        {
            return _connection.QuerySingle<(long, long, long, long, long, long)>(
                """
                SELECT (SELECT count(*) FROM request WHERE purpose = 'Data'), (SELECT count(*) FROM answer a JOIN request r ON r.id = a.request WHERE r.purpose = 'Data'), count(*), count(*) FILTER (WHERE ended IS NULL),
                  coalesce(sum(coalesce(spent, reserved)), 0), coalesce(sum(coalesce(spent, reserved)) FILTER (WHERE outcome IS NOT 'answered'), 0)
                FROM attempt
                """) is var (questions, answers, attempts, open, spent, lost) ? new(questions, answers, attempts, open, new(spent), new(lost)) : throw new InvalidOperationException();
        }
    }
}
