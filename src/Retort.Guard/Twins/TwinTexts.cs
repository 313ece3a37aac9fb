using Dapper;
using Microsoft.Data.Sqlite;

namespace Retort.Guard.Twins;

/// <summary>The sealed contents of twins: FOLDER/twins.db, a row a twin, without anything in the clear but number and time.</summary>
sealed class TwinTexts : IDisposable
{
    const string Schema = "CREATE TABLE twins (number INTEGER PRIMARY KEY, at INTEGER NOT NULL, box BLOB NOT NULL)";

    readonly SqliteConnection _connection;
    readonly string _path;

    TwinTexts(SqliteConnection connection, string path) => (_connection, _path) = (connection, path);

    public string Path => _path;

    /// <exception cref="UserError">It cannot be opened, or is none.</exception>
    public static TwinTexts Open(string folder)
    {
        string path = System.IO.Path.Combine(folder, "twins.db");
        return new(StoreFile.Open(path, "FULL", Schema), path);
    }

    /// <summary>Keeps some, all or none; once this returns they outlive a kill.</summary>
    public void Keep(IEnumerable<(TwinContent Content, byte[] Box)> twins) => Run(c =>
    {
        using SqliteTransaction all = c.BeginTransaction();
        foreach ((TwinContent content, byte[] box) in twins)
        {
            c.Execute("INSERT INTO twins VALUES (@Number, @At, @Box)", new { content.Number, At = content.At.ToUnixTimeMilliseconds(), Box = box }, all);
        }

        all.Commit();
        return 0;
    });

    /// <summary>The box of a twin; null where it was never kept, or is kept no more.</summary>
    public byte[]? Box(long number) => Run(c => c.QuerySingleOrDefault<byte[]>("SELECT box FROM twins WHERE number = @number", new { number }));

    public IReadOnlyList<long> Numbers() => Run(c => c.Query<long>("SELECT number FROM twins ORDER BY number").AsList());

    public void Remove(IEnumerable<long> numbers) => Run(c => c.Execute("DELETE FROM twins WHERE number = @number", numbers.Select(number => new { number })));

    /// <summary>Removes what is older.</summary>
    public int RemoveBefore(DateTimeOffset time) => Run(c => c.Execute("DELETE FROM twins WHERE at < @at", new { at = time.ToUnixTimeMilliseconds() }));

    public void Dispose() => _connection.Dispose();

    T Run<T>(Func<SqliteConnection, T> run)
    {
        try
        {
            return run(_connection);
        }
        catch (SqliteException e)
        {
            throw StoreFile.Fault(e, _path);
        }
    }
}
