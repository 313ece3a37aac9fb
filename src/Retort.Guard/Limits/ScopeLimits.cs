namespace Retort.Guard.Limits;

/// <summary>Who is limited: an account, or a group of accounts that are linked.</summary>
public readonly record struct LimitScope
{
    LimitScope(long value) => Value = value;

    /// <summary>The one number it is stored under.</summary>
    internal long Value { get; }

    public bool IsGroup => (Value & 1) == 1;

    public long Id => Value >> 1;

    public static LimitScope Account(long id) => new(id << 1);

    public static LimitScope Group(long id) => new((id << 1) | 1);

    internal static LimitScope Stored(long value) => new(value);

    public override string ToString() => IsGroup ? $"group {Id}" : $"account {Id}";
}

/// <summary>The limits of a scope; null for none.</summary>
/// <param name="PicoUsdPerDay">Millionths of a millionth of a dollar.</param>
/// <param name="LogprobTokensPerDay">Tokens handed out with log-probabilities; 0 hands out none.</param>
/// <param name="Streams">Answers under way at once.</param>
public sealed record ScopeLimits(long? RequestsPerMinute, long? TokensPerMinute, long? TokensPerDay, long? PicoUsdPerDay, long? LogprobTokensPerDay, long? Streams)
{
    /// <summary>What stands for no limit.</summary>
    internal const long None = long.MaxValue;

    public static ScopeLimits Unlimited { get; } = new(null, null, null, null, null, null);

    /// <summary>In the order of <see cref="Quantity"/>.</summary>
    internal Amounts Values { get; } = Ordered([RequestsPerMinute, TokensPerMinute, TokensPerDay, PicoUsdPerDay, LogprobTokensPerDay, Streams]);

    public long? this[Quantity quantity] => Values[(int)quantity] is var limit and not None ? limit : null;

    static Amounts Ordered(ReadOnlySpan<long?> limits)
    {
        Amounts values = default;
        for (int q = 0; q < Amounts.Count; q++)
        {
            values[q] = limits[q] ?? None;
        }

        return values;
    }
}

/// <summary>A scope with the limits that hold for it.</summary>
public readonly record struct BoundScope(LimitScope Scope, ScopeLimits Limits);
