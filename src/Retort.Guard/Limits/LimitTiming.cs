namespace Retort.Guard.Limits;

/// <summary>How long things hold.</summary>
/// <param name="Lease">How long a worker's share is its own after it last said that it lives.</param>
/// <param name="Margin">How much later others take it back: clocks of one machine, read at different moments of one step.</param>
/// <param name="Renew">How often a worker looks who is short.</param>
/// <param name="Report">How often it writes down what was used; until then that counts as held.</param>
/// <param name="Reservation">When a reservation ends that nobody settles.</param>
public sealed record LimitTiming(TimeSpan Lease, TimeSpan Margin, TimeSpan Renew, TimeSpan Report, TimeSpan Reservation)
{
    public static LimitTiming Default { get; } = new(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(1), TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(30));

    /// <summary>After a worker is killed, what it had set aside is free again within this time, once another asks.</summary>
    public TimeSpan ReturnedWithin => Lease + Margin;
}
