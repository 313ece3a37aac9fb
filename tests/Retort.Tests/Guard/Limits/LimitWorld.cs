using Retort.Guard.Limits;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Guard.Limits;

/// <summary>
/// Workers on one store under one clock, and beside them the truth: what was really used when, and what is really set aside. After every step both
/// together must be within every limit.
/// </summary>
sealed class LimitWorld : IDisposable
{
    /// <summary>Of accounts 1 to 3, of which 1 and 2 are linked, and of the group.</summary>
    public static readonly ScopeLimits Single = new(8, 100, 300, 1_000, 40, 3), Linked = new(12, 150, 400, 1_500, 60, 4);

    readonly Scratch _scratch = new();
    readonly List<Usage> _used = [];

    public GuardClock Clock { get; } = new();

    public List<LeasedLimits> Workers { get; } = [];

    /// <summary>Reservations that nobody has settled, with who holds them.</summary>
    public List<Held> Open { get; } = [];

    public sealed record Held(LeasedLimits Worker, int Account, Amounts Amounts, Reservation Reservation, long Since)
    {
        /// <summary>Its worker's number then: with another one the worker has lost its share and begun anew.</summary>
        public long Number { get; } = Worker.Worker;
    }

    /// <summary>Something used, at least and at most as booked (what comes late finds room at some scopes and not at others), and when its worker wrote it down at the latest; null where it was killed before.</summary>
    sealed record Usage(LeasedLimits Worker, LimitScope Scope, int Quantity, long At, long Amount, long Most)
    {
        public long? Booked { get; set; }
    }

    public string Folder => _scratch.Folder;

    public LeasedLimits Join()
    {
        LeasedLimits worker = LeasedLimits.Open(Folder, LimitTiming.Default with { Report = TimeSpan.Zero }, Clock, "OFF");
        Workers.Add(worker);
        return worker;
    }

    public static BoundScope[] ScopesOf(int account) => account == 3 ? [new(LimitScope.Account(3), Single)] : [new(LimitScope.Account(account), Single), new(LimitScope.Group(1), Linked)];

    public LimitRefusal? Reserve(LeasedLimits worker, int account, Amounts amounts)
    {
        LimitRefusal? refusal = worker.Reserve(ScopesOf(account), amounts, out Reservation reservation);
        if (refusal is null)
        {
            // From a share that others may have taken back nothing is dealt out.
            Assert.True(Clock.Milliseconds < worker.LeaseEnds);
            Open.Add(new(worker, account, amounts, reservation, Clock.Milliseconds));
            Use(worker, account, Quantity.Requests, 1, 1);
        }

        return refusal;
    }

    public Settlement Settle(int index, Amounts used)
    {
        Held held = Open[index];
        Open.RemoveAt(index);
        Settlement settled = held.Worker.Settle(held.Reservation, used);
        for (int q = (int)Quantity.MinuteTokens; q < (int)Quantity.Streams; q++)
        {
            Use(held.Worker, held.Account, (Quantity)q, used[q] - settled.Overrun[q], used[q]);
        }

        return settled;
    }

    /// <summary>Kills a worker: what it had reserved is set aside until its lease ends.</summary>
    public void Kill(LeasedLimits worker)
    {
        _dead.AddRange(Open.Where(h => h.Worker == worker && h.Number == worker.Worker).Select(h => (h, worker.LeaseEnds)));
        Open.RemoveAll(h => h.Worker == worker);
        Workers.Remove(worker);
        worker.Abandon();
    }

    /// <summary>Ends a worker in good order.</summary>
    public void Leave(LeasedLimits worker)
    {
        Open.RemoveAll(h => h.Worker == worker);
        Workers.Remove(worker);
        worker.Dispose();
    }

    readonly List<(Held Held, long Ends)> _dead = [];

    /// <summary>The first limit that is passed now; null when all hold.</summary>
    public string? Broken()
    {
        long now = Clock.Milliseconds, lasts = (long)LimitTiming.Default.Reservation.TotalMilliseconds;
        foreach ((LimitScope scope, ScopeLimits limits) in (IEnumerable<(LimitScope, ScopeLimits)>)[(LimitScope.Account(1), Single), (LimitScope.Account(2), Single), (LimitScope.Account(3), Single), (LimitScope.Group(1), Linked)])
        {
            for (int q = 0; q < Amounts.Count; q++)
            {
                long used = Used(scope, q), reserved = 0;
                if (q != (int)Quantity.Requests)
                {
                    reserved = Open.Where(h => In(h, scope) && h.Number == h.Worker.Worker && now < h.Since + lasts && now < h.Worker.LeaseEnds).Sum(h => h.Amounts[q])
                        + _dead.Where(d => In(d.Held, scope) && now < d.Held.Since + lasts && now < d.Ends).Sum(d => d.Held.Amounts[q]);
                }

                if (used + reserved > limits[(Quantity)q])
                {
                    return $"{scope}, {(Quantity)q}: {used} used and {reserved} set aside of {limits[(Quantity)q]}";
                }
            }
        }

        return null;
    }

    /// <summary>Used within the window that ends now.</summary>
    public long Used(LimitScope scope, int quantity) => _used.Where(u => u.Scope == scope && u.Quantity == quantity && u.At > Clock.Milliseconds - Amounts.Window(quantity)).Sum(u => u.Amount);

    /// <summary>What the store may still count: it does so from when a worker writes down, and a sixtieth of the window longer.</summary>
    public long Counted(LimitScope scope, int quantity) =>
        _used.Where(u => u.Scope == scope && u.Quantity == quantity && (u.Booked is null || u.Booked > Clock.Milliseconds - (Amounts.Window(quantity) * 61 / 60))).Sum(u => u.Most);

    public void Renew(LeasedLimits worker)
    {
        worker.Renew();
        foreach (Usage used in _used.Where(u => u.Worker == worker && u.Booked is null))
        {
            used.Booked = Clock.Milliseconds;
        }
    }

    public void Dispose()
    {
        foreach (LeasedLimits worker in Workers)
        {
            worker.Abandon();
        }

        _scratch.Dispose();
    }

    static bool In(Held held, LimitScope scope) => scope.IsGroup ? held.Account != 3 : scope.Id == held.Account;

    void Use(LeasedLimits worker, int account, Quantity quantity, long amount, long most)
    {
        foreach (BoundScope bound in ScopesOf(account))
        {
            _used.Add(new(worker, bound.Scope, (int)quantity, Clock.Milliseconds, amount, most));
        }
    }
}
