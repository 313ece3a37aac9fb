namespace Retort.Guard.Accounts;

/// <summary>The tables of accounts.db.</summary>
public sealed partial class AccountStore
{
    /// <summary>
    /// account: who may ask; changed is the number of its last change · api_key: hash is HMAC-SHA-256 of the key under the pepper · terms: documents that were
    /// published; the last is in force · acceptance: who accepted which · trait: what accounts may share, hashed under the pepper · event: all that happened,
    /// for the ledger · change: a number for each change. Times are milliseconds since 1970 UTC.
    /// </summary>
    const string Schema =
        """
        CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
        CREATE TABLE change (number INTEGER PRIMARY KEY) STRICT;
        CREATE TABLE account (
          id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, tier TEXT NOT NULL, purposes INTEGER NOT NULL, researcher INTEGER, linked INTEGER,
          made INTEGER NOT NULL, changed INTEGER NOT NULL, seal BLOB NOT NULL) STRICT;
        CREATE INDEX account_changed ON account (changed);
        CREATE TABLE api_key (
          id TEXT PRIMARY KEY, account INTEGER NOT NULL REFERENCES account (id), hash BLOB NOT NULL, scopes INTEGER NOT NULL, made INTEGER NOT NULL,
          expires INTEGER, replaced INTEGER, revoked INTEGER, successor TEXT, changed INTEGER NOT NULL, seal BLOB NOT NULL) STRICT, WITHOUT ROWID;
        CREATE INDEX api_key_account ON api_key (account);
        CREATE INDEX api_key_changed ON api_key (changed);
        CREATE TABLE terms (id INTEGER PRIMARY KEY, version TEXT NOT NULL UNIQUE, sha256 TEXT NOT NULL, file TEXT NOT NULL, at INTEGER NOT NULL, changed INTEGER NOT NULL, seal BLOB NOT NULL) STRICT;
        CREATE TABLE acceptance (
          id INTEGER PRIMARY KEY, account INTEGER NOT NULL REFERENCES account (id), version TEXT NOT NULL REFERENCES terms (version), sha256 TEXT NOT NULL,
          at INTEGER NOT NULL, who TEXT NOT NULL, seal BLOB NOT NULL) STRICT;
        CREATE INDEX acceptance_account ON acceptance (account);
        CREATE TABLE trait (account INTEGER NOT NULL REFERENCES account (id), kind TEXT NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (account, kind, hash)) STRICT, WITHOUT ROWID;
        CREATE INDEX trait_hash ON trait (hash);
        CREATE TABLE event (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, at INTEGER NOT NULL, account INTEGER, subject TEXT, detail TEXT NOT NULL) STRICT;
        """;
}
