namespace Retort.Guard.Limits;

/// <summary>Asking the store for more of a limit.</summary>
public sealed partial class LeasedLimits
{
    /// <summary>How long nobody tries again after the store failed.</summary>
    const long Down = 1000;

    readonly List<LimitAsk> _asks = [];

    LimitRefusal? ReserveFromStore(ReadOnlySpan<BoundScope> scopes, in Amounts amounts, out Reservation reservation)
    {
        reservation = default;
        lock (_storeGate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            for (int tries = 0; tries < 3; tries++)
            {
                long now = Now();
                if (now < _downUntil)
                {
                    break;
                }

                lock (_gate)
                {
                    // Another thread may have asked meanwhile.
                    if (now < _ends && Take(scopes, amounts, now, out reservation))
                    {
                        return null;
                    }

                    if (TooLarge(scopes, amounts) is { } never)
                    {
                        return never;
                    }

                    try
                    {
                        Bind(scopes);
                    }
                    catch (Exception e) when (FileFault.Is(e))
                    {
                        // What is used could not be kept for one more scope: nothing of it is dealt out.
                        break;
                    }

                    Ask(scopes, amounts);
                }

                if (_reports.Count > 0 && !Report())
                {
                    continue;
                }

                long ends = now + (long)_timing.Lease.TotalMilliseconds;
                StoreAnswer answer = _worker == 0 ? StoreAnswer.Lapsed : _store.Ask(_worker, now, ends, _asks);
                _store.RemoveFiles();
                lock (_gate)
                {
                    switch (answer)
                    {
                        case StoreAnswer.Done:
                            _ends = ends;
                            foreach (LimitAsk ask in _asks)
                            {
                                ask.Share.Held[ask.Quantity] += ask.Given;
                                ask.Share.Headroom[ask.Quantity] = ask.Headroom;
                                ask.Share.ShortUntil[ask.Quantity] = 0;
                            }

                            if (Take(scopes, amounts, now, out reservation))
                            {
                                return null;
                            }

                            // Another thread took of what was there before.
                            continue;
                        case StoreAnswer.Short:
                            _ends = ends;
                            return Short(amounts, now);
                        default:
                            break;
                    }
                }

                Join();
            }
        }

        return scopes.Length == 0 ? null : new(LimitFault.Unavailable, scopes[0].Scope, Quantity.Requests, 0, 0, TimeSpan.FromSeconds(1));
    }

    /// <summary>Shares for scopes that have none, and the limits of now; what is held beyond new limits is returned.</summary>
    void Bind(ReadOnlySpan<BoundScope> scopes)
    {
        _reports.Clear();
        foreach (BoundScope bound in scopes)
        {
            if (!_shares.TryGetValue(bound.Scope, out ScopeShare? share))
            {
                share = new(bound.Scope, bound.Limits) { Place = _pending?.Take() ?? -1, Last = Now() };
                _shares.Add(bound.Scope, share);
            }
            else if (!Same(share.Limits, bound.Limits))
            {
                Return(share);
                share.Limits = bound.Limits;
                share.ShortUntil = default;
            }

            // When there will be room is told by what is written down.
            AddPending(share);
        }
    }

    void Ask(ReadOnlySpan<BoundScope> scopes, in Amounts amounts)
    {
        _asks.Clear();
        foreach (BoundScope bound in scopes)
        {
            ScopeShare share = _shares[bound.Scope];
            Amounts limits = share.Limits.Values;
            for (int q = 0; q < Amounts.Count; q++)
            {
                if (limits[q] != ScopeLimits.None && amounts[q] > share.Free(q))
                {
                    _asks.Add(new(share, q, amounts[q] - share.Free(q), limits[q]));
                }
            }
        }
    }

    static LimitRefusal? TooLarge(ReadOnlySpan<BoundScope> scopes, in Amounts amounts)
    {
        foreach (BoundScope bound in scopes)
        {
            for (int q = 0; q < Amounts.Count; q++)
            {
                if (amounts[q] > bound.Limits.Values[q])
                {
                    return new(LimitFault.TooLarge, bound.Scope, (Quantity)q, bound.Limits.Values[q], amounts[q], null);
                }
            }
        }

        return null;
    }

    /// <summary>Remembers what was short, and refuses by what is short longest.</summary>
    LimitRefusal Short(in Amounts amounts, long now)
    {
        LimitAsk longest = _asks[0];
        foreach (LimitAsk ask in _asks)
        {
            ask.Share.Headroom[ask.Quantity] = ask.Headroom;
            if (ask.RetryAfter == 0)
            {
                continue;
            }

            ask.Share.ShortUntil[ask.Quantity] = now + Math.Min(ask.RetryAfter, (long)_timing.Renew.TotalMilliseconds);
            ask.Share.ShortBy[ask.Quantity] = ask.Need;
            ask.Share.FreeAt[ask.Quantity] = now + ask.RetryAfter;
            longest = ask.RetryAfter > longest.RetryAfter ? ask : longest;
        }

        return Exceeded(longest.Share, longest.Quantity, amounts[longest.Quantity], longest.RetryAfter);
    }

    /// <summary>A refusal that the store gave a moment ago for as little.</summary>
    LimitRefusal? Known(ReadOnlySpan<BoundScope> scopes, in Amounts amounts, long now)
    {
        foreach (BoundScope bound in scopes)
        {
            if (!_shares.TryGetValue(bound.Scope, out ScopeShare? share) || !Same(share.Limits, bound.Limits))
            {
                continue;
            }

            for (int q = 0; q < Amounts.Count; q++)
            {
                if (now < share.ShortUntil[q] && amounts[q] - share.Free(q) >= share.ShortBy[q])
                {
                    return amounts[q] > share.Limits.Values[q] ? null : Exceeded(share, q, amounts[q], Math.Max(share.FreeAt[q] - now, 1));
                }
            }
        }

        return null;
    }

    static LimitRefusal Exceeded(ScopeShare share, int quantity, long asked, long retryAfter) =>
        new(LimitFault.Exceeded, share.Scope, (Quantity)quantity, share.Limits.Values[quantity], asked, TimeSpan.FromMilliseconds(retryAfter));
}
