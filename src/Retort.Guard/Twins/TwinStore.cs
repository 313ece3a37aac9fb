using Retort.Evidence.Ledger;
using Retort.Guard.Accounts;

namespace Retort.Guard.Twins;

/// <summary>A number set aside for a twin whose answers are yet to be drawn.</summary>
public sealed record TwinTicket(long Number, TwinSeed Seed);

/// <summary>A moment of a commit.</summary>
enum TwinStep
{
    /// <summary>Nothing is written.</summary>
    Begun,

    /// <summary>The sealed texts are.</summary>
    TextsKept,

    /// <summary>The ledger has the entry.</summary>
    Published,
}

/// <summary>
/// Sealed twins. For a share of requests two answers are drawn to one prompt, both are committed to in one entry of the ledger, and a coin that was settled
/// before either was drawn says which is served; the other is kept sealed and leaves nobody's hands. Whoever never saw what was served cannot tell the two apart,
/// so whether a suspect's model knows the served ones better is tested exactly.
/// <code>
/// if (twins.Reserve(id, suspected) is { } ticket)
/// {
///     string served = await twins.Serve(ticket, account, prompt, first, second);   // the two drawn from independent seeds, both to their end
/// }
/// </code>
/// Both must be committed to before a byte of either leaves, so a twinned answer is never streamed as it grows: it is written whole, then sent. The texts are
/// kept first, then the entry is published, then the answer may leave. A process killed before the entry was published has served nothing of that twin; its texts
/// are removed and its number is declared void when the store is opened again. The ledger sets numbers aside in blocks beforehand, and every one of them becomes
/// a twin or void, so twins that were left out can be counted by anyone.
/// </summary>
public sealed class TwinStore : IDisposable
{
    /// <summary>Numbers that are set aside at once.</summary>
    internal const int Block = 256;

    static readonly TimeSpan s_epoch = TimeSpan.FromDays(30);

    readonly Lock _gate = new(), _commit = new();
    readonly List<Waiting> _waiting = [];
    readonly List<long> _void = [];
    readonly Action<TwinStep> _onStep;
    readonly TwinPolicy _policy;
    readonly TimeProvider _time;
    readonly TwinTexts _texts;
    readonly GuardLog _log;
    readonly byte[] _key;
    TwinSeed _seed;
    DateTimeOffset _epochBegan;
    long _next, _end;
    bool _isLed;

    TwinStore(GuardLog log, TwinTexts texts, byte[] key, TwinPolicy policy, TimeProvider time, Action<TwinStep> onStep)
    {
        (_log, _texts, _key, _policy, _time, _onStep) = (log, texts, key, policy, time, onStep);
        TwinNumbers numbers = TwinNumbers.Of(log.Entries());
        (_seed, _epochBegan) = (TwinSeed.Of(log.Secret, Math.Max(1, numbers.Epoch)), numbers.EpochBegan);
        texts.Remove(texts.Numbers().Where(n => !numbers.Twins.Contains(n)));
        _void.AddRange(numbers.Open());
        _next = _end = numbers.Last + 1;
        SetAside(first: numbers.Epoch == 0);
    }

    /// <summary>Opens the twins of a folder, of which one process at a time is the owner; several processes have a folder each.</summary>
    /// <exception cref="UserError">Another process holds it, or it cannot be read or written.</exception>
    public static TwinStore Open(string folder, TwinPolicy policy, Pepper pepper, LedgerHome home, TimeProvider time) => Open(folder, policy, pepper, home, time, _ => { });

    internal static TwinStore Open(string folder, TwinPolicy policy, Pepper pepper, LedgerHome home, TimeProvider time, Action<TwinStep> onStep)
    {
        GuardLog log = GuardLog.Open(folder, home);
        TwinTexts? texts = null;
        TwinStore? opened = null;
        try
        {
            texts = TwinTexts.Open(folder);
            return opened = new(log, texts, pepper.TwinKey, policy, time, onStep);
        }
        finally
        {
            if (opened is null)
            {
                texts?.Dispose();
                log.Dispose();
            }
        }
    }

    /// <summary>Whether a request is twinned, and then its number.</summary>
    /// <param name="request">An id the server made for this request alone.</param>
    /// <param name="suspected">Whether the detector suspects the account.</param>
    /// <returns>Null for a request that is answered once.</returns>
    /// <exception cref="UserError">The ledger cannot be written.</exception>
    public TwinTicket? Reserve(string request, bool suspected)
    {
        lock (_gate)
        {
            if (!_seed.Draws(request, suspected ? _policy.SuspectedShare : _policy.Share))
            {
                return null;
            }

            if (_next == _end)
            {
                lock (_commit)
                {
                    SetAside(first: false);
                }
            }

            return new(_next++, _seed);
        }
    }

