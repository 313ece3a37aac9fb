using System.Globalization;
using System.Security.Cryptography;
using Dapper;
using Microsoft.Data.Sqlite;

namespace Retort.Guard.Accounts;

/// <summary>The seals: of each row, and of all rows together, so that a row that was changed, put back as it was, or taken out is noticed.</summary>
public sealed partial class AccountStore
{
    sealed record AccountRow(long Id, string Name, string Tier, long Purposes, long? Researcher, long? Linked, long Made, long Changed, byte[] Seal)
    {
        public const string Select = "SELECT id AS Id, name AS Name, tier AS Tier, purposes AS Purposes, researcher AS Researcher, linked AS Linked, made AS Made, changed AS Changed, seal AS Seal FROM account";

        public string Text => Line("account", Id, Name, Tier, Purposes, Researcher, Linked, Made, Changed);
    }

    sealed record KeyRow(string Id, long Account, byte[] Hash, long Scopes, long Made, long? Expires, long? Replaced, long? Revoked, string? Successor, long Changed, byte[] Seal)
    {
        public const string Select =
            "SELECT id AS Id, account AS Account, hash AS Hash, scopes AS Scopes, made AS Made, expires AS Expires, replaced AS Replaced, revoked AS Revoked, successor AS Successor, changed AS Changed, seal AS Seal FROM api_key";

        public string Text => Line("key", Id, Account, Convert.ToHexStringLower(Hash), Scopes, Made, Expires, Replaced, Revoked, Successor, Changed);
    }

    sealed record TermsRow(long Id, string Version, string Sha256, string File, long At, long Changed, byte[] Seal)
    {
        public const string Select = "SELECT id AS Id, version AS Version, sha256 AS Sha256, file AS File, at AS At, changed AS Changed, seal AS Seal FROM terms";

        public string Text => Line("terms", Id, Version, Sha256, File, At, Changed);
    }

    sealed record AcceptanceRow(long Id, long Account, string Version, string Sha256, long At, string Who, byte[] Seal)
    {
        public const string Select = "SELECT id AS Id, account AS Account, version AS Version, sha256 AS Sha256, at AS At, who AS Who, seal AS Seal FROM acceptance";

        public string Text => Line("acceptance", Id, Account, Version, Sha256, At, Who);
    }

    /// <summary>One line of fields; none of them holds a tab, which is checked where it comes in.</summary>
    static string Line(params ReadOnlySpan<object?> fields)
    {
        System.Text.StringBuilder line = new();
        foreach (object? field in fields)
        {
            line.Append(Convert.ToString(field, CultureInfo.InvariantCulture)).Append('\t');
        }

        return line.ToString();
    }

    /// <summary>Seals what all rows are now, as of a change.</summary>
    void SealAll(SqliteTransaction transaction, long change)
    {
        _connection.Execute("INSERT INTO meta (name, value) VALUES ('whole', @seal) ON CONFLICT (name) DO UPDATE SET value = excluded.value", new { seal = Whole(change, transaction) }, transaction);
    }

    byte[] Whole(long change, SqliteTransaction? transaction)
    {
        using IncrementalHash all = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (byte[] seal in _connection.Query<byte[]>("SELECT seal FROM account UNION ALL SELECT seal FROM api_key UNION ALL SELECT seal FROM terms UNION ALL SELECT seal FROM acceptance ORDER BY seal", transaction: transaction, buffered: false))
        {
            all.AppendData(seal);
        }

        return Pepper.Seal(Line("whole", change, Convert.ToHexStringLower(all.GetHashAndReset())));
    }

    /// <summary>Whether the rows together are those that were sealed last.</summary>
    bool IsWhole(SqliteTransaction transaction)
    {
        long change = _connection.ExecuteScalar<long>("SELECT coalesce(max(number), 0) FROM change", transaction: transaction);
        return _connection.ExecuteScalar<byte[]?>("SELECT value FROM meta WHERE name = 'whole'", transaction: transaction) is { } whole && CryptographicOperations.FixedTimeEquals(whole, Whole(change, transaction));
    }

    bool Holds(byte[] seal, string text) => CryptographicOperations.FixedTimeEquals(seal, Pepper.Seal(text));

    /// <summary>What was changed without the pepper: rows by table and id; empty where nothing was.</summary>
    /// <exception cref="UserError">The store is damaged.</exception>
    public IReadOnlyList<string> Faults() => Reading<IReadOnlyList<string>>(() =>
    {
        using SqliteTransaction transaction = Begin();
        List<string> faults =
        [
            .. _connection.Query<AccountRow>(AccountRow.Select, transaction: transaction).Where(r => !Holds(r.Seal, r.Text)).Select(r => $"account {r.Id}"),
            .. _connection.Query<KeyRow>(KeyRow.Select, transaction: transaction).Where(r => !Holds(r.Seal, r.Text)).Select(r => $"key {r.Id}"),
            .. _connection.Query<TermsRow>(TermsRow.Select, transaction: transaction).Where(r => !Holds(r.Seal, r.Text)).Select(r => $"terms {r.Id}"),
            .. _connection.Query<AcceptanceRow>(AcceptanceRow.Select, transaction: transaction).Where(r => !Holds(r.Seal, r.Text)).Select(r => $"acceptance {r.Id}"),
        ];
        return faults.Count > 0 || IsWhole(transaction) ? faults : ["the rows together: one was taken out or put back as it was before"];
    });
}
