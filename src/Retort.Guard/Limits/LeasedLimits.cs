namespace Retort.Guard.Limits;

/// <summary>
/// Limits that many workers on one store hold together. A worker holds a share of each limit, written in the store, and deals it out in memory: what it
/// has set aside and what was used and is not written down yet stay within the share, and all shares with what was used within the limit, at every
/// instant. A request is reserved at the most it may take, at all its scopes or none, and settled at what it took. A reservation ends when it is
/// settled, cancelled, or too old; a worker that is killed loses its share when its lease ends, and what it had used is booked from its file.
/// <code>
/// using LeasedLimits limits = LeasedLimits.Open("guard", LimitTiming.Default, TimeProvider.System);
/// if (limits.Reserve([new(LimitScope.Account(7), tier)], Amounts.Of(tokens: 1200), out Reservation reservation) is { } refusal) { … }
/// limits.Settle(reservation, Amounts.Of(tokens: 310));
/// </code>
/// <see cref="Renew"/> must be called as often as the timing says.
/// </summary>
public sealed partial class LeasedLimits : IDisposable
{
    readonly Lock _gate = new(), _storeGate = new();
    readonly LimitStore _store;
    readonly LimitTiming _timing;
    readonly TimeProvider _time;
    readonly Dictionary<LimitScope, ScopeShare> _shares = [];
    PendingFile? _pending;
    ReservationSlot? _spare, _oldest, _newest;
    long _worker, _ends, _numbers;
    bool _isDisposed;

    LeasedLimits(LimitStore store, LimitTiming timing, TimeProvider time) => (_store, _timing, _time) = (store, timing, time);

    /// <summary>Opens limits.db in a folder, or makes it, as one more worker.</summary>
    /// <exception cref="UserError">It cannot be opened, is none, or cannot be written.</exception>
    public static LeasedLimits Open(string folder, LimitTiming timing, TimeProvider time) => Open(folder, timing, time, "NORMAL");

    /// <param name="synchronous">OFF where only the process may fail, as in tests.</param>
    internal static LeasedLimits Open(string folder, LimitTiming timing, TimeProvider time, string synchronous)
    {
        LeasedLimits limits = new(LimitStore.Open(folder, timing, synchronous), timing, time);
        lock (limits._storeGate)
        {
            if (!limits.Join())
            {
                limits._store.Dispose();
                throw new UserError($"the limits cannot be written: {limits._store.LastFault}", Path.Combine(folder, "limits.db"), "Check the disk and whose the folder is.");
            }
        }

        return limits;
    }

    /// <summary>Who it is in the store: another after its share was lost, which ended all reservations.</summary>
    internal long Worker => Volatile.Read(ref _worker);

    /// <summary>Until when the share is this worker's own, in milliseconds since 1970.</summary>
    internal long LeaseEnds => Volatile.Read(ref _ends);

    /// <summary>Why the store failed last, for a log; null where it did not.</summary>
    public string? LastFault => _store.LastFault;

    /// <summary>Sets aside at every scope or at none. Null when it did; without asking the store in all but few cases, and without allocating.</summary>
    /// <param name="amounts">The most the request may take.</param>
    public LimitRefusal? Reserve(ReadOnlySpan<BoundScope> scopes, in Amounts amounts, out Reservation reservation)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(scopes.Length, ReservationSlot.MostScopes);
        ThrowIfNegative(amounts);
        long now = Now();
        lock (_gate)
        {
            if (now < _ends)
            {
                if (Take(scopes, amounts, now, out reservation))
                {
                    return null;
                }

                if (Known(scopes, amounts, now) is { } refusal)
                {
                    return refusal;
                }
            }
        }

