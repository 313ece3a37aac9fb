using System.Diagnostics;
using Microsoft.Data.Sqlite;
using Retort.Guard.Limits;

namespace Retort.Guard.Bench;

/// <summary>What reserving and settling take.</summary>
/// <param name="Threads">Threads that reserve at once.</param>
/// <param name="PairsPerS">Requests reserved and settled a second, of all threads, at one account each.</param>
/// <param name="LinkedPerS">The same at two scopes, one of them shared by all.</param>
/// <param name="BytesEach">Memory taken by one.</param>
/// <param name="StoredPerS">The same by a transaction in the store for each reservation and each settlement, for comparison.</param>
/// <param name="RefusedPerS">Refusals of a scope that is used up.</param>
public sealed record LimitBenchResult(int Threads, double PairsPerS, double LinkedPerS, double BytesEach, double StoredPerS, double RefusedPerS);

static class LimitBench
{
    const int Accounts = 1000;

    static readonly ScopeLimits s_wide = new(1_000_000_000, 1_000_000_000_000, 1_000_000_000_000, 1_000_000_000_000, 1_000_000_000_000, 100_000);

    static readonly ScopeLimits s_narrow = new(1, 1000, 1000, 1000, 1000, 1);

    public static LimitBenchResult Run(string folder, int threads, int pairs, Action<double> onShare, CancellationToken stop)
    {
        using LeasedLimits limits = LeasedLimits.Open(folder, LimitTiming.Default, TimeProvider.System);
        using Timer renew = new(_ => limits.Renew(), null, 100, 100);
        BoundScope[] group = [new(LimitScope.Group(1), s_wide)];
        Amounts most = Amounts.Of(1000, 500, 10), used = Amounts.Of(300, 150, 10);
        Rate(1, Accounts * 20, Alone);
        onShare(0.1);
        stop.ThrowIfCancellationRequested();
        long before = GC.GetTotalAllocatedBytes(precise: true);
        double alone = Rate(threads, pairs, Alone);
        double bytes = (GC.GetTotalAllocatedBytes(precise: true) - before) / (double)pairs;
        onShare(0.5);
        stop.ThrowIfCancellationRequested();
        double linked = Rate(threads, pairs, Linked);
        onShare(0.7);
        stop.ThrowIfCancellationRequested();
        BoundScope[] spent = [new(LimitScope.Account(Accounts + 1), s_narrow)];
        double refused = Rate(threads, pairs / 10, (_, _) => limits.Reserve(spent, most, out _));
        onShare(0.8);
        return new(threads, alone, linked, bytes, Stored(folder, Math.Min(pairs, 20_000)), refused);

        void Alone(int thread, int i)
        {
            ReadOnlySpan<BoundScope> scope = [new(LimitScope.Account(1 + (((i * 7) + (thread * 501)) % Accounts)), s_wide)];
            Pair(scope);
        }

        void Linked(int thread, int i)
        {
            ReadOnlySpan<BoundScope> scopes = [new(LimitScope.Account(1 + (((i * 7) + (thread * 501)) % Accounts)), s_wide), group[0]];
            Pair(scopes);
        }

        void Pair(ReadOnlySpan<BoundScope> scopes)
        {
            if (limits.Reserve(scopes, most, out Reservation reservation) is null)
            {
                limits.Settle(reservation, used);
            }
        }
    }

    static double Rate(int threads, int count, Action<int, int> one)
    {
        long began = Stopwatch.GetTimestamp();
        Thread[] all = [.. Enumerable.Range(0, threads).Select(t => new Thread(() =>
        {
            for (int i = 0; i < count / threads; i++)
            {
                one(t, i);
            }
        }))];
        Array.ForEach(all, t => t.Start());
        Array.ForEach(all, t => t.Join());
        return count / threads * threads / Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    /// <summary>As a limiter without leases would: BEGIN IMMEDIATE, compare, write, COMMIT, in WAL with synchronous = NORMAL, twice a request.</summary>
    static double Stored(string folder, int pairs)
    {
        using SqliteConnection connection = StoreFile.Open(Path.Combine(folder, "stored.db"), "NORMAL", "CREATE TABLE used (scope INTEGER PRIMARY KEY, amount INTEGER NOT NULL) STRICT;");
        SqliteCommand Of(string sql)
        {
            SqliteCommand command = connection.CreateCommand();
            command.CommandText = sql;
            if (sql.Contains('@', StringComparison.Ordinal))
            {
                command.Parameters.Add("@scope", SqliteType.Integer);
            }

            return command;
        }

        using SqliteCommand begin = Of("BEGIN IMMEDIATE"), read = Of("SELECT amount FROM used WHERE scope = @scope"), write = Of("INSERT INTO used (scope, amount) VALUES (@scope, 1) ON CONFLICT DO UPDATE SET amount = amount + 1"), commit = Of("COMMIT");
        long began = Stopwatch.GetTimestamp();
        for (int i = 0; i < pairs * 2; i++)
        {
            begin.ExecuteNonQuery();
            read.Parameters[0].Value = write.Parameters[0].Value = (long)(i / 2 * 7 % Accounts);
            read.ExecuteScalar();
            write.ExecuteNonQuery();
            commit.ExecuteNonQuery();
        }

        return pairs / Stopwatch.GetElapsedTime(began).TotalSeconds;
    }
}
