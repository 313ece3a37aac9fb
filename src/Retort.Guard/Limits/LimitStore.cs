using Microsoft.Data.Sqlite;

namespace Retort.Guard.Limits;

/// <summary>What a worker asks of the store for one scope and quantity.</summary>
sealed record LimitAsk(ScopeShare Share, int Quantity, long Need, long Limit)
{
    /// <summary>What it is given: at least the need.</summary>
    public long Given { get; set; }

    /// <summary>What of the limit this worker may count on, with what it holds: the rest is used, or others'.</summary>
    public long Headroom { get; set; }

    /// <summary>When there may be room, in milliseconds from now; only where there was none.</summary>
    public long RetryAfter { get; set; }
}

/// <summary>What a worker writes down for one scope and quantity.</summary>
sealed record LimitReport(ScopeShare Share, int Quantity, long Used, long Returned);

/// <summary>What came of it.</summary>
enum StoreAnswer
{
    Done,

    /// <summary>There is no room for one of the asks, and nothing was given.</summary>
    Short,

    /// <summary>The worker's lease ended and others took its share back.</summary>
    Lapsed,

    /// <summary>The store failed; whether it was written is not known.</summary>
    Failed,
}

/// <summary>
/// The shared side of limits, limits.db: what was used, by when it stops to count, and which worker holds how much of each limit. Every transaction
/// keeps, for each scope and quantity, used within the window + held by workers ≤ limit; a worker keeps used and not reported + reserved ≤ held.
/// </summary>
sealed partial class LimitStore : IDisposable
{
    readonly SqliteConnection _connection;
    readonly Dictionary<string, SqliteCommand> _commands = new(StringComparer.Ordinal);
    readonly LimitTiming _timing;
    readonly string _folder;

    LimitStore(SqliteConnection connection, string folder, LimitTiming timing) => (_connection, _folder, _timing) = (connection, folder, timing);

    /// <summary>Opens limits.db in a folder, or makes both.</summary>
    /// <param name="synchronous">NORMAL, by which what was committed outlives a kill and all but the last moments outlive a failure of the machine; or OFF.</param>
    /// <exception cref="UserError">It cannot be opened or is none.</exception>
    public static LimitStore Open(string folder, LimitTiming timing, string synchronous)
    {
        LimitStore store = new(StoreFile.Open(Path.Combine(folder, "limits.db"), synchronous, Schema), folder, timing);
        StoreFile.MakeFolder(store.PendingFolder);
        return store;
    }

    /// <summary>A new worker, whose lease holds until <paramref name="ends"/>; 0 where the store failed.</summary>
    public long Join(long now, long ends)
    {
        long worker = 0;
        return Within(() =>
        {
            Recover(now);
            Run("DELETE FROM used WHERE gone <= @now", ("@now", now));
            Run("DELETE FROM want WHERE until <= @now", ("@now", now));
            worker = Number("INSERT INTO worker (ends) VALUES (@ends) RETURNING id", ("@ends", ends));
            return StoreAnswer.Done;
        }) == StoreAnswer.Done ? worker : 0;
    }

    /// <summary>Gives a worker what it asks for, all or none, and as much again of what is left as leaves the others room.</summary>
    public StoreAnswer Ask(long worker, long now, long ends, IReadOnlyList<LimitAsk> asks) => Within(() =>
    {
        Recover(now);
        if (!Extend(worker, ends))
        {
            return StoreAnswer.Lapsed;
        }

        long workers = Number("SELECT count(*) FROM worker");
        bool isShort = false;
        foreach (LimitAsk ask in asks)
        {
            (long scope, int quantity) = (ask.Share.Scope.Value, ask.Quantity);
            Forget(scope, quantity, now);
            long used = Used(scope, quantity, now), others = Others(scope, quantity, worker), mine = Mine(scope, quantity, worker);
            ask.Headroom = Math.Max(ask.Limit - used - others, 0);
            long left = ask.Limit - used - others - mine;
            if (left < ask.Need)
            {
                isShort = true;
                ask.RetryAfter = RetryAfter(scope, quantity, now, ask.Need - left, others > 0);
                if (others > 0)
                {
                    Run("INSERT INTO want (scope, worker, until) VALUES (@scope, @worker, @until) ON CONFLICT DO UPDATE SET until = excluded.until", ("@scope", scope), ("@worker", worker), ("@until", now + (10 * (long)_timing.Renew.TotalMilliseconds)));
                }

                continue;
            }

            ask.RetryAfter = 0;
            ask.Given = ask.Need + ((left - ask.Need) / (2 * workers));
        }

        foreach (LimitAsk ask in isShort ? [] : asks)
        {
            Run(
                "INSERT INTO lease (scope, quantity, worker, amount) VALUES (@scope, @quantity, @worker, @amount) ON CONFLICT DO UPDATE SET amount = amount + excluded.amount",
                ("@scope", ask.Share.Scope.Value), ("@quantity", ask.Quantity), ("@worker", worker), ("@amount", ask.Given));
        }

        return isShort ? StoreAnswer.Short : StoreAnswer.Done;
    });

    /// <summary>Books what a worker used, takes back what it returns, and extends its lease.</summary>
    public StoreAnswer Report(long worker, long now, long ends, IReadOnlyList<LimitReport> reports) => Within(() =>
    {
        Recover(now);
        if (!Extend(worker, ends))
        {
            return StoreAnswer.Lapsed;
        }

        foreach (LimitReport report in reports)
        {
            (long scope, int quantity) = (report.Share.Scope.Value, report.Quantity);
            Book(scope, quantity, report.Used, now);
            Run("UPDATE lease SET amount = amount - @amount WHERE scope = @scope AND quantity = @quantity AND worker = @worker", ("@amount", report.Used + report.Returned), ("@scope", scope), ("@quantity", quantity), ("@worker", worker));
            if (report.Returned > 0)
            {
                Run("DELETE FROM lease WHERE scope = @scope AND quantity = @quantity AND worker = @worker AND amount = 0", ("@scope", scope), ("@quantity", quantity), ("@worker", worker));
            }
        }

        return StoreAnswer.Done;
    });

    /// <summary>Ends a worker that has reported everything and returned the rest.</summary>
    public StoreAnswer Leave(long worker) => Within(() =>
    {
        Run("DELETE FROM lease WHERE worker = @worker", ("@worker", worker));
        Run("DELETE FROM want WHERE worker = @worker", ("@worker", worker));
        Run("DELETE FROM worker WHERE id = @worker", ("@worker", worker));
        return StoreAnswer.Done;
    });

    /// <summary>Scopes for which another worker found no room while this one holds some.</summary>
    public IReadOnlyList<LimitScope> Wanted(long worker, long now)
    {
        try
        {
            List<LimitScope> scopes = [];
            SqliteCommand command = Prepared("SELECT DISTINCT scope FROM want WHERE worker <> @worker AND until > @now", [("@worker", worker), ("@now", now)]);
            using SqliteDataReader reader = command.ExecuteReader();
            while (reader.Read())
            {
                scopes.Add(LimitScope.Stored(reader.GetInt64(0)));
            }

            return scopes;
        }
        catch (SqliteException)
        {
            // The next transaction says so.
            return [];
        }
    }

    /// <summary>Where a worker keeps what it has not reported.</summary>
    public string PendingPath(long worker) => Path.Combine(PendingFolder, $"worker-{worker}");

    public void Dispose()
    {
        foreach (SqliteCommand command in _commands.Values)
        {
            command.Dispose();
        }

        _connection.Dispose();
    }

    string PendingFolder => Path.Combine(_folder, "limits");
}
