using Dapper;
using Microsoft.Data.Sqlite;

namespace Retort.Asking;

/// <summary>A question that a store holds.</summary>
/// <param name="Key">Its hash.</param>
/// <param name="Body">As it was sent.</param>
/// <param name="Choices">What was answered; empty where nothing was.</param>
public sealed record StoredQuestion(Endpoint Asked, byte[] Key, byte[] Body, IReadOnlyList<Choice> Choices);

/// <summary>What of a store was copied.</summary>
/// <param name="Spent">What the copied questions had cost, with what may have been paid.</param>
/// <param name="LeftOut">Answered questions that were not copied.</param>
/// <param name="LeftOutSpent">What all that were not copied had cost.</param>
public sealed record CopyFacts(Usd Spent, long LeftOut, Usd LeftOutSpent);

public sealed partial class Transcripts
{
    /// <summary>Begins a store with what another holds. The other is only read.</summary>
    /// <exception cref="UserError">The other cannot be read, or this one not be written.</exception>
    public static void Copy(string from, string to) => Copy(from, to, (source, target) => source.BackupDatabase(target), () => { });

    /// <summary>The same with a part of it: a question, and all that came of it, is copied or never written here.</summary>
    /// <param name="without">Of whose endpoints nothing that was seen is copied.</param>
    /// <param name="keep">Whether a question is; asked in the order in which they came into the store.</param>
    /// <param name="copied">Told before the copy is in its place.</param>
    public static void Copy(string from, string to, IReadOnlyCollection<Endpoint> without, Func<StoredQuestion, bool> keep, Action<CopyFacts> copied)
    {
        CopyFacts? facts = null;
        Copy(from, to, (source, target) => facts = CopyPart(source, target, without, keep), () => copied(facts!));
    }

    static void Copy(string from, string to, Action<SqliteConnection, SqliteConnection> copy, Action copied)
    {
        if (!File.Exists(from))
        {
            throw new UserError("there are no transcripts here", from, "Name the folder of a run of retort collect or retort distill.");
        }

        string begun = to + AtomicFile.Suffix;
        File.Delete(begun);
        try
        {
            using (SqliteConnection source = new(new SqliteConnectionStringBuilder { DataSource = from, Pooling = false, Mode = SqliteOpenMode.ReadOnly }.ToString()))
            using (SqliteConnection target = new(new SqliteConnectionStringBuilder { DataSource = begun, Pooling = false }.ToString()))
            {
                source.Open();
                target.Open();
                copy(source, target);
            }
        }
        catch (SqliteException e)
        {
            throw Fault(e, from);
        }

        copied();
        File.Move(begun, to);
    }

    static CopyFacts CopyPart(SqliteConnection source, SqliteConnection target, IReadOnlyCollection<Endpoint> without, Func<StoredQuestion, bool> keep)
    {
        HashSet<long> left = [];
        foreach ((long id, string endpoint, string model, byte[] key, byte[] body) in source.Query<(long, string, string, byte[], byte[])>("SELECT id, endpoint, model, key, body FROM request ORDER BY id", buffered: false))
        {
            Choice[] choices = [.. source.Query<(string Text, string? Finish, string? Refusal)>("SELECT text, finish, refusal FROM choice WHERE request = @id ORDER BY place", new { id }).Select(c => new Choice(c.Text, c.Finish, c.Refusal, null))];
            if (!keep(new(new(endpoint, model), key, body, choices)))
            {
                left.Add(id);
            }
        }

        using SqliteTransaction transaction = target.BeginTransaction();

        // Tables are filled in the order they were made in, and an older one may refer to a newer.
        target.Execute("PRAGMA defer_foreign_keys = ON", transaction: transaction);
        List<string> tables = [];
        foreach ((string type, string name, string sql) in source.Query<(string, string, string)>("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type DESC, rowid"))
        {
            target.Execute(sql, transaction: transaction);
            if (type == "table")
            {
                tables.Add(name);
            }
        }

        foreach (string table in tables)
        {
            CopyRows(source, target, transaction, table, without, left);
        }

        target.Execute($"PRAGMA user_version = {source.ExecuteScalar<long>("PRAGMA user_version")}", transaction: transaction);
        transaction.Commit();
        (Usd spent, Usd all) = (Spent(target), Spent(source));
        return new(spent, Answered(source) - Answered(target), all - spent);
    }

    static void CopyRows(SqliteConnection source, SqliteConnection target, SqliteTransaction transaction, string table, IReadOnlyCollection<Endpoint> without, HashSet<long> left)
    {
        using SqliteCommand read = source.CreateCommand(), write = target.CreateCommand();
        read.CommandText = $"SELECT * FROM {table}";
        using SqliteDataReader rows = read.ExecuteReader();
        string[] columns = [.. Enumerable.Range(0, rows.FieldCount).Select(rows.GetName)];

        // A question is known by its id, its answers and attempts by the question's, and what was seen of an endpoint by that.
        int question = Array.IndexOf(columns, table == "request" ? "id" : "request"), endpoint = Array.IndexOf(columns, "endpoint"), model = Array.IndexOf(columns, "model");
        write.Transaction = transaction;
        write.CommandText = $"INSERT INTO {table} ({string.Join(", ", columns)}) VALUES ({string.Join(", ", columns.Select(c => "@" + c))})";
        SqliteParameter[] values = [.. columns.Select(c => write.Parameters.AddWithValue("@" + c, DBNull.Value))];
        while (rows.Read())
        {
            if ((question >= 0 && left.Contains(rows.GetInt64(question))) || (question < 0 && endpoint >= 0 && without.Contains(new(rows.GetString(endpoint), rows.GetString(model)))))
            {
                continue;
            }

            for (int i = 0; i < values.Length; i++)
            {
                values[i].Value = rows.GetValue(i);
            }

            write.ExecuteNonQuery();
        }
    }

    static Usd Spent(SqliteConnection connection) => new(connection.ExecuteScalar<long>("SELECT coalesce(sum(coalesce(spent, reserved)), 0) FROM attempt"));

    static long Answered(SqliteConnection connection) => connection.ExecuteScalar<long>("SELECT count(*) FROM answer");
}
