namespace Retort.Cli;

/// <summary>Progress as plain lines, for a file or a pipe: the first and the last report of each step, and between them one every few seconds.</summary>
/// <param name="whole">Shares are of the whole work and stand at a line's beginning.</param>
/// <param name="pause">Between two lines of one step.</param>
sealed class ProgressLines(Session session, bool whole, TimeSpan pause)
{
    readonly Lock _gate = new();
    string _step = "", _unsaid = "";
    long _began, _said;
    double _first;

    public void Advance(string step, double? share, string detail, TimeSpan? left)
    {
        lock (_gate)
        {
            long time = session.Time.GetTimestamp();
            bool fresh = step != _step;
            if (fresh)
            {
                Say(_unsaid, time);
                (_step, _began, _first) = (step, time, share ?? 0);
            }

            double seconds = session.Time.GetElapsedTime(_began, time).TotalSeconds, done = (share ?? 0) - _first;
            double? rest = left?.TotalSeconds ?? (!whole && done > 0 && seconds >= 1 ? seconds / done * (1 - share!.Value) : null);
            string part = share is { } s ? $"{Math.Floor(s * 100):f0} %" : "", remaining = rest is { } r ? $"{ProgressDisplay.Duration(r)} left" : "";
            string[] parts = whole ? [part.PadLeft(5), step, detail, remaining] : [step, part, detail, remaining];
            _unsaid = string.Join("  ", parts.Where(p => p.Length > 0));
            if (fresh || session.Time.GetElapsedTime(_said, time) >= pause)
            {
                Say(_unsaid, time);
            }
        }
    }

    void Say(string line, long time)
    {
        if (line.Length > 0)
        {
            session.Error.WriteLine(line);
            (_unsaid, _said) = ("", time);
        }
    }
}
