namespace Retort.Guard.Limits;

/// <summary>Writing down, returning, joining and leaving. One thread at a time speaks with the store, and does not hold the gate of the memory meanwhile.</summary>
public sealed partial class LeasedLimits
{
    readonly List<LimitReport> _reports = [];
    readonly List<ScopeShare> _dirty = [];
    long _swept, _reported, _downUntil;

    /// <summary>
    /// 1 end reservations that are too old · 2 write down what was used, when it is time, and return what others are short of and what nobody asked for in the
    /// length of a lease · 3 prolong the lease. Cheap when there is nothing to do.
    /// </summary>
    public void Renew()
    {
        lock (_storeGate)
        {
            if (_isDisposed)
            {
                return;
            }

            long now = Now();
            if (now < _downUntil)
            {
                return;
            }

            IReadOnlyList<LimitScope> wanted = _store.Wanted(_worker, now);
            lock (_gate)
            {
                Collect(now, wanted);
            }

            if (_reports.Count > 0 || now >= _ends - (long)(_timing.Lease.TotalMilliseconds * 0.6))
            {
                Report();
            }
        }
    }

    /// <summary>Writes down what was used, returns the rest, and leaves. What is under way is given up.</summary>
    public void Dispose()
    {
        lock (_storeGate)
        {
            if (_isDisposed)
            {
                return;
            }

            _isDisposed = true;
            long now = Now();
            lock (_gate)
            {
                while (_oldest is { } open)
                {
                    Release(open);
                }

                Collect(now, [.. _shares.Keys]);
            }

            bool left = Report() && _store.Leave(_worker) == StoreAnswer.Done;
            lock (_gate)
            {
                _ends = long.MinValue;
                string? path = _pending?.Path;
                _pending?.Dispose();
                _pending = null;
                if (left && path is not null)
                {
                    File.Delete(path);
                }
            }

            _store.Dispose();
        }
    }

    /// <summary>Leaves everything as a killed process would: nothing is written, nothing is returned.</summary>
    internal void Abandon()
    {
        lock (_storeGate)
        {
            lock (_gate)
            {
                (_isDisposed, _ends) = (true, long.MinValue);
                _pending?.Dispose();
                _pending = null;
            }

            _store.Dispose();
        }
    }

    void Collect(long now, IReadOnlyList<LimitScope> wanted)
    {
        _reports.Clear();
        while (_oldest is { } oldest && oldest.Ends <= now)
        {
            Release(oldest);
        }

        foreach (LimitScope scope in wanted)
        {
            if (_shares.TryGetValue(scope, out ScopeShare? share))
            {
                Return(share);
            }
        }

        long lease = (long)_timing.Lease.TotalMilliseconds;
        if (now - _swept >= lease / 2)
        {
            _swept = now;
            foreach (ScopeShare share in _shares.Values)
            {
                if (now - share.Last >= lease)
                {
                    Return(share);
                    if (IsEmpty(share))
                    {
                        _shares.Remove(share.Scope);
                        _pending?.Write(share.Place, share.Scope, default);
                        _pending?.Free(share.Place);

                        // A reservation that ended and is settled late still knows this share: another has the place by then.
                        share.Place = -1;
                    }
                }
            }
        }

        if (now - _reported >= (long)_timing.Report.TotalMilliseconds || _isDisposed)
        {
            _reported = now;
            foreach (ScopeShare share in _dirty)
            {
                AddPending(share);
            }
        }
    }

    void AddPending(ScopeShare share)
    {
        for (int q = 0; q < Amounts.Count; q++)
        {
            if (share.Pending[q] > 0)
            {
                Add(share, q, returned: 0);
            }
        }
    }

    /// <summary>Takes what is free out of the share, to be returned with the next report; what is pending goes along.</summary>
    void Return(ScopeShare share)
    {
        for (int q = 0; q < Amounts.Count; q++)
        {
            long free = Math.Max(share.Free(q), 0);
            if (free + share.Pending[q] > 0)
            {
                Add(share, q, free);
            }
        }
    }

    void Add(ScopeShare share, int quantity, long returned)
    {
        if ((share.Reporting & (1 << quantity)) == 0)
        {
            share.Reporting |= 1 << quantity;
            share.Held[quantity] -= returned;
            _reports.Add(new(share, quantity, share.Pending[quantity], returned));
        }
    }

    static bool IsEmpty(ScopeShare share)
    {
        for (int q = 0; q < Amounts.Count; q++)
        {
            if (share.Held[q] != 0 || share.Reserved[q] != 0 || share.Pending[q] != 0)
            {
                return false;
            }
        }

        return !share.IsDirty;
    }

    /// <summary>Writes the reports and prolongs the lease; false when the share was lost.</summary>
    bool Report()
    {
        // Later than anything the reports hold: what was used counts from now on at the earliest.
        long now = Now(), ends = now + (long)_timing.Lease.TotalMilliseconds;
        StoreAnswer answer = _worker == 0 ? StoreAnswer.Lapsed : _store.Report(_worker, now, ends, _reports);
        if (answer != StoreAnswer.Done)
        {
            if (!_isDisposed)
            {
                Join();
            }

            return false;
        }

        _store.RemoveFiles();
        lock (_gate)
        {
            _ends = ends;
            foreach (LimitReport report in _reports)
            {
                (ScopeShare share, int q) = (report.Share, report.Quantity);
                share.Pending[q] -= report.Used;
                share.Held[q] -= report.Used;
                share.Headroom[q] = Math.Max(share.Headroom[q] - report.Used, 0);
                share.Reporting = 0;
            }

            foreach (LimitReport report in _reports)
            {
                _pending?.Write(report.Share.Place, report.Share.Scope, report.Share.Pending);
            }

            _reports.Clear();
            _dirty.RemoveAll(static share => !(share.IsDirty = share.HasPending));
        }

        return true;
    }

    /// <summary>Becomes a new worker that holds nothing: at the beginning, and after the lease ended or the store failed. Reservations have ended then.</summary>
    bool Join()
    {
        long now = Now(), ends = now + (long)_timing.Lease.TotalMilliseconds;
        long worker = _store.Join(now, ends);
        _store.RemoveFiles();
        PendingFile? file = null;
        lock (_gate)
        {
            Queue<int> places = new();
            try
            {
                file = worker == 0 ? null : PendingFile.Create(_store.PendingPath(worker));
                for (int i = 0; file is not null && i < _shares.Count; i++)
                {
                    places.Enqueue(file.Take());
                }
            }
            catch (Exception e) when (FileFault.Is(e))
            {
                // Without it nothing that was used could be told after a kill, so nothing is dealt out.
                file?.Dispose();
                (file, worker) = (null, 0);
            }

            while (_oldest is { } open)
            {
                Release(open);
            }

            foreach (ScopeShare share in _shares.Values)
            {
                (share.Held, share.Reserved, share.Pending, share.IsDirty, share.Reporting) = (default, default, default, false, 0);
                share.Place = file is null ? -1 : places.Dequeue();
            }

            _dirty.Clear();
            _reports.Clear();
            _pending?.Dispose();
            (_pending, _worker, _ends, _downUntil) = (file, worker, worker == 0 ? long.MinValue : ends, worker == 0 ? now + Down : 0);
        }

        return worker != 0;
    }

    /// <summary>Keeps what is pending where a kill leaves it, and marks it to be reported.</summary>
    void Changed(ScopeShare share)
    {
        _pending?.Write(share.Place, share.Scope, share.Pending);
        if (!share.IsDirty)
        {
            share.IsDirty = true;
            _dirty.Add(share);
        }
    }
}
