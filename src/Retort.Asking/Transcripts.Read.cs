using System.Data;
using Dapper;
using Microsoft.Data.Sqlite;

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

/// <summary>What a store holds of one endpoint's model.</summary>
/// <param name="Questions">Asked for data, answered or not.</param>
/// <param name="Answers">Of them answered.</param>
/// <param name="Spent">On all it was asked, with what may have been paid.</param>
public sealed record EndpointFacts(Endpoint Asked, long Questions, long Answers, Usd Spent);

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
/// <param name="Choice">The answer.</param>
public sealed record StoredAnswer(long Request, int Place, byte[] Key, Endpoint Asked, string? Returned, byte[] Body, string? Response, string? Terms, Choice Choice)
{
    /// <summary>The question's hash as text.</summary>
    public string QuestionId => Convert.ToHexStringLower(Key);

    /// <summary>What it is known by in files: its question's hash and which of its answers it is.</summary>
    public string Id => $"{QuestionId}/{Place}";

    /// <summary>What came with it; null where the answer was not read from a store.</summary>
    public AnswerFacts? Facts { get; init; }
}

/// <summary>What came with an answer.</summary>
/// <param name="Fingerprint">The endpoint's name for how the model was set up.</param>
/// <param name="PromptTokens">Tokens the endpoint counted; of all answers to the question together.</param>
/// <param name="Price">Of all answers to the question together.</param>
/// <param name="Attempts">How often the question was sent.</param>
/// <param name="Account">The account as a keyed hash; null where no key was used.</param>
/// <param name="Began">When the attempt that was answered began.</param>
/// <param name="Received">When the answer was there.</param>
public sealed record AnswerFacts(
    string? Fingerprint, int? PromptTokens, int? CompletionTokens, Usd Price, TimeSpan Latency, int Attempts, byte[]? Account, DateTimeOffset Began, DateTimeOffset Received);

public sealed partial class Transcripts
{
    /// <summary>Every answer, in the order in which its question was first asked.</summary>
    /// <param name="all">Those too that were not asked for data: of probes, and of prompts that were grown.</param>
    /// <exception cref="UserError">The file is damaged.</exception>
    public IReadOnlyList<StoredAnswer> Answers(bool all = false)
    {
        lock (_connection)
        {
            try
            {
                return [.. _connection.Query<AnswerRow>(
                    """
                    SELECT r.id AS Request, c.place AS Place, r.key AS Key, r.endpoint AS Endpoint, r.model AS Model, a.model AS Returned, r.body AS Body, a.response AS Response, r.terms AS Terms,
                      c.text AS Text, c.finish AS Finish, c.refusal AS Refusal, c.logprobs AS LogProbabilities,
                      a.fingerprint AS Fingerprint, a.prompt_tokens AS PromptTokens, a.completion_tokens AS CompletionTokens, a.price AS Price, a.latency AS Latency,
                      (SELECT count(*) FROM attempt WHERE request = r.id) AS Attempts, r.account AS Account, t.began AS Began, a.received AS Received,
                      CASE WHEN instr(a.raw, CAST('"reasoning' AS BLOB)) > 0 THEN a.raw END AS Raw
                    FROM request r JOIN answer a ON a.request = r.id JOIN attempt t ON t.id = a.attempt JOIN choice c ON c.request = r.id WHERE r.purpose = 'Data' OR @all ORDER BY r.id, c.place
                    """,
                    new { all }).Select(Answer)];
            }
            catch (Exception e) when (e is SqliteException or DataException or ArgumentException)
            {
                throw new UserError($"the store is damaged ({e.Message.TrimEnd('.')})", _path, "Put a copy of it back.");
            }
        }
    }

    static StoredAnswer Answer(AnswerRow r) => new(
        r.Request, (int)r.Place, r.Key, new(r.Endpoint, r.Model), r.Returned, r.Body, r.Response, r.Terms, new(r.Text, r.Finish, r.Refusal, r.LogProbabilities) { Reasoning = Reasoning(r) })
    {
        Facts = new(
            r.Fingerprint, (int?)r.PromptTokens, (int?)r.CompletionTokens, new(r.Price), TimeSpan.FromMilliseconds(r.Latency), (int)r.Attempts, r.Account,
            DateTimeOffset.FromUnixTimeMilliseconds(r.Began), DateTimeOffset.FromUnixTimeMilliseconds(r.Received)),
    };

    /// <summary>Reasoning apart from the text lies only in the body as it came.</summary>
    static string? Reasoning(AnswerRow row) => row.Raw is { } raw && Asking.Reply.Parse(raw, LimitFacts.None) is { } reply && row.Place < reply.Choices.Count ? reply.Choices[(int)row.Place].Reasoning : null;

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

        public string? Fingerprint { get; init; }

        public long? PromptTokens { get; init; }

        public long? CompletionTokens { get; init; }

        public long Price { get; init; }

        public long Latency { get; init; }

        public long Attempts { get; init; }

        public byte[]? Account { get; init; }

        public long Began { get; init; }

        public long Received { get; init; }
        public byte[]? Raw { get; init; }
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

    /// <summary>What it holds of each model that was asked, in the order in which they first were.</summary>
    public IReadOnlyList<EndpointFacts> Asked()
    {
        lock (_connection)
        {
            return [.. _connection.Query<(string Endpoint, string Model, long Questions, long Answers, long Spent)>(
                """
                SELECT r.endpoint, r.model, count(*) FILTER (WHERE r.purpose = 'Data'), count(*) FILTER (WHERE r.purpose = 'Data' AND EXISTS (SELECT 1 FROM answer WHERE request = r.id)),
                  coalesce(sum((SELECT sum(coalesce(spent, reserved)) FROM attempt WHERE request = r.id)), 0)
                FROM request r GROUP BY r.endpoint, r.model ORDER BY min(r.id)
                """).Select(r => new EndpointFacts(new(r.Endpoint, r.Model), r.Questions, r.Answers, new(r.Spent)))];
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