        return ReserveFromStore(scopes, amounts, out reservation);
    }

    /// <summary>Ends a reservation with what was used; the rest is free at once. What was used beyond it is booked as far as there is room.</summary>
    /// <exception cref="InvalidOperationException">It was settled or cancelled before.</exception>
    public Settlement Settle(Reservation reservation, in Amounts used)
    {
        ThrowIfNegative(used);
        if (Now() >= Volatile.Read(ref _ends))
        {
            // Others may have taken this worker's share back already, and then nothing more can be booked on it.
            Renew();
        }

        lock (_gate)
        {
            ReservationSlot slot = reservation.Slot is { } s && s.Number == reservation.Number && s.State != SlotState.Unused ? s : throw new InvalidOperationException("The reservation was settled or cancelled before, or is none.");
            bool hadEnded = slot.State == SlotState.Ended;
            Release(slot);
            Amounts overrun = default;
            for (int i = 0; i < slot.Count; i++)
            {
                ScopeShare share = slot.Scopes[i]!;
                Amounts limits = share.Limits.Values;
                bool isChanged = false;
                for (int q = 0; q < Amounts.Count; q++)
                {
                    // A request was counted when it began, and a stream counts only while it runs.
                    if (limits[q] == ScopeLimits.None || q is (int)Quantity.Requests or (int)Quantity.Streams)
                    {
                        continue;
                    }

                    long booked = Math.Min(used[q], Math.Max(share.Free(q), 0));
                    share.Pending[q] += booked;
                    isChanged |= booked > 0;
                    overrun[q] = Math.Max(overrun[q], used[q] - booked);
                }

                if (isChanged)
                {
                    Changed(share);
                }
            }

            slot.State = SlotState.Unused;
            slot.Scopes = default;
            (slot.Newer, _spare) = (_spare, slot);
            return new(overrun, hadEnded);
        }
    }

    /// <summary>Ends a reservation that came to nothing. The request itself stays counted.</summary>
    /// <exception cref="InvalidOperationException">It was settled or cancelled before.</exception>
    public void Cancel(Reservation reservation) => Settle(reservation, default);

    /// <summary>Lets a long answer's reservation live on; false where it has ended.</summary>
    public bool Extend(Reservation reservation)
    {
        lock (_gate)
        {
            if (reservation.Slot is not { State: SlotState.Open } slot || slot.Number != reservation.Number)
            {
                return false;
            }

            Unlink(slot);
            Link(slot, Now());
            return true;
        }
    }

    /// <summary>Where a scope stands, as far as this worker knows without asking: for the headers of an answer.</summary>
    public LimitStanding Standing(BoundScope scope)
    {
        long now = Now();
        lock (_gate)
        {
            if (!_shares.TryGetValue(scope.Scope, out ScopeShare? share))
            {
                return new(scope.Limits, scope.Limits.Values, 0);
            }

            Amounts remaining = default;
            for (int q = 0; q < Amounts.Count; q++)
            {
                long limit = scope.Limits.Values[q];
                remaining[q] = limit == ScopeLimits.None ? limit : Math.Clamp(share.Headroom[q] - share.Reserved[q] - share.Pending[q], 0, limit);
            }

            return new(scope.Limits, remaining, Math.Max(now - share.Last, 0));
        }
    }

    static void ThrowIfNegative(in Amounts amounts)
    {
        for (int q = 0; q < Amounts.Count; q++)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(amounts[q]);
        }
    }

    /// <summary>From what is held; all or nothing.</summary>
    bool Take(ReadOnlySpan<BoundScope> scopes, in Amounts amounts, long now, out Reservation reservation)
    {
        reservation = default;
        ReservationSlot slot = _spare ?? new();
        slot.Count = scopes.Length;
        for (int i = 0; i < scopes.Length; i++)
        {
            // Other limits than last time: what is held beyond them must be returned first.
            if (!_shares.TryGetValue(scopes[i].Scope, out ScopeShare? share) || !Same(share.Limits, scopes[i].Limits))
            {
                return false;
            }

            slot.Scopes[i] = share;
            slot.Tracked[i] = 0;
            Amounts limits = share.Limits.Values;
            for (int q = 0; q < Amounts.Count; q++)
            {
                if (amounts[q] == 0 || limits[q] == ScopeLimits.None)
                {
                    continue;
                }

                if (share.Free(q) < amounts[q])
                {
                    return false;
                }

                slot.Tracked[i] |= 1 << q;
            }
        }

        if (ReferenceEquals(slot, _spare))
        {
            _spare = slot.Newer;
        }

        (slot.Amounts, slot.State, slot.Number) = (amounts, SlotState.Open, ++_numbers);
        for (int i = 0; i < scopes.Length; i++)
        {
            ScopeShare share = slot.Scopes[i]!;
            for (int q = 0; q < Amounts.Count; q++)
            {
                if ((slot.Tracked[i] & (1 << q)) == 0)
                {
                    continue;
                }

                if (q == (int)Quantity.Requests)
                {
                    share.Pending[q] += amounts[q];
                    Changed(share);
                }
                else
                {
                    share.Reserved[q] += amounts[q];
                }
            }

            share.Last = now;
        }

        Link(slot, now);
        reservation = new(slot);
        return true;
    }

    static bool Same(ScopeLimits a, ScopeLimits b) => ReferenceEquals(a, b) || a == b;

    /// <summary>Gives back what an open reservation has set aside.</summary>
    void Release(ReservationSlot slot)
    {
        if (slot.State != SlotState.Open)
        {
            return;
        }

        for (int i = 0; i < slot.Count; i++)
        {
            for (int q = 0; q < Amounts.Count; q++)
            {
                if (q != (int)Quantity.Requests && (slot.Tracked[i] & (1 << q)) != 0)
                {
                    slot.Scopes[i]!.Reserved[q] -= slot.Amounts[q];
                }
            }
        }

        Unlink(slot);
        slot.State = SlotState.Ended;
    }

    void Link(ReservationSlot slot, long now)
    {
        slot.Ends = now + (long)_timing.Reservation.TotalMilliseconds;
        (slot.Older, slot.Newer) = (_newest, null);
        if (_newest is null)
        {
            _oldest = slot;
        }
        else
        {
            _newest.Newer = slot;
        }

        _newest = slot;
    }

    void Unlink(ReservationSlot slot)
    {
        if (slot.Older is null)
        {
            _oldest = slot.Newer;
        }
        else
        {
            slot.Older.Newer = slot.Newer;
        }

        if (slot.Newer is null)
        {
            _newest = slot.Older;
        }
        else
        {
            slot.Newer.Older = slot.Older;
        }

        (slot.Older, slot.Newer) = (null, null);
    }

    long Now() => _time.GetUtcNow().ToUnixTimeMilliseconds();
}