    /// <summary>Commits to both answers and says which may leave; several at once are written together. One of the callers writes, on its own thread.</summary>
    /// <param name="ticket">Served once.</param>
    /// <returns>The answer to serve. The other one must not leave.</returns>
    /// <exception cref="UserError">A file cannot be written; then neither answer may leave, and the number becomes void.</exception>
    public async Task<string> Serve(TwinTicket ticket, string account, string prompt, string first, string second)
    {
        Waiting mine = new(new(ticket.Number, _time.GetUtcNow(), account, prompt, first, second), ticket.Seed.Epoch);
        bool leads;
        lock (_waiting)
        {
            _waiting.Add(mine);
            leads = !_isLed;
            _isLed = true;
        }

        if (leads || !await mine.Settled.ConfigureAwait(false))
        {
            Lead(mine);
        }

        return mine.IsPublished
            ? ticket.Seed.Coin(ticket.Number) == 0 ? first : second
            : throw new UserError($"twin {ticket.Number} could not be written", _log.Folder, "Free some room; neither answer may be served.");
    }

    /// <summary>Gives a number back whose answers were not both drawn; the ledger will say that it has no twin.</summary>
    public void GiveUp(TwinTicket ticket)
    {
        lock (_commit)
        {
            _void.Add(ticket.Number);
        }
    }

    /// <summary>Removes texts that are kept long enough; for a timer, once a day.</summary>
    public int Forget()
    {
        lock (_commit)
        {
            return _texts.RemoveBefore(_time.GetUtcNow() - _policy.Keep);
        }
    }

    /// <summary>What is needed to show a twin to others.</summary>
    /// <returns>Null where there is no such twin, or its texts are kept no more.</returns>
    /// <exception cref="UserError">The texts cannot be opened, or the ledger is damaged.</exception>
    public OpenedTwin? Show(long number)
    {
        lock (_commit)
        {
            return _texts.Box(number) is { } box ? OpenedTwin.Of(TwinContent.Open(box, number, _key, Origin, _texts.Path), _log.Reader(), _log.Secret) : null;
        }
    }

    /// <summary>Numbers that are set aside and not used become void when the store is opened again.</summary>
    public void Dispose()
    {
        _texts.Dispose();
        _log.Dispose();
    }

    string Origin => _log.Reader().Checkpoint.Origin;

    /// <summary>Writes all that wait, then hands over to the first of those that came meanwhile.</summary>
    void Lead(Waiting mine)
    {
        Waiting[] together;
        lock (_waiting)
        {
            together = [.. _waiting];
            _waiting.Clear();
        }

        try
        {
            lock (_commit)
            {
                Commit(together);
            }
        }
        finally
        {
            foreach (Waiting other in together.Where(w => w != mine))
            {
                other.Settle(true);
            }

            lock (_waiting)
            {
                _isLed = _waiting.Count > 0;
                if (_isLed)
                {
                    _waiting[0].Settle(false);
                }
            }
        }
    }

    /// <summary>Texts, then entries, each written once for all that wait. Whoever fails leaves its numbers void.</summary>
    void Commit(Waiting[] together)
    {
        long[] without = [.. _void];
        _void.AddRange(together.Select(w => w.Content.Number));
        _onStep(TwinStep.Begun);
        string origin = Origin;
        _texts.Keep(together.Select(w => (w.Content, w.Content.Seal(_key, origin))));
        _onStep(TwinStep.TextsKept);
        _log.Add([.. together.Select(w => (ReadOnlyMemory<byte>)TwinEntry.Of(w.Content, w.Epoch, _log.Secret).ToBytes()), .. Voids(without)]);
        _void.Clear();
        _onStep(TwinStep.Published);
        Array.ForEach(together, w => w.IsPublished = true);
    }

    /// <summary>Sets numbers aside, from a new epoch's seed where the last began long ago.</summary>
    void SetAside(bool first)
    {
        DateTimeOffset now = _time.GetUtcNow();
        bool begins = first || now - _epochBegan >= s_epoch;
        TwinSeed seed = begins && !first ? TwinSeed.Of(_log.Secret, _seed.Epoch + 1) : _seed;
        long[] without = [.. _void];
        _log.Add([
            .. begins ? [new TwinEntry.Seed(seed.Epoch, now, seed.Commitment.ToString()).ToBytes()] : Array.Empty<ReadOnlyMemory<byte>>(),
            new TwinEntry.Numbers(seed.Epoch, _next, _next + Block - 1).ToBytes(),
            .. Voids(without)]);
        _void.Clear();
        (_seed, _epochBegan, _end) = (seed, begins ? now : _epochBegan, _next + Block);
    }

    static IEnumerable<ReadOnlyMemory<byte>> Voids(long[] numbers) => numbers.Order().Chunk(1024).Select(some => (ReadOnlyMemory<byte>)new TwinEntry.Void(some).ToBytes());

    sealed class Waiting(TwinContent content, int epoch)
    {
        readonly TaskCompletionSource<bool> _settled = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TwinContent Content => content;

        public int Epoch => epoch;

        public bool IsPublished { get; set; }

        /// <summary>True once it is written or failed; false when it is its own turn to write.</summary>
        public Task<bool> Settled => _settled.Task;

        public void Settle(bool done) => _settled.SetResult(done);
    }
}
