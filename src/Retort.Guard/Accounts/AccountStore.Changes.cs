using Dapper;
using Microsoft.Data.Sqlite;

namespace Retort.Guard.Accounts;

/// <summary>What changed since a change.</summary>
/// <param name="Change">The last change it holds.</param>
/// <param name="Terms">Those in force; null for none.</param>
/// <param name="Unsealed">Keys whose seal does not hold.</param>
/// <param name="UnsealedAccounts">Accounts whose seal does not hold.</param>
/// <param name="Faults">Both in words.</param>
sealed record AccountRows(
    long Change, IReadOnlyList<Account> Accounts, IReadOnlyList<(ulong Number, byte[] Hash, ApiKey Key)> Keys, PublishedTerms? Terms, IReadOnlyList<ulong> Unsealed, IReadOnlyList<long> UnsealedAccounts, IReadOnlyList<string> Faults);

/// <summary>Reading for the gate.</summary>
public sealed partial class AccountStore
{
    /// <summary>SQLite's number that changes when another connection changed the file; a few microseconds.</summary>
    internal long DataVersion => Reading(() => _connection.ExecuteScalar<long>("PRAGMA data_version"));

    internal AccountRows ChangedSince(long change) => Reading(() =>
    {
        using SqliteTransaction snapshot = _connection.BeginTransaction(deferred: true);
        long last = _connection.ExecuteScalar<long>("SELECT coalesce(max(number), 0) FROM change", transaction: snapshot);
        List<Account> accounts = [];
        List<(ulong, byte[], ApiKey)> keys = [];
        List<ulong> unsealed = [];
        List<long> unsealedAccounts = [];
        List<string> faults = [];
        foreach (AccountRow row in _connection.Query<AccountRow>(AccountRow.Select + " WHERE changed > @change", new { change }, snapshot))
        {
            if (Holds(row.Seal, row.Text))
            {
                accounts.Add(Of(row, Accepted(row.Id, snapshot)));
            }
            else
            {
                unsealedAccounts.Add(row.Id);
                faults.Add($"account {row.Id}");
            }
        }

        foreach (KeyRow row in _connection.Query<KeyRow>(KeyRow.Select + " WHERE changed > @change", new { change }, snapshot))
        {
            if (!KeyText.TryId(row.Id, out ulong number))
            {
                faults.Add("a key without an id");
            }
            else if (Holds(row.Seal, row.Text))
            {
                keys.Add((number, row.Hash, Of(row)));
            }
            else
            {
                unsealed.Add(number);
                faults.Add($"key {row.Id}");
            }
        }

        TermsRow? terms = _connection.QueryFirstOrDefault<TermsRow>(TermsRow.Select + " ORDER BY id DESC LIMIT 1", transaction: snapshot);
        if (terms is not null && !Holds(terms.Seal, terms.Text))
        {
            faults.Add($"terms {terms.Id}");
            terms = null;
        }

        return new AccountRows(last, accounts, keys, terms is null ? null : Of(terms), unsealed, unsealedAccounts, faults);
    });
}
