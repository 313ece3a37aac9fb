using System.Runtime.CompilerServices;

namespace Retort.Guard.Limits;

/// <summary>What a request has set aside; to be settled or cancelled once.</summary>
public readonly struct Reservation
{
    internal Reservation(ReservationSlot slot) => (Slot, Number) = (slot, slot.Number);

    internal ReservationSlot? Slot { get; }

    internal long Number { get; }
}

/// <summary>What came of settling.</summary>
/// <param name="Overrun">What was used beyond what was set aside and found no room: it is not booked, so that the sum stays within the limit.</param>
/// <param name="HadEnded">The reservation had ended before: nobody settled it in time, or its worker had lost its share.</param>
public readonly record struct Settlement(Amounts Overrun, bool HadEnded)
{
    public bool IsWithin
    {
        get
        {
            foreach (long over in Overrun)
            {
                if (over > 0)
                {
                    return false;
                }
            }

            return true;
        }
    }
}

enum SlotState
{
    Unused,
    Open,
    Ended,
}

/// <summary>One reservation in memory; used again when it has ended. Open ones form a list, the oldest first.</summary>
sealed class ReservationSlot
{
    /// <summary>Most scopes that one request counts against.</summary>
    public const int MostScopes = 4;

    public Shares Scopes;

    public int Count { get; set; }

    /// <summary>Of each scope, by bit, the quantities that were set aside.</summary>
    public Masks Tracked;

    public Amounts Amounts;

    public long Number { get; set; }

    public SlotState State { get; set; }

    /// <summary>When it ends by itself, in milliseconds since 1970.</summary>
    public long Ends { get; set; }

    public ReservationSlot? Older { get; set; }

    public ReservationSlot? Newer { get; set; }

    [InlineArray(MostScopes)]
    public struct Shares
    {
        ScopeShare? _first;
    }

    [InlineArray(MostScopes)]
    public struct Masks
    {
        int _first;
    }
}
