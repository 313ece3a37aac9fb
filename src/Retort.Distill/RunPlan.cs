namespace Retort.Distill;

/// <summary>
/// The work of a whole run, part by part, each with its cost in one rough unit: how far the run is, and how long the rest takes at the
/// speed of this session. What an earlier session did counts as done and takes no time.
/// </summary>
/// <param name="time">Tells how long this session has worked.</param>
public sealed class RunPlan(TimeProvider time)
{
    readonly Dictionary<string, Part> _parts = new(StringComparer.Ordinal);
    readonly long _began = time.GetTimestamp();

    /// <param name="Cost">Of the whole part.</param>
    /// <param name="Before">Share done before this session.</param>
    /// <param name="Done">Share done by now.</param>
    sealed record Part(double Cost, double Before, double Done);

    /// <summary>Share of the run that is done, 0 to 1.</summary>
    public double Share => _parts.Values.Sum(p => p.Cost) is var cost and > 0 ? _parts.Values.Sum(p => p.Cost * p.Done) / cost : 0;

    /// <summary>Time the rest takes; null until there is a speed to tell it by.</summary>
    public TimeSpan? Left
    {
        get
        {
            TimeSpan worked = time.GetElapsedTime(_began);
            double here = _parts.Values.Sum(p => p.Cost * (p.Done - p.Before)), rest = _parts.Values.Sum(p => p.Cost * (1 - p.Done));
            return here > 0 && rest / here < 1e5 && worked.TotalSeconds >= 1 ? worked * (rest / here) : null;
        }
    }

    /// <summary>Adds a part, or states its cost anew once it is better known.</summary>
    /// <param name="before">Share an earlier session did.</param>
    public void Add(string part, double cost, double before = 0) =>
        _parts[part] = _parts.TryGetValue(part, out Part? known) && known.Done > known.Before ? known with { Cost = cost } : new(cost, before, before);

    /// <param name="share">Of the part, from its very beginning.</param>
    public void Reach(string part, double share) => _parts[part] = _parts[part] with { Done = Math.Clamp(share, _parts[part].Before, 1) };
}
