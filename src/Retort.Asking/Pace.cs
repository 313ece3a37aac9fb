namespace Retort.Asking;

/// <summary>
/// How fast to ask. Requests are spaced evenly at a rate, tokens likewise. Without a given limit the rate is unbounded until the endpoint names one in its
/// headers or answers 429; then it falls to what went through, and from there on by half the share of 429s among what was sent in the last two seconds (as
/// DCTCP does), and rises by steps, quickly up to where the limit was met and slowly beyond: additive increase, multiplicative decrease. A few refusals
/// that have nothing to do with speed so cost little of it. A Retry-After holds everything back.
/// </summary>
/// <param name="requests">Requests a minute; null to find out.</param>
/// <param name="tokens">Tokens a minute; null to find out.</param>
public sealed class Pace(double? requests, double? tokens, TimeProvider time)
{
    /// <summary>Seconds over which sends and refusals are counted, and the least time between two falls of the rate.</summary>
    const double Window = 2;

    /// <summary>A share of refusals from which on the rate is plainly wrong: it is then set to what goes through.</summary>
    const double Plainly = 0.3;

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

    /// <summary>Until when everything waits, where an endpoint asked for that.</summary>
    public bool IsHeld
    {
        get
        {
            lock (_gate)
            {
                return _held > time.GetTimestamp();
            }
        }
    }

    /// <summary>Waits for a request's turn.</summary>
    /// <param name="tokens">Tokens it may take.</param>
    public async Task Enter(long tokens, CancellationToken stop)
    {
        long at;
        lock (_gate)
        {
            long now = time.GetTimestamp();
            Raise(now);
            at = Math.Max(now, _held);
            at = Take(ref _nextRequest, at, 1, _requests);
            at = Take(ref _nextTokens, at, tokens, _tokens);
        }

        while (true)
        {
            TimeSpan wait = time.GetElapsedTime(time.GetTimestamp(), at);
            if (wait <= TimeSpan.Zero)
            {
                break;
            }

            await Task.Delay(wait, time, stop).ConfigureAwait(false);
            lock (_gate)
            {
                // Held back meanwhile: whoever waited goes on waiting, still in turn.
                at = Math.Max(at, _held);
            }
        }

        lock (_gate)
        {
            _sent.Enqueue(time.GetTimestamp());
            Trim(time.GetTimestamp());
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
            (_met, _requests) = _requests is { } rate && share < Plainly ? (rate, Math.Max(1, rate * (1 - (share / 2)))) : (through, through);
            (_fell, _raised) = (now, now);
        }
    }

    /// <summary>Rises by a fiftieth of the rate a second up to just below where the limit was met, and by a five-hundredth beyond.</summary>
    void Raise(long now)
    {
        if (_fixedRequests is not null || _requests is not { } rate || double.IsPositiveInfinity(_met))
        {
            return;
        }

        double seconds = Math.Min(1, time.GetElapsedTime(_raised, now).TotalSeconds);
        _requests = rate + (_met * seconds * (rate < 0.985 * _met ? 0.02 : 0.002));
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
