using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Retort.Evidence.Ledger;

namespace Retort.Guard.Accounts;

/// <summary>
/// The ledger of accounts: STORE/ledger, an append-only log with an entry for each event (<see cref="AccountEvent"/>), so that who accepted which terms when,
/// and which key was made, rotated or revoked, can be proved later without showing the rest. An entry holds kind, number and time in the clear and commits to
/// account, subject and detail; entry 0 binds the secret, STORE/ledger.secret, from which the salts follow, so event n is entry n.
/// </summary>
public static class AccountLedger
{
    const int Format = 1;

    /// <summary>Appends the events that have no entry yet and publishes. What cannot be written now is appended the next time.</summary>
    /// <param name="home">Who signs, and where the last checkpoint is kept.</param>
    /// <returns>The published checkpoint.</returns>
    /// <exception cref="UserError">The log is not whole, goes not on from the last checkpoint, or cannot be written.</exception>
    public static Checkpoint Record(AccountStore store, LedgerHome home) => store.Alone(() =>
    {
        string folder = Path.Combine(store.Folder, "ledger"), checkpoint = Path.Combine(folder, TileReader.CheckpointName);
        home.MakeKey();
        CommitmentSecret secret = CommitmentSecret.Of(Path.Combine(store.Folder, "ledger.secret"), folder);
        using LedgerKey key = home.Key(File.Exists(checkpoint) ? Checkpoint.Read(checkpoint).Origin : $"{home.Prefix}/{Convert.ToHexStringLower(secret.Salt("origin"))[..16]}");
        using TileLog log = TileLog.Open(folder, key, home.Last(key.Public));
        string publicKey = Path.Combine(store.Folder, "ledger.pub");
        if (!File.Exists(publicKey))
        {
            key.Public.Write(publicKey);
        }

        if (log.Size == 0)
        {
            log.Append(CanonicalJson.Write(new JsonObject { ["format"] = Format, ["kind"] = "begin", ["commitments"] = new JsonObject { ["secret"] = secret.Commit(Row(0, "secret"), []).ToString() } }));
        }

        if (log.Size > 1 && store.Events(log.Size - 1).Count == 0)
        {
            throw new UserError("the store is older than its ledger: events that have entries are not in it", store.Folder, "Put back the newest copy of the store.");
        }

        foreach (AccountEvent e in store.Events(log.Size))
        {
            log.Append(Leaf(e, secret));
        }

        Checkpoint published = log.Publish(key);
        home.Keep(published, key.Public);
        return published;
    });

    /// <summary>An event's entry.</summary>
    public static byte[] Leaf(AccountEvent e, CommitmentSecret secret)
    {
        JsonObject commitments = [];
        foreach ((string name, string? content) in ((string, string?)[])[("account", e.Account?.ToString(CultureInfo.InvariantCulture)), ("subject", e.Subject), ("detail", e.Detail)])
        {
            if (content is not null)
            {
                commitments[name] = secret.Commit(Row(e.Number, name), Encoding.UTF8.GetBytes(content)).ToString();
            }
        }

        return CanonicalJson.Write(new JsonObject
        {
            ["format"] = Format,
            ["kind"] = JsonNamingPolicy.SnakeCaseLower.ConvertName(e.Kind.ToString()),
            ["number"] = e.Number,
            ["time"] = e.At.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture),
            ["commitments"] = commitments,
        });
    }

    static string Row(long number, string content) => string.Create(CultureInfo.InvariantCulture, $"{number}/{content}");
}
