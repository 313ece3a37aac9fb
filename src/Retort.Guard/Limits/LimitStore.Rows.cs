using Microsoft.Data.Sqlite;

namespace Retort.Guard.Limits;

/// <summary>The tables, and the steps transactions are made of.</summary>
sealed partial class LimitStore
{
    /// <summary>
    /// worker: who deals out, and until when its share is its own · lease: how much of a limit it holds · used: what was settled, in parts of a sixtieth of
    /// the window, each with when it stops to count · want: who found no room. Times are milliseconds since 1970 UTC.
    /// </summary>
    const string Schema =
        """
        CREATE TABLE worker (id INTEGER PRIMARY KEY AUTOINCREMENT, ends INTEGER NOT NULL) STRICT;
        CREATE TABLE lease (
          scope INTEGER NOT NULL, quantity INTEGER NOT NULL, worker INTEGER NOT NULL REFERENCES worker (id), amount INTEGER NOT NULL CHECK (amount >= 0),
          PRIMARY KEY (scope, quantity, worker)) STRICT, WITHOUT ROWID;
        CREATE INDEX lease_worker ON lease (worker);
        CREATE TABLE used (
          scope INTEGER NOT NULL, quantity INTEGER NOT NULL, gone INTEGER NOT NULL, amount INTEGER NOT NULL CHECK (amount >= 0),
          PRIMARY KEY (scope, quantity, gone)) STRICT, WITHOUT ROWID;
        CREATE TABLE want (scope INTEGER NOT NULL, worker INTEGER NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (scope, worker)) STRICT, WITHOUT ROWID;
        """;

    const int Parts = 60;

    /// <summary>Why the store failed last; null where it did not.</summary>
    public string? LastFault { get; private set; }

    StoreAnswer Within(Func<StoreAnswer> run)
    {
        try
        {
            Run("BEGIN IMMEDIATE");
            StoreAnswer answer = run();
            Run(answer == StoreAnswer.Lapsed ? "ROLLBACK" : "COMMIT");
            return answer;
        }
        catch (SqliteException e)
        {
            LastFault = e.Message;
            try
            {
                Run("ROLLBACK");
            }
            catch (SqliteException)
            {
                // SQLite has rolled back by itself.
            }

            return StoreAnswer.Failed;
        }
    }

    /// <summary>Takes back the shares of workers whose lease has ended: what they used is booked, what they held or had set aside is free again.</summary>
    void Recover(long now)
    {
        List<long> dead = Numbers("SELECT id FROM worker WHERE ends <= @now", ("@now", now - (long)_timing.Margin.TotalMilliseconds));
        foreach (long worker in dead)
        {
            Dictionary<LimitScope, Amounts>? left = PendingFile.Read(PendingPath(worker));
            List<(long Scope, int Quantity, long Amount)> held = [];
            SqliteCommand command = Prepared("SELECT scope, quantity, amount FROM lease WHERE worker = @worker", [("@worker", worker)]);
            using (SqliteDataReader reader = command.ExecuteReader())
            {
                while (reader.Read())
                {
                    held.Add((reader.GetInt64(0), reader.GetInt32(1), reader.GetInt64(2)));
                }
            }

            foreach ((long scope, int quantity, long amount) in held)
            {
                // Without its file all that it held may have been used.
                long used = left is null ? amount : left.TryGetValue(LimitScope.Stored(scope), out Amounts pending) ? pending[quantity] : 0;
                Book(scope, quantity, Math.Clamp(used, 0, amount), now);
            }

            Run("DELETE FROM lease WHERE worker = @worker", ("@worker", worker));
            Run("DELETE FROM want WHERE worker = @worker", ("@worker", worker));
            Run("DELETE FROM worker WHERE id = @worker", ("@worker", worker));
        }

        // A kill before the commit leaves rows and file; one after it, a file that no row names.
        if (dead.Count > 0)
        {
            _unneeded.AddRange(dead);
        }
    }

    readonly List<long> _unneeded = [];

