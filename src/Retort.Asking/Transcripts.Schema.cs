namespace Retort.Asking;

/// <summary>The tables of transcripts.db.</summary>
public sealed partial class Transcripts
{
    /// <summary>Which tables these are; a file of a later version is refused, one of an earlier is brought up.</summary>
    static int Version => s_steps.Length;

    /// <summary>What makes each version of the one before.</summary>
    static readonly string[] s_steps = [Schema, Second, Third];

    /// <summary>
    /// request: one row a question, by the hash of what is sent · attempt: one row each time it was sent, written before it is sent; without an end it
    /// was in flight when the program ended · answer: what came of it · choice: its texts · access: every 401, 403, 429, challenge and refusal.
    /// Times are milliseconds since 1970 UTC, money millionths of a millionth of a dollar.
    /// </summary>
    const string Schema =
        """
        CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
        CREATE TABLE request (
          id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, endpoint TEXT NOT NULL, model TEXT NOT NULL, body BLOB NOT NULL,
          account BLOB, terms TEXT, made INTEGER NOT NULL) STRICT;
        CREATE TABLE attempt (
          id INTEGER PRIMARY KEY, request INTEGER NOT NULL REFERENCES request (id), began INTEGER NOT NULL, reserved INTEGER NOT NULL,
          ended INTEGER, outcome TEXT, status INTEGER, spent INTEGER, detail TEXT) STRICT;
        CREATE INDEX attempt_request ON attempt (request);
        CREATE TABLE answer (
          request INTEGER PRIMARY KEY REFERENCES request (id), attempt INTEGER NOT NULL REFERENCES attempt (id), model TEXT, fingerprint TEXT, response TEXT,
          prompt_tokens INTEGER, completion_tokens INTEGER, price INTEGER NOT NULL, latency INTEGER NOT NULL, received INTEGER NOT NULL, raw BLOB) STRICT;
        CREATE INDEX answer_response ON answer (response);
        CREATE TABLE choice (
          request INTEGER NOT NULL REFERENCES request (id), place INTEGER NOT NULL, text TEXT NOT NULL, finish TEXT, refusal TEXT, logprobs BLOB,
          PRIMARY KEY (request, place)) STRICT, WITHOUT ROWID;
        CREATE TABLE access (
          id INTEGER PRIMARY KEY, at INTEGER NOT NULL, request INTEGER NOT NULL REFERENCES request (id), kind TEXT NOT NULL, status INTEGER NOT NULL,
          detail TEXT NOT NULL, done TEXT NOT NULL) STRICT;
        """;

    /// <summary>
    /// purpose: what a question was asked for; only data becomes rows of training · probe: what an endpoint really does · batch: questions sent together,
    /// written before they are sent; token: our name for it, file and remote the endpoint's names, ended when every answer of it is here.
    /// </summary>
    const string Second =
        """
        ALTER TABLE request ADD COLUMN purpose TEXT NOT NULL DEFAULT 'Data';
        CREATE TABLE probe (id INTEGER PRIMARY KEY, endpoint TEXT NOT NULL, model TEXT NOT NULL, at INTEGER NOT NULL, facts TEXT NOT NULL) STRICT;
        CREATE TABLE batch (
          id INTEGER PRIMARY KEY, token TEXT NOT NULL UNIQUE, endpoint TEXT NOT NULL, model TEXT NOT NULL, made INTEGER NOT NULL,
          file TEXT, remote TEXT, status TEXT, ended INTEGER, facts TEXT) STRICT;
        ALTER TABLE attempt ADD COLUMN batch INTEGER REFERENCES batch (id);
        CREATE INDEX attempt_batch ON attempt (batch) WHERE batch IS NOT NULL;
        """;

    /// <summary>policy: every reading of an endpoint's own list of models, with the hash of what came; says is null where it says nothing, unread holds why it was not read.</summary>
    const string Third =
        """
        CREATE TABLE policy (
          id INTEGER PRIMARY KEY, endpoint TEXT NOT NULL, model TEXT NOT NULL, at INTEGER NOT NULL, address TEXT NOT NULL, sha256 TEXT, says TEXT, unread TEXT) STRICT;
        """;
}
