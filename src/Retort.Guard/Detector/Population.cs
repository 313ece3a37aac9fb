namespace Retort.Guard.Detector;

/// <summary>All accounts and what they ask, as far as it is remembered. One thread adds; the same asks.</summary>
public sealed class Population
{
    readonly Dictionary<long, AccountTrail> _trails = [];
    readonly int[] _active = new int[AccountTrail.Buckets];
    readonly long[] _activeIn = new long[AccountTrail.Buckets];

    public TemplateIndex Templates { get; } = new();

    public IReadOnlyCollection<AccountTrail> Trails => _trails.Values;

    /// <summary>When the last request came, in milliseconds since 1970.</summary>
    public long Now { get; private set; }

    public AccountTrail? this[long account] => _trails.GetValueOrDefault(account);

    /// <summary>How many accounts asked within a bucket.</summary>
    public int Active(long bucket) => bucket >= 0 && _activeIn[bucket & (AccountTrail.Buckets - 1)] == bucket ? _active[bucket & (AccountTrail.Buckets - 1)] : 0;

    public Template Add(SeenRequest request, AccountFacts? facts = null)
    {
        if (!_trails.TryGetValue(request.Account, out AccountTrail? trail))
        {
            _trails[request.Account] = trail = new(request.Account);
        }

        trail.Facts = facts ?? trail.Facts;
        Now = Math.Max(Now, request.At);
        long bucket = request.At / AccountTrail.BucketMs;
        if (!trail.IsActive(bucket))
        {
            int place = (int)(bucket & (AccountTrail.Buckets - 1));
            (_active[place], _activeIn[place]) = _activeIn[place] == bucket ? (_active[place] + 1, bucket) : (1, bucket);
        }

        return trail.Add(request, Templates);
    }
}
