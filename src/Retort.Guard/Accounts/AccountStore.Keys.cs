using Dapper;
using Microsoft.Data.Sqlite;

namespace Retort.Guard.Accounts;

/// <summary>Keys.</summary>
public sealed partial class AccountStore
{
    /// <summary>Makes a key; its text is given here and never again.</summary>
    /// <exception cref="UserError">There is no such account, or the key would have expired already.</exception>
    public MadeKey MakeKey(string account, KeyScopes scopes, DateTimeOffset? expires) => Change(w =>
    {
        if (expires <= w.Now)
        {
            throw new UserError("the key would have expired already", "--expires", "Give a later time.");
        }

        MadeKey made = Insert(w, Row(account, w.Transaction).Id, scopes, expires);
        w.Event(AccountEventKind.KeyMade, made.Key.Account, made.Key.Id, new { scopes = scopes.ToString(), expires });
        return made;
    });

    /// <summary>Makes many keys in one change.</summary>
    internal IReadOnlyList<MadeKey> MakeKeys(string account, int count) => Change(w =>
    {
        long owner = Row(account, w.Transaction).Id;
        MadeKey[] made = [.. Enumerable.Range(0, count).Select(_ => Insert(w, owner, KeyScopes.All, null))];
        foreach (MadeKey key in made)
        {
            w.Event(AccountEventKind.KeyMade, owner, key.Key.Id, new { scopes = key.Key.Scopes.ToString() });
        }

        return made;
    });

    /// <summary>Makes a key in place of another, which goes on until the overlap ends.</summary>
    /// <exception cref="UserError">There is no such key, or it is revoked, replaced or expired.</exception>
    public MadeKey Rotate(string key, TimeSpan overlap) => Change(w =>
    {
        KeyRow old = Key(key, w.Transaction);
        if (Of(old).State(w.Now) is var state and not "active")
        {
            throw new UserError($"this key is {state}", key, old.Successor is { } next ? $"Rotate its successor, {next}." : "Make a new one: retort guard keys make.");
        }

        MadeKey made = Insert(w, old.Account, (KeyScopes)old.Scopes, Time(old.Expires));
        KeyRow replaced = old with { Replaced = Ms(w.Now + overlap), Successor = made.Key.Id, Changed = w.Change };
        Update(w, replaced);
        w.Event(AccountEventKind.KeyRotated, old.Account, key, new { successor = made.Key.Id, until = w.Now + overlap });
        return made;
    });

    /// <summary>Revokes a key: once this returns no program on this store lets it pass.</summary>
    /// <exception cref="UserError">There is no such key.</exception>
    public ApiKey Revoke(string key) => Change(w =>
    {
        KeyRow row = Key(key, w.Transaction);
        if (row.Revoked is null)
        {
            row = row with { Revoked = Ms(w.Now), Changed = w.Change };
            Update(w, row);
            w.Event(AccountEventKind.KeyRevoked, row.Account, key, new { });
        }

        return Of(row);
    });

    /// <summary>All keys, or an account's, in the order they were made.</summary>
    public IReadOnlyList<ApiKey> Keys(long? account = null) => Reading(() =>
        _connection.Query<KeyRow>(KeyRow.Select + " WHERE @account IS NULL OR account = @account ORDER BY made, id", new { account }).Select(Of).ToArray());

    MadeKey Insert(Writing w, long account, KeyScopes scopes, DateTimeOffset? expires)
    {
        string text = KeyText.Make();
        byte[] hash = new byte[System.Security.Cryptography.SHA256.HashSizeInBytes];
        Pepper.Hash(text, hash);
        KeyRow row = new(KeyText.IdOf(text), account, hash, (long)scopes, Ms(w.Now), Ms(expires), null, null, null, w.Change, []);
        w.Run(
            "INSERT INTO api_key (id, account, hash, scopes, made, expires, changed, seal) VALUES (@Id, @Account, @Hash, @Scopes, @Made, @Expires, @Changed, @Seal)",
            row with { Seal = Pepper.Seal(row.Text) });
        return new(Of(row), text);
    }

    void Update(Writing w, KeyRow row) => w.Run(
        "UPDATE api_key SET replaced = @Replaced, revoked = @Revoked, successor = @Successor, changed = @Changed, seal = @Seal WHERE id = @Id", row with { Seal = Pepper.Seal(row.Text) });

    KeyRow Key(string id, SqliteTransaction transaction)
    {
        if (!KeyText.TryId(id, out _))
        {
            // Whoever gives the whole key here must not find it in an error or a log.
            throw new UserError("this is no key's id", "KEYID", $"An id has {KeyText.IdLength} digits and lower-case letters, what stands between the first two underscores of the key; retort guard keys list shows all.");
        }

        KeyRow row = _connection.QueryFirstOrDefault<KeyRow>(KeyRow.Select + " WHERE id = @id", new { id }, transaction) ?? throw new UserError("there is no such key", id, "All are shown by retort guard keys list.");
        return Holds(row.Seal, row.Text) ? row : throw Unsealed($"key {id}");
    }

    static ApiKey Of(KeyRow r) => new(r.Id, r.Account, (KeyScopes)r.Scopes, Time(r.Made), Time(r.Expires), Time(r.Replaced), Time(r.Revoked), r.Successor);
}
