namespace Retort.Asking;

/// <summary>
/// How fast to ask. Requests are spaced evenly at a rate, tokens likewise. Without a given limit the rate is unbounded until the endpoint names one in its
/// headers or refuses many with 429; then it falls to what went through. From there on it falls by half the share of refusals (as DCTCP does) and rises by
/// steps, quickly up to where the limit was met and slowly beyond: additive increase, multiplicative decrease, that holds a limit at about one refusal
/// in forty requests. A Retry-After holds everything back.
/// </summary>
/// <param name="requests">Requests a minute; null to find out.</param>
/// <param name="tokens">Tokens a minute; null to find out.</param>
public sealed class Pace(double? requests, double? tokens, TimeProvider time)
{
    /// <summary>Requests that make a share worth going by.</summary>
    const int Enough = 20;

    /// <summary>Share of refusals that shows an unbounded rate a limit.</summary>
    const double Many = 0.3;

    /// <summary>Share of refusals from which on a rate is plainly wrong and is set to what goes through.</summary>
    const double Most = 0.6;

    /// <summary>Rise in one window, as a share of where the limit was met: below it, and beyond.</summary>
    const double Quick = 0.04, Slow = 0.01;

    /// <summary>Share of a limit named by the endpoint that is used: its clock and ours differ a little.</summary>
    const double Used = 0.985;

    readonly Lock _gate = new();
    readonly double? _fixedRequests = requests, _fixedTokens = tokens;
    readonly Queue<long> _sent = new(), _refused = new();
    double? _requests = requests, _tokens = tokens;
    double _met = double.PositiveInfinity;
    long _nextRequest, _nextTokens, _held, _raised, _fell = long.MinValue / 2;

    /// <summary>Requests a minute now; null while nothing bounds it.</summary>
    public double? Rate
    {
        get
        {
            lock (_gate)
            {
                return _requests;
            }
        }
    }

    /// <summary>Waits for a request's turn.</summary>
    /// <param name="tokens">Tokens it may take.</param>
    public async Task Enter(long tokens, CancellationToken stop)
    {
        long at = Turn(tokens);
        for (TimeSpan wait; (wait = Left(ref at)) > TimeSpan.Zero;)
        {
            await Task.Delay(wait, time, stop).ConfigureAwait(false);
        }

        Sent();
    }

    /// <summary>When a request's turn is, as a time stamp.</summary>
    internal long Turn(long tokens)
    {
        lock (_gate)
        {
            long now = time.GetTimestamp();
            Raise(now);
            return Take(ref _nextTokens, Take(ref _nextRequest, Math.Max(now, _held), 1, _requests), tokens, _tokens);
        }
    }

    /// <summary>How long until then; who is held back meanwhile goes on waiting.</summary>
    TimeSpan Left(ref long at)
    {
        lock (_gate)
        {
            at = Math.Max(at, _held);
            return time.GetElapsedTime(time.GetTimestamp(), at);
        }
    }

    internal void Sent()
    {
        lock (_gate)
        {
            long now = time.GetTimestamp();
            _sent.Enqueue(now);
            Trim(now);
        }
    }

    /// <summary>Takes in what a response's head said.</summary>
    public void Heard(LimitFacts limits)
    {
        lock (_gate)
        {
            if (_fixedRequests is null && limits.Requests is > 0 and { } requests)
            {
                _requests = Math.Min(_requests ?? double.PositiveInfinity, requests * Used);
                _met = Math.Min(_met, requests * Used);
            }

            if (_fixedTokens is null && limits.Tokens is > 0 and { } tokens)
            {
                _tokens = tokens * Used;
            }

            Hold(limits.RequestsLeft == 0 ? limits.RequestsReset : null);
            Hold(limits.TokensLeft == 0 ? limits.TokensReset : null);
        }
    }

    /// <summary>A 429 came.</summary>
    public void Limited(LimitFacts limits)
    {
        lock (_gate)
        {
            long now = time.GetTimestamp();
            Hold(limits.RetryAfter);
            _refused.Enqueue(now);
            Trim(now);
            if (_fixedRequests is not null || time.GetElapsedTime(_fell, now).TotalSeconds < Window)
            {
                return;
            }

            double seconds = Math.Clamp(_sent.TryPeek(out long first) ? time.GetElapsedTime(first, now).TotalSeconds : 0, 0.25, Window), share = Math.Min(1, (double)_refused.Count / Math.Max(1, _sent.Count));
            double through = Math.Max(1, (_sent.Count - _refused.Count) * 60 / seconds);
            if (_requests is { } rate && share < Most)
            {
                (_met, _requests) = (rate < _met ? (rate + _met) / 2 : rate, Math.Max(1, rate * (1 - (share / 2))));
            }
            else if (share >= Many)
            {
                (_met, _requests) = (through, through);
            }
            else
            {
                return;
            }

            (_fell, _raised) = (now, now);
        }
    }

    /// <summary>Seconds over which sends and refusals are counted, and the least time between two falls of the rate.</summary>
    double Window => Math.Clamp(Enough * 60 / (_requests ?? double.PositiveInfinity), 2, 60);

    void Raise(long now)
    {
        if (_fixedRequests is not null || _requests is not { } rate || double.IsPositiveInfinity(_met))
        {
            return;
        }

        _requests = rate + (_met * Math.Min(1, time.GetElapsedTime(_raised, now).TotalSeconds / Window) * (rate < 0.985 * _met ? Quick : Slow));
        _raised = now;
    }

    void Hold(TimeSpan? wait)
    {
        if (wait is { } span)
        {
            _held = Math.Max(_held, time.GetTimestamp() + (long)(span.TotalSeconds * time.TimestampFrequency));
        }
    }

    long Take(ref long next, long at, long amount, double? rate)
    {
        long begin = Math.Max(next, at);
        next = rate is { } each ? begin + (long)(amount * 60 / each * time.TimestampFrequency) : begin;
        return begin;
    }

    void Trim(long now)
    {
        foreach (Queue<long> times in (Queue<long>[])[_sent, _refused])
        {
            while (times.TryPeek(out long first) && time.GetElapsedTime(first, now).TotalSeconds > Window)
            {
                times.Dequeue();
            }
        }
    }
}
