using System.Buffers;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Retort.Evidence.Ledger;

namespace Retort.Guard.Records;

/// <summary>
/// The ledger of decisions, STORE/decisions: an entry for every request that was answered or refused; requests without a key that passes share one by route and
/// code, with their number. Entries are written off the path in groups, each begun 50 ms
/// after its first decision and published whole, so a kill loses the decisions of less than a tenth of a second where the disk takes a group in less than 50 ms.
/// Where groups wait, so do requests, and nothing is dropped; while the log cannot be written <see cref="Fault"/> says so and nothing new is begun.
/// A server that finds the log held by another writes decisions-2, and so on.
/// </summary>
sealed class DecisionLog : IAsyncDisposable
{
    const int MostWaiting = 16_384, MostServers = 64;

    static readonly TimeSpan s_group = TimeSpan.FromMilliseconds(50), s_again = TimeSpan.FromSeconds(1);

    readonly Channel<(Decision Decision, KeptContents? Contents)> _waiting = Channel.CreateBounded<(Decision, KeptContents?)>(new BoundedChannelOptions(MostWaiting) { SingleReader = true });
    readonly ArrayBufferWriter<byte> _leaf = new();
    readonly Utf8JsonWriter _json;
    readonly List<Decision> _group = [];
    readonly List<KeptContents> _contents = [];
    readonly ContentVault? _vault;
    readonly LedgerHome _home;
    readonly LedgerKey _key;
    readonly TimeProvider _time;
    readonly Task _running;
    TileLog? _log;
    long _size;

    DecisionLog(string folder, CommitmentSecret secret, LedgerHome home, LedgerKey key, TileLog log, ContentVault? vault, TimeProvider time)
    {
        (Folder, Secret, _home, _key, _log, _vault, _time, _json) = (folder, secret, home, key, log, vault, time, new(_leaf));
        _size = log.Size;
        _running = Task.Run(Run);
    }

    /// <summary>Where it lies.</summary>
    public string Folder { get; }

    /// <summary>From which the salts of commitments follow.</summary>
    public CommitmentSecret Secret { get; }

    /// <summary>Why nothing can be written now; null where it can.</summary>
    public string? Fault { get; private set; }

    /// <summary>Opens the log in a store's folder, or begins it.</summary>
    /// <param name="vault">Where contents are kept; null for nowhere.</param>
    /// <exception cref="UserError">It is damaged, goes not on from its last checkpoint, or cannot be written.</exception>
    public static DecisionLog Open(string store, LedgerHome home, ContentVault? vault, TimeProvider time)
    {
        home.MakeKey();
        for (int server = 1; server <= MostServers; server++)
        {
            string folder = Path.Combine(store, server == 1 ? "decisions" : $"decisions-{server}");
            if (TileLog.IsHeld(folder))
            {
                continue;
            }

            CommitmentSecret secret = CommitmentSecret.Of(folder + ".secret", folder);
            LedgerKey key = home.Key($"{home.Prefix}/{Convert.ToHexStringLower(secret.Salt("origin"))[..16]}");
            key.Public.Write(folder + ".pub");
            return new(folder, secret, home, key, Begin(folder, secret, home, key), vault, time);
        }

        throw new UserError($"{MostServers} servers write decisions to this store already", store, "Stop one, or give this one a store of its own.");
    }

    /// <summary>Hands over a decision; waits where many wait.</summary>
    public ValueTask Record(Decision decision, KeptContents? contents = null) => _waiting.Writer.TryWrite((decision, contents)) ? default : _waiting.Writer.WriteAsync((decision, contents));

    /// <summary>Whether contents are kept.</summary>
    public bool KeepsContents => _vault is not null;

    /// <summary>Writes what waits, and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        _waiting.Writer.TryComplete();
        await _running.ConfigureAwait(false);
        _log?.Dispose();
        _key.Dispose();
        await _json.DisposeAsync().ConfigureAwait(false);
    }

    async Task Run()
    {
        while (await _waiting.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            await Task.Delay(s_group, _time).ConfigureAwait(false);
            while (_group.Count < MostWaiting && _waiting.Reader.TryRead(out (Decision Decision, KeptContents? Contents) next))
            {
                _group.Add(next.Decision);
                if (next.Contents is { } contents)
                {
                    _contents.Add(contents);
                }
            }

            while (!TryPublish())
            {
                await Task.Delay(s_again, _time).ConfigureAwait(false);
            }

            _group.Clear();
            _contents.Clear();
        }
    }

    /// <summary>The whole group; where it fails the log is opened again from its last checkpoint, which has all of the group or none.</summary>
    bool TryPublish()
    {
        try
        {
            _vault?.Write(_contents);
            _log ??= Begin(Folder, Secret, _home, _key);
            if (_log.Size == _size)
            {
                Append(_log);
            }

            Checkpoint published = _log.Publish(_key);
            _home.Keep(published, _key.Public);
            (_size, Fault) = (published.Size, null);
            return true;
        }
        catch (UserError e)
        {
            Fault = e.Message;
            _log?.Dispose();
            _log = null;
            return false;
        }
    }

    void Append(TileLog log)
    {
        Dictionary<(string, int, string?), (Decision First, long Count)> strangers = [];
        foreach (Decision decision in _group)
        {
            if (decision.Account == 0)
            {
                (string, int, string?) kind = (decision.Route, decision.Status, decision.Code);
                strangers[kind] = strangers.TryGetValue(kind, out (Decision First, long Count) so) ? (so.First, so.Count + 1) : (decision, 1);
            }
            else
            {
                Append(log, decision, 1);
            }
        }

        // Whoever has no key could fill the disk otherwise.
        foreach ((Decision first, long count) in strangers.Values)
        {
            Append(log, first, count);
        }
    }

    void Append(TileLog log, Decision decision, long count)
    {
        _leaf.ResetWrittenCount();
        _json.Reset();
        decision.Write(_json, Secret, count);
        _json.Flush();
        log.Append(_leaf.WrittenSpan);
    }

    /// <summary>The log, whose first entry binds the secret.</summary>
    static TileLog Begin(string folder, CommitmentSecret secret, LedgerHome home, LedgerKey key)
    {
        TileLog log = TileLog.Open(folder, key, home.Last(key.Public));
        if (log.Size == 0)
        {
            log.Append(CanonicalJson.Write(new JsonObject { ["format"] = 1, ["kind"] = "begin", ["commitments"] = new JsonObject { ["secret"] = secret.Commit("0/secret", []).ToString() } }));
            home.Keep(log.Publish(key), key.Public);
        }

        return log;
    }
}
