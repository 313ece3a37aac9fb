using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Dapper;
using Microsoft.Data.Sqlite;

namespace Retort.Asking;

/// <summary>
/// The store of questions and answers: one SQLite file. What is to be sent is on disk before it is sent, and an answer is on disk before it counts, so a
/// kill at any moment loses no answer, and what was in flight is known. One thread writes; what waits for it is written together and flushed once.
/// </summary>
public sealed partial class Transcripts : IDisposable
{
    /// <summary>Most writes of one transaction.</summary>
    const int Together = 512;

    readonly SqliteConnection _connection;
    readonly string _path;
    readonly TimeProvider _time;
    readonly BlockingCollection<Write> _writes = [];
    readonly Thread _writer;
    readonly byte[] _secret;

    /// <summary>Something to be written, and who waits for it.</summary>
    sealed record Write(Func<SqliteConnection, SqliteTransaction, long> Run, TaskCompletionSource<long> Done);

    Transcripts(SqliteConnection connection, string path, byte[] secret, TimeProvider time)
    {
        (_connection, _path, _secret, _time) = (connection, path, secret, time);
        _writer = new(WriteAll) { IsBackground = true, Name = "transcripts" };
        _writer.Start();
    }

    /// <summary>Opens the file, or makes it.</summary>
    /// <exception cref="UserError">It cannot be opened, is no such file, or is of a later version.</exception>
    public static Transcripts Open(string path, TimeProvider time)
    {
        SqliteConnection connection = new(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        try
        {
            connection.Open();
            // One program at a time: two would ask the same twice.
            connection.Execute("PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;");
            long version = connection.ExecuteScalar<long>("PRAGMA user_version");
            if (version > Version)
            {
                throw new UserError($"this store is of version {version}, and this program reads up to {Version}", path, "Use the program that wrote it, or a later one.");
            }

            if (version < Version)
            {
                using SqliteTransaction made = connection.BeginTransaction();
                foreach (string step in s_steps[(int)version..])
                {
                    connection.Execute(step, transaction: made);
                }

                connection.Execute("INSERT INTO meta (name, value) VALUES ('secret', @secret) ON CONFLICT DO NOTHING", new { secret = RandomNumberGenerator.GetBytes(32) }, made);
                connection.Execute($"PRAGMA user_version = {Version}", transaction: made);
                made.Commit();
            }

            return new(connection, path, connection.ExecuteScalar<byte[]>("SELECT value FROM meta WHERE name = 'secret'")!, time);
        }
        catch (SqliteException e)
        {
            connection.Dispose();
            throw Fault(e, path);
        }
        catch (UserError)
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Names an account without naming its key: HMAC-SHA256 by a secret of this store.</summary>
    public byte[] Account(string key) => HMACSHA256.HashData(_secret, Encoding.UTF8.GetBytes(key));

    /// <summary>Writes a question down as about to be sent.</summary>
    /// <param name="reserved">The most it may cost.</param>
    /// <returns>The attempt.</returns>
    public Task<long> Begin(long request, Usd reserved) => Later((c, t) => c.ExecuteScalar<long>(
        "INSERT INTO attempt (request, began, reserved) VALUES (@request, @now, @pico) RETURNING id", new { request, now = Now(), pico = reserved.Pico }, t));

    /// <summary>The row of a question, made where there is none.</summary>
    public Task<long> Request(byte[] key, Question question, byte[] body, byte[]? account, string? terms, AskPurpose purpose = AskPurpose.Data) => Later((c, t) => Requested(c, t, key, question, body, account, terms, purpose));

    long Requested(SqliteConnection c, SqliteTransaction t, byte[] key, Question question, byte[] body, byte[]? account, string? terms, AskPurpose purpose) => c.ExecuteScalar<long>(
        """
        INSERT INTO request (key, endpoint, model, body, account, terms, made, purpose) VALUES (@key, @endpoint, @model, @body, @account, @terms, @now, @purpose)
        ON CONFLICT (key) DO UPDATE SET account = excluded.account, terms = excluded.terms RETURNING id
        """,
        new { key, endpoint = question.Endpoint.Address, model = question.Endpoint.Model, body, account, terms, now = Now(), purpose = purpose.ToString() }, t);

    /// <summary>Writes an answer down; done when it is on disk.</summary>
    public Task Answered(long request, long attempt, Reply reply, Usd price, TimeSpan latency) => Later((c, t) =>
    {
        c.Execute("UPDATE attempt SET ended = @now, outcome = 'answered', status = 200, spent = @pico WHERE id = @attempt", new { now = Now(), pico = price.Pico, attempt }, t);
        c.Execute(
            """
            INSERT INTO answer (request, attempt, model, fingerprint, response, prompt_tokens, completion_tokens, price, latency, received, raw)
            VALUES (@request, @attempt, @Model, @Fingerprint, @Id, @PromptTokens, @CompletionTokens, @pico, @took, @now, @Raw)
            """,
            new { request, attempt, reply.Model, reply.Fingerprint, reply.Id, reply.PromptTokens, reply.CompletionTokens, pico = price.Pico, took = (long)latency.TotalMilliseconds, now = Now(), reply.Raw }, t);
        foreach ((int place, Choice choice) in reply.Choices.Index())
        {
            c.Execute(
                "INSERT INTO choice (request, place, text, finish, refusal, logprobs) VALUES (@request, @place, @Text, @Finish, @Refusal, @LogProbabilities)",
                new { request, place, choice.Text, choice.Finish, choice.Refusal, choice.LogProbabilities }, t);
            if (choice.Refusal is not null || choice.Finish == "content_filter")
            {
                Accessed(c, t, request, "refusal", 200, choice.Refusal ?? "content_filter", "kept as it is; not asked again in other words");
            }
        }

        return 0;
    });

    /// <summary>Writes down that an attempt brought nothing.</summary>
    /// <param name="spent">What it may have cost all the same.</param>
    /// <param name="done">What was done about it, in words.</param>
    public Task Failed(long request, long attempt, RemoteFault fault, Usd spent, string done) => Later((c, t) =>
    {
        c.Execute(
            "UPDATE attempt SET ended = @now, outcome = @outcome, status = @Status, spent = @pico, detail = @Message WHERE id = @attempt",
            new { now = Now(), outcome = fault.Kind.ToString(), fault.Status, pico = spent.Pico, fault.Message, attempt }, t);
        if (fault.Status is 401 or 403 or 429 || fault.Kind == FaultKind.Challenged)
        {
            Accessed(c, t, request, fault.Kind.ToString(), fault.Status, fault.Message, done);
        }

        return 0;
    });

    void Accessed(SqliteConnection c, SqliteTransaction t, long request, string kind, int status, string detail, string done) => c.Execute(
        "INSERT INTO access (at, request, kind, status, detail, done) VALUES (@now, @request, @kind, @status, @detail, @done)", new { now = Now(), request, kind, status, detail, done }, t);

    /// <summary>Ends when all that waits is written.</summary>
    public void Dispose()
    {
        _writes.CompleteAdding();
        _writer.Join();
        _writes.Dispose();
        _connection.Dispose();
    }

    long Now() => _time.GetUtcNow().ToUnixTimeMilliseconds();

    Task<long> Later(Func<SqliteConnection, SqliteTransaction, long> run)
    {
        TaskCompletionSource<long> done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _writes.Add(new(run, done));
        return done.Task;
    }

    void WriteAll()
    {
        List<Write> together = [];
        List<long> results = [];
        foreach (Write first in _writes.GetConsumingEnumerable())
        {
            together.Clear();
            results.Clear();
            together.Add(first);
            while (together.Count < Together && _writes.TryTake(out Write? next))
            {
                together.Add(next);
            }

            try
            {
                lock (_connection)
                {
                    using SqliteTransaction transaction = _connection.BeginTransaction();
                    results.AddRange(together.Select(w => w.Run(_connection, transaction)));
                    transaction.Commit();
                }

                foreach ((Write write, long result) in together.Zip(results))
                {
                    write.Done.SetResult(result);
                }
            }
            catch (SqliteException e)
            {
                foreach (Write write in together)
                {
                    write.Done.TrySetException(Fault(e, _path));
                }
            }
        }
    }

    static UserError Fault(SqliteException e, string path) => e.SqliteErrorCode switch
    {
        5 or 6 => new("another program is using this store", path, "Wait until it ends: one program at a time asks and writes."),
        8 => new("this store cannot be written", path, "Check whose it is, or name another with --out."),
        11 or 26 => new("this is no store of transcripts, or it is damaged", path, "Name another file, or put back a copy."),
        10 or 13 => new("the store cannot be written: the disk is full, or fails", path, "Free some room and go on with the same command: what was answered is kept."),
        14 => new("this store cannot be opened", path, "Check that its folder is there and can be written."),
        _ => new($"the store failed: {e.Message.TrimEnd('.')}", path, "What was answered before is kept; go on with the same command."),
    };
}
