using Microsoft.Data.Sqlite;

namespace Retort.Guard;

/// <summary>A store of the guard: one SQLite file in WAL mode, which several programs may hold open.</summary>
static class StoreFile
{
    public static UserError Fault(SqliteException e, string path) => e.SqliteErrorCode switch
    {
        5 or 6 => new("another program holds this store", path, "Try again once it is done."),
        8 => new("this store cannot be written", path, "Check whose it is."),
        11 or 26 => new("this is no store of the guard, or it is damaged", path, "Put back a copy, or name another folder."),
        10 or 13 => new("the store cannot be written: the disk is full, or fails", path, "Free some room; what was written before is kept."),
        14 => new("this store cannot be opened", path, "Check that its folder is there and can be written."),
        _ => new($"the store failed: {e.Message.TrimEnd('.')}", path, "What was written before is kept."),
    };

    /// <summary>A connection to a file, made where there is none, in a folder made where there is none.</summary>
    /// <param name="synchronous">FULL: what was committed outlives a failure of the machine; NORMAL: a kill of the process.</param>
    /// <param name="steps">What makes each version of the tables of the one before.</param>
    /// <exception cref="UserError">It cannot be opened, is none, or is of a later version.</exception>
    public static SqliteConnection Open(string path, string synchronous, params string[] steps)
    {
        MakeFolder(Path.GetDirectoryName(Path.GetFullPath(path))!);
        SqliteConnection connection = new(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, DefaultTimeout = 1 }.ToString());
        bool opened = false;
        try
        {
            connection.Open();
            Run(connection, $"PRAGMA busy_timeout = 2000; PRAGMA synchronous = {synchronous}; PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON;");
            Run(connection, "BEGIN IMMEDIATE");
            using SqliteCommand version = connection.CreateCommand();
            version.CommandText = "PRAGMA user_version";
            long now = (long)version.ExecuteScalar()!;
            if (now > steps.Length)
            {
                throw new UserError($"this store is of version {now}, and this program reads up to {steps.Length}", path, "Use the program that wrote it, or a later one.");
            }

            foreach (string step in steps[(int)now..])
            {
                Run(connection, step);
            }

            Run(connection, $"PRAGMA user_version = {steps.Length}");
            Run(connection, "COMMIT");
            opened = true;
            return connection;
        }
        catch (SqliteException e)
        {
            throw Fault(e, path);
        }
        finally
        {
            if (!opened)
            {
                connection.Dispose();
            }
        }
    }

    internal static void MakeFolder(string path)
    {
        try
        {
            Directory.CreateDirectory(path);
        }
        catch (Exception e) when (FileFault.Is(e))
        {
            throw FileFault.Writing(path, e);
        }
    }

    static void Run(SqliteConnection connection, string sql)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
