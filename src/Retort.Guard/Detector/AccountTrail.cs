using System.Numerics;

namespace Retort.Guard.Detector;

/// <summary>What is kept of one account's requests: numbers and hashes, no text.</summary>
public sealed class AccountTrail(long id)
{
    /// <summary>Ten minutes: the times of requests are kept no finer.</summary>
    public const long BucketMs = 600_000;

    /// <summary>Two weeks.</summary>
    public const int Buckets = 2048;

    /// <summary>Prompts after which it shows what an account wraps them in.</summary>
    const int WrappingAfter = 8;

    /// <summary>Prompts by which it is learned.</summary>
    const int MostWrapped = 64;

    /// <summary>What this share of an account's prompts holds is wrapping.</summary>
    const double WrappingShare = 0.3;

    const int MostTemplates = 1 << 16;

    readonly Dictionary<uint, int> _shingles = [];
    readonly HashSet<int> _templates = [];
    readonly ulong[] _active = new ulong[Buckets / 64];
    int _wrapped;
    long _last = long.MinValue;

    public long Id => id;

    public AccountFacts Facts { get; set; } = AccountFacts.Unknown;

    /// <summary>Requests seen.</summary>
    public int Prompts { get; private set; }

    /// <summary>Templates of them, each once.</summary>
    public IReadOnlyCollection<int> Templates => _templates;

    /// <summary>Requests that came within ten minutes of the one before.</summary>
    public int FollowUps { get; private set; }

    /// <summary>The last bucket with a request.</summary>
    public long LastBucket { get; private set; } = -1;

    public long FirstBucket { get; private set; } = -1;

    public ValueTally Address { get; } = new();

    public ValueTally Network { get; } = new();

    public ValueTally Agent { get; } = new();

    public ValueTally Parameters { get; } = new();

    public ValueTally System { get; } = new();

    /// <summary>Counts a request.</summary>
    /// <returns>Its template.</returns>
    public Template Add(SeenRequest request, TemplateIndex templates)
    {
        PromptSketch sketch = PromptSketch.Of(request.Prompt);
        Prompts++;
        if (_wrapped < MostWrapped)
        {
            _wrapped++;
            foreach (uint shingle in sketch.Item)
            {
                // What is not in the first ones is no wrapping, or found out too late to matter.
                if (_wrapped <= WrappingAfter || _shingles.ContainsKey(shingle))
                {
                    _shingles[shingle] = _shingles.GetValueOrDefault(shingle) + 1;
                }
            }
        }

        FollowUps += _last != long.MinValue && request.At - _last < BucketMs ? 1 : 0;
        _last = request.At;
        Mark(request.At / BucketMs);
        Address.Add(request.Origin.Address);
        Network.Add(request.Origin.Network);
        Agent.Add(request.Origin.Agent);
        Parameters.Add(request.Shape.Parameters);
        System.Add(request.Shape.System);
        Template template = templates.Meet(sketch);
        template.Add(this, sketch.Item);
        if (_templates.Count < MostTemplates)
        {
            _templates.Add(template.Id);
        }

        return template;
    }

    /// <summary>A sample without what this account wraps its prompts in.</summary>
    public uint[] WithoutWrapping(uint[] item) =>
        _wrapped < WrappingAfter ? item : Array.FindAll(item, s => _shingles.GetValueOrDefault(s) < WrappingShare * _wrapped);

    /// <summary>Whether a request came within a bucket; buckets older than two weeks are forgotten.</summary>
    public bool IsActive(long bucket) => bucket <= LastBucket && bucket > LastBucket - Buckets && bucket >= 0 && (_active[(bucket & (Buckets - 1)) >> 6] >> (int)(bucket & 63) & 1) == 1;

    /// <summary>How many of the buckets are active in both accounts, the other's looked at some buckets later.</summary>
    public int Together(AccountTrail other, long from, long to, int shift)
    {
        int both = 0;
        for (long word = from >> 6; word <= to >> 6; word++)
        {
            both += BitOperations.PopCount(Word(word << 6) & other.Word((word << 6) + shift));
        }

        return both;
    }

    /// <summary>Sixty-four buckets from one on, as bits.</summary>
    ulong Word(long bucket)
    {
        (long word, int bit) = (bucket >> 6, (int)(bucket & 63));
        ulong low = Whole(word) >> bit;
        return bit == 0 ? low : low | (Whole(word + 1) << (64 - bit));
    }

    ulong Whole(long word) => word < 0 || word > LastBucket >> 6 || word <= (LastBucket - Buckets) >> 6 ? 0 : _active[word & ((Buckets / 64) - 1)];

    void Mark(long bucket)
    {
        if (LastBucket >= 0 && bucket > LastBucket)
        {
            // Words that come round again are those of two weeks ago.
            for (long word = (LastBucket >> 6) + 1; word <= Math.Min(bucket >> 6, (LastBucket >> 6) + (Buckets / 64)); word++)
            {
                _active[word & ((Buckets / 64) - 1)] = 0;
            }
        }

        FirstBucket = FirstBucket < 0 ? bucket : FirstBucket;
        LastBucket = Math.Max(LastBucket, bucket);
        if (bucket > LastBucket - Buckets + 64)
        {
            _active[(bucket & (Buckets - 1)) >> 6] |= 1UL << (int)(bucket & 63);
        }
    }
}
