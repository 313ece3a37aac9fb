namespace Retort.Guard.Limits;

/// <summary>What a worker holds of one scope's limits, in memory: reserved + pending ≤ held, for each quantity, at every instant.</summary>
sealed class ScopeShare(LimitScope scope, ScopeLimits limits)
{
    public LimitScope Scope { get; } = scope;

    public ScopeLimits Limits { get; set; } = limits;

    /// <summary>In the store this worker's.</summary>
    public Amounts Held;

    /// <summary>Set aside for requests under way.</summary>
    public Amounts Reserved;

    /// <summary>Used and not written to the store yet.</summary>
    public Amounts Pending;

    /// <summary>What of the limit was left for this worker, with what it held, when the store was last asked.</summary>
    public Amounts Headroom;

    /// <summary>Until when a need as large as <see cref="ShortBy"/> is refused without asking the store again, and when it may fit.</summary>
    public Amounts ShortUntil, ShortBy, FreeAt;

    /// <summary>Its place in the file of what is pending.</summary>
    public int Place { get; set; }

    /// <summary>Whether it waits to be reported.</summary>
    public bool IsDirty { get; set; }

    /// <summary>By bit, the quantities that the report under way holds.</summary>
    public int Reporting { get; set; }

    public bool HasPending
    {
        get
        {
            foreach (long pending in Pending)
            {
                if (pending > 0)
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>When it was last reserved from.</summary>
    public long Last { get; set; }

    public long Free(int quantity) => Held[quantity] - Reserved[quantity] - Pending[quantity];
}
