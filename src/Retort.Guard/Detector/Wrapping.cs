namespace Retort.Guard.Detector;

/// <summary>
/// What is no part of what is asked: what accounts wrap their prompts in, a rubric, an instruction, a signature, which is known by being in a good part of one
/// account's first prompts; and what many accounts have in common, an exercise that was set them or a prompt that goes around.
/// </summary>
public sealed class Wrapping
{
    /// <summary>Prompts by which an account shows its own.</summary>
    const int Learned = 24;

    /// <summary>In how many of them a run must be.</summary>
    const int Often = 3;

    /// <summary>Runs of words that are looked at, from either end of a prompt.</summary>
    const int FromStart = 96, FromEnd = 32;

    /// <summary>Most that are remembered; the detector starts anew beyond, since so many runs would be language itself.</summary>
    const int Most = 1 << 20;

    /// <summary>A run that this many accounts have goes around. A list that is divided is found long before so many have met in one of its templates.</summary>
    const int Many = 8;

    /// <summary>Places of a counter of accounts; a run has two, of which the lesser counts (Cormode and Muthukrishnan 2005, the count-min sketch).</summary>
    const int Counters = 1 << 21;

    readonly HashSet<uint> _known = [], _around = [];
    readonly ushort[] _accounts = new ushort[Counters], _again = new ushort[Counters];

    /// <summary>Whether a run is what some account wraps its prompts in.</summary>
    public bool IsWrapped(uint run) => _known.Contains(run);

    /// <summary>Whether a run is no part of what is asked.</summary>
    public bool Has(uint run) => _known.Contains(run) || _around.Contains(run);

    /// <summary>
    /// Which words of a prompt are what it asks. None are where it says in other words what goes around: where, between the first and the last word that is not
    /// known, most are.
    /// </summary>
    /// <param name="runs">The prompt's runs of words, in their order.</param>
    public bool[] Asked(ReadOnlySpan<uint> runs)
    {
        bool[] asked = new bool[runs.Length];
        int first = -1, last = -1, around = 0;
        for (int i = 0; i < runs.Length; i++)
        {
            if (asked[i] = !Has(runs[i]))
            {
                (first, last) = (first < 0 ? i : first, i);
            }
        }

        for (int i = first; i <= last && first >= 0; i++)
        {
            around += _around.Contains(runs[i]) ? 1 : 0;
        }

        return around * 2 > last - first + 1 ? new bool[runs.Length] : asked;
    }

    /// <summary>Counts an account for each of the runs.</summary>
    public void Count(ReadOnlySpan<uint> runs)
    {
        foreach (uint run in runs)
        {
            ref ushort one = ref _accounts[run & (Counters - 1)], other = ref _again[(run * 0x9E3779B1u) >> 11];
            one = (ushort)Math.Min(one + 1, ushort.MaxValue);
            other = (ushort)Math.Min(other + 1, ushort.MaxValue);
            if (Math.Min(one, other) >= Many && _around.Count < Most)
            {
                _around.Add(run);
            }
        }
    }

    /// <summary>An account that has not shown yet what it wraps prompts in.</summary>
    public sealed class Learning
    {
        readonly Dictionary<uint, int> _counts = [];
        int _prompts;

        /// <summary>Looks at a prompt's runs of words, in their order.</summary>
        /// <returns>Whether it has seen enough.</returns>
        public bool Add(ReadOnlySpan<uint> runs, Wrapping into)
        {
            Count(runs[..Math.Min(runs.Length, FromStart)]);
            Count(runs[Math.Clamp(runs.Length - FromEnd, Math.Min(runs.Length, FromStart), runs.Length)..]);
            _prompts++;
            foreach ((uint run, int count) in _counts)
            {
                if (count >= Often && into._known.Count < Most)
                {
                    into._known.Add(run);
                }
            }

            return _prompts == Learned;
        }

        void Count(ReadOnlySpan<uint> runs)
        {
            foreach (uint run in runs)
            {
                _counts[run] = _counts.GetValueOrDefault(run) + 1;
            }
        }
    }
}
