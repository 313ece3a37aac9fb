using Retort.Guard.Answers;
using Retort.Guard.Limits;
using Retort.Guard.OpenAi;

namespace Retort.Guard;

/// <summary>Looks once a second after the requests that are under way.</summary>
/// <param name="write">How long a client may take nothing of what is written to it.</param>
sealed class PassageWatch(UpstreamPolicy rules, TimeSpan write, TimeProvider time)
{
    /// <summary>Well before a reservation ends by itself.</summary>
    static readonly TimeSpan s_extend = LimitTiming.Default.Reservation / 3;

    static readonly ApiError s_silent = new(504, "The model was silent for too long.", "server_error", "upstream_timeout");

    readonly Lock _gate = new();
    readonly HashSet<Passage> _open = [];
    Passage[] _seen = [];
    long _extended = time.GetTimestamp();

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _open.Count;
            }
        }
    }

    public void Add(Passage passage)
    {
        passage.Waits(time.GetTimestamp());
        lock (_gate)
        {
            _open.Add(passage);
        }
    }

    public void Remove(Passage passage)
    {
        lock (_gate)
        {
            _open.Remove(passage);
        }
    }

    /// <summary>For a timer, once a second.</summary>
    public void Look(LeasedLimits? limits)
    {
        long now = time.GetTimestamp();
        bool extends = time.GetElapsedTime(_extended, now) > s_extend;
        _extended = extends ? now : _extended;
        int count;
        lock (_gate)
        {
            count = _open.Count;
            if (_seen.Length < count)
            {
                _seen = new Passage[count * 2];
            }

            _open.CopyTo(_seen);
        }

        for (int i = 0; i < count; i++)
        {
            _seen[i].Look(now, time, rules, write, s_silent);
            if (extends && _seen[i].Reservation is { } reservation)
            {
                limits?.Extend(reservation);
            }
        }

        Array.Clear(_seen, 0, count);
    }
}
