using System.Text.Json;
using Dapper;

namespace Retort.Asking;

/// <summary>A question of a batch.</summary>
/// <param name="Key">The question's hash, in lower-case hexadecimal: what it is called in the batch's files.</param>
/// <param name="Reserved">The most it may cost.</param>
/// <param name="Began">When it was written down.</param>
/// <param name="HasEnded">Whether it has its answer, or it is known why it has none.</param>
sealed record BatchItem(string Key, long Request, long Attempt, Usd Reserved, DateTimeOffset Began, bool HasEnded);

/// <summary>A batch that is under way.</summary>
/// <param name="Token">Our name for it.</param>
/// <param name="File">The endpoint's name for its file; null where none is known to have been sent.</param>
/// <param name="Remote">The endpoint's name for it; null where it is not known to have been made.</param>
sealed record OpenBatch(long Id, string Token, string? File, string? Remote, IReadOnlyList<BatchItem> Items);

public sealed partial class Transcripts
{
    /// <summary>Writes a batch down as about to be sent, all of its questions at once.</summary>
    internal Task<long> BeginBatch(string token, Endpoint endpoint, IReadOnlyList<(Question Question, Usd Reserved)> questions, byte[]? account, string? terms) => Later((c, t) =>
    {
        long batch = c.ExecuteScalar<long>("INSERT INTO batch (token, endpoint, model, made) VALUES (@token, @Address, @Model, @now) RETURNING id", new { token, endpoint.Address, endpoint.Model, now = Now() }, t);
        foreach ((Question question, Usd reserved) in questions)
        {
            byte[] body = question.Body();
            long request = Requested(c, t, Question.Key(endpoint.Address, body), question, body, account, terms, AskPurpose.Data);
            c.Execute("INSERT INTO attempt (request, began, reserved, batch) VALUES (@request, @now, @pico, @batch)", new { request, now = Now(), pico = reserved.Pico, batch }, t);
        }

        return batch;
    });

    /// <summary>Writes down what the endpoint calls it.</summary>
    internal Task BatchIs(long batch, string? file, string? remote) => Later((c, t) => c.Execute("UPDATE batch SET file = coalesce(@file, file), remote = coalesce(@remote, remote) WHERE id = @batch", new { file, remote, batch }, t));

    /// <summary>Writes down that every answer of it is here.</summary>
    internal Task EndBatch(long batch, BatchFacts facts) => Later((c, t) => c.Execute(
        "UPDATE batch SET status = @Status, ended = @now, facts = @text WHERE id = @batch", new { facts.Status, now = Now(), text = JsonSerializer.Serialize(facts, s_facts), batch }, t));

    /// <summary>Batches of an endpoint's model that are under way, oldest first.</summary>
    internal IReadOnlyList<OpenBatch> OpenBatches(Endpoint endpoint)
    {
        lock (_connection)
        {
            return [.. _connection.Query<(long Id, string Token, string? File, string? Remote)>(
                "SELECT id, token, file, remote FROM batch WHERE ended IS NULL AND endpoint = @Address AND model = @Model ORDER BY id", endpoint).Select(b => new OpenBatch(b.Id, b.Token, b.File, b.Remote, Items(b.Id)))];
        }
    }

    IReadOnlyList<BatchItem> Items(long batch) =>
        [.. _connection.Query<(byte[] Key, long Request, long Attempt, long Reserved, long Began, long HasEnded)>(
            "SELECT r.key, r.id, a.id, a.reserved, a.began, a.ended IS NOT NULL FROM attempt a JOIN request r ON r.id = a.request WHERE a.batch = @batch ORDER BY a.id", new { batch })
            .Select(i => new BatchItem(Convert.ToHexStringLower(i.Key), i.Request, i.Attempt, new(i.Reserved), DateTimeOffset.FromUnixTimeMilliseconds(i.Began), i.HasEnded != 0))];

    /// <summary>A question as it is sent.</summary>
    internal byte[] Body(long request)
    {
        lock (_connection)
        {
            return _connection.QuerySingle<byte[]>("SELECT body FROM request WHERE id = @request", new { request });
        }
    }
}
