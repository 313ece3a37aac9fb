using System.Data;
using System.Text.Json;
using Dapper;
using Microsoft.Data.Sqlite;

namespace Retort.Guard.Accounts;

/// <summary>
/// Accounts, their keys and the terms their owners accepted: accounts.db, which several programs may hold open. A change and its event are committed
/// together and flushed to the disk. Every row has a seal by the pepper, and all rows together one: what was changed without it is named.
/// </summary>
public sealed partial class AccountStore : IDisposable
{
    readonly SqliteConnection _connection;
    readonly Lock _gate = new();
    readonly VersionWord _word;
    readonly TimeProvider _time;

    AccountStore(SqliteConnection connection, string folder, Pepper pepper, VersionWord word, TimeProvider time) => (_connection, Folder, Pepper, _word, _time) = (connection, folder, pepper, word, time);

    /// <summary>Where the store and what belongs to it lie.</summary>
    public string Folder { get; }

    internal Pepper Pepper { get; }

    /// <summary>A number in memory that changes after every change, whoever made it.</summary>
    internal long Word => _word.Current;

    string Path => System.IO.Path.Combine(Folder, "accounts.db");

    /// <summary>Opens the store of a folder, or makes both.</summary>
    /// <exception cref="UserError">It cannot be opened, is none, or was made under another pepper.</exception>
    public static AccountStore Open(string folder, Pepper pepper, TimeProvider time)
    {
        string path = System.IO.Path.Combine(folder, "accounts.db");
        SqliteConnection connection = StoreFile.Open(path, "FULL", Schema);
        AccountStore? store = null;
        try
        {
            store = new(connection, folder, pepper, VersionWord.Open(System.IO.Path.Combine(folder, "accounts.version")), time);
            store.CheckPepper();
            return store;
        }
        catch (SqliteException e)
        {
            Close();
            throw StoreFile.Fault(e, path);
        }
        catch (UserError)
        {
            Close();
            throw;
        }

        void Close()
        {
            store?._word.Dispose();
            connection.Dispose();
        }
    }

    public void Dispose()
    {
        _word.Dispose();
        _connection.Dispose();
    }

    /// <summary>Events from one on, in order.</summary>
    /// <exception cref="UserError">The store is damaged.</exception>
    public IReadOnlyList<AccountEvent> Events(long from = 1) => Reading(() =>
        _connection.Query<EventRow>("SELECT id AS Id, kind AS Kind, at AS At, account AS Account, subject AS Subject, detail AS Detail FROM event WHERE id >= @from ORDER BY id", new { from })
            .Select(e => new AccountEvent(e.Id, Enum.TryParse(e.Kind, out AccountEventKind kind) ? kind : throw Damaged($"event {e.Id}"), Time(e.At), e.Account, e.Subject, e.Detail)).ToArray());

    /// <summary>Runs something while no other program writes, such as bringing a ledger up to the events.</summary>
    /// <exception cref="UserError">Another program holds the store for long.</exception>
    public T Alone<T>(Func<T> run)
    {
        lock (_gate)
        {
            try
            {
                _connection.Execute("BEGIN IMMEDIATE");
            }
            catch (SqliteException e)
            {
                throw StoreFile.Fault(e, Path);
            }

            try
            {
                return run();
            }
            finally
            {
                _connection.Execute("ROLLBACK");
            }
        }
    }

    void CheckPepper()
    {
        using SqliteTransaction transaction = Begin();
        byte[]? check = _connection.ExecuteScalar<byte[]?>("SELECT value FROM meta WHERE name = 'pepper'", transaction: transaction);
        if (check is null)
        {
            _connection.Execute("INSERT INTO meta (name, value) VALUES ('pepper', @check)", new { check = Pepper.Check.ToArray() }, transaction);
            SealAll(transaction, 0);
            transaction.Commit();
        }
        else if (!check.AsSpan().SequenceEqual(Pepper.Check))
        {
            throw new UserError("this store was made under another pepper", Path, "Start with the pepper it was made under: without it no key works.");
        }
    }

    /// <summary>Takes the store for writing from the first statement on, so that what is read is what is changed.</summary>
    SqliteTransaction Begin()
    {
        try
        {
            return _connection.BeginTransaction(IsolationLevel.Serializable, deferred: false);
        }
        catch (SqliteException e)
        {
            throw StoreFile.Fault(e, Path);
        }
    }

    /// <summary>One change with its events, committed together; then everybody who holds the store open is told.</summary>
    T Change<T>(Func<Writing, T> run)
    {
        lock (_gate)
        {
            using SqliteTransaction transaction = Begin();
            try
            {
                long change = _connection.ExecuteScalar<long>("SELECT coalesce(max(number), 0) + 1 FROM change", transaction: transaction);
                bool isWhole = IsWhole(transaction);
                T result = run(new(this, transaction, change, _time.GetUtcNow()));
                _connection.Execute("INSERT INTO change (number) VALUES (@change)", new { change }, transaction);

                // Rows that were taken out or put back before stay noticed: a key can still be revoked, but nothing seals over what was done.
                if (isWhole)
                {
                    SealAll(transaction, change);
                }

                transaction.Commit();
                _word.Raise(change);
                return result;
            }
            catch (SqliteException e)
            {
                throw StoreFile.Fault(e, Path);
            }
        }
    }

    T Reading<T>(Func<T> run)
    {
        lock (_gate)
        {
            try
            {
                return run();
            }
            catch (Exception e) when (e is SqliteException or DataException or InvalidCastException or ArgumentOutOfRangeException)
            {
                throw e is SqliteException s ? StoreFile.Fault(s, Path) : Damaged(e.Message);
            }
        }
    }

    UserError Damaged(string what) => new($"the store is damaged ({what.TrimEnd('.')})", Path, "Put back a copy.");

    static DateTimeOffset Time(long ms) => DateTimeOffset.FromUnixTimeMilliseconds(ms);

    static DateTimeOffset? Time(long? ms) => ms is { } some ? Time(some) : null;

    static long Ms(DateTimeOffset time) => time.ToUnixTimeMilliseconds();

    static long? Ms(DateTimeOffset? time) => time?.ToUnixTimeMilliseconds();

    sealed record EventRow(long Id, string Kind, long At, long? Account, string? Subject, string Detail);

    /// <summary>A change while it is written.</summary>
    sealed record Writing(AccountStore Store, SqliteTransaction Transaction, long Change, DateTimeOffset Now)
    {
        public int Run(string sql, object parameters) => Store._connection.Execute(sql, parameters, Transaction);

        public T? One<T>(string sql, object parameters) => Store._connection.QueryFirstOrDefault<T>(sql, parameters, Transaction);

        public void Event(AccountEventKind kind, long? account, string? subject, object detail) => Run(
            "INSERT INTO event (kind, at, account, subject, detail) VALUES (@kind, @at, @account, @subject, @text)",
            new { kind = kind.ToString(), at = Ms(Now), account, subject, text = JsonSerializer.Serialize(detail, s_json) });
    }

    static readonly JsonSerializerOptions s_json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };
}