    /// <summary>Removes the files of workers whose share was taken back, once that is committed.</summary>
    public void RemoveFiles()
    {
        foreach (long worker in _unneeded)
        {
            try
            {
                if (Number("SELECT count(*) FROM worker WHERE id = @worker", ("@worker", worker)) == 0)
                {
                    File.Delete(PendingPath(worker));
                }
            }
            catch (Exception e) when (FileFault.Is(e) || e is SqliteException)
            {
                // It is in nobody's way.
            }
        }

        _unneeded.Clear();
    }

    bool Extend(long worker, long ends) => Run("UPDATE worker SET ends = @ends WHERE id = @worker", ("@ends", ends), ("@worker", worker)) == 1;

    void Book(long scope, int quantity, long amount, long now)
    {
        if (amount > 0 && Amounts.Window(quantity) is var window and > 0)
        {
            long part = window / Parts;
            Run(
                "INSERT INTO used (scope, quantity, gone, amount) VALUES (@scope, @quantity, @gone, @amount) ON CONFLICT DO UPDATE SET amount = amount + excluded.amount",
                ("@scope", scope), ("@quantity", quantity), ("@gone", (((now / part) + 1) * part) + window), ("@amount", amount));
        }
    }

    void Forget(long scope, int quantity, long now) => Run("DELETE FROM used WHERE scope = @scope AND quantity = @quantity AND gone <= @now", ("@scope", scope), ("@quantity", quantity), ("@now", now));

    long Used(long scope, int quantity, long now) =>
        Number("SELECT coalesce(sum(amount), 0) FROM used WHERE scope = @scope AND quantity = @quantity AND gone > @now", ("@scope", scope), ("@quantity", quantity), ("@now", now));

    long Others(long scope, int quantity, long worker) =>
        Number("SELECT coalesce(sum(amount), 0) FROM lease WHERE scope = @scope AND quantity = @quantity AND worker <> @worker", ("@scope", scope), ("@quantity", quantity), ("@worker", worker));

    long Mine(long scope, int quantity, long worker) =>
        Number("SELECT coalesce(sum(amount), 0) FROM lease WHERE scope = @scope AND quantity = @quantity AND worker = @worker", ("@scope", scope), ("@quantity", quantity), ("@worker", worker));

    /// <summary>When so much will have stopped to count; where others hold it, as soon as they have looked who is short.</summary>
    long RetryAfter(long scope, int quantity, long now, long missing, bool othersHold)
    {
        long renew = (long)_timing.Renew.TotalMilliseconds;
        if (othersHold)
        {
            return 2 * renew;
        }

        SqliteCommand command = Prepared("SELECT gone, amount FROM used WHERE scope = @scope AND quantity = @quantity AND gone > @now ORDER BY gone", [("@scope", scope), ("@quantity", quantity), ("@now", now)]);
        using SqliteDataReader reader = command.ExecuteReader();
        while (reader.Read())
        {
            missing -= reader.GetInt64(1);
            if (missing <= 0)
            {
                return reader.GetInt64(0) - now;
            }
        }

        // What is set aside for answers under way: nobody knows when they end.
        return 1000;
    }

    int Run(string sql, params ReadOnlySpan<(string Name, long Value)> parameters) => Prepared(sql, parameters).ExecuteNonQuery();

    long Number(string sql, params ReadOnlySpan<(string Name, long Value)> parameters) => (long)Prepared(sql, parameters).ExecuteScalar()!;

    List<long> Numbers(string sql, params ReadOnlySpan<(string Name, long Value)> parameters)
    {
        List<long> numbers = [];
        using SqliteDataReader reader = Prepared(sql, parameters).ExecuteReader();
        while (reader.Read())
        {
            numbers.Add(reader.GetInt64(0));
        }

        return numbers;
    }

    /// <summary>A statement that was compiled once, with its parameters.</summary>
    SqliteCommand Prepared(string sql, ReadOnlySpan<(string Name, long Value)> parameters)
    {
        if (!_commands.TryGetValue(sql, out SqliteCommand? command))
        {
            command = _connection.CreateCommand();
            command.CommandText = sql;
            foreach ((string name, long _) in parameters)
            {
                command.Parameters.Add(name, SqliteType.Integer);
            }

            _commands.Add(sql, command);
        }

        for (int i = 0; i < parameters.Length; i++)
        {
            command.Parameters[i].Value = parameters[i].Value;
        }

        return command;
    }
}
