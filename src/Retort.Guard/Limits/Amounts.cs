using System.Runtime.CompilerServices;

namespace Retort.Guard.Limits;

/// <summary>What is limited.</summary>
public enum Quantity
{
    /// <summary>Requests of a minute; each counts when it begins.</summary>
    Requests,

    /// <summary>Tokens of questions and answers of a minute.</summary>
    MinuteTokens,

    /// <summary>The same of a day.</summary>
    DayTokens,

    /// <summary>Millionths of a millionth of a dollar, of a day.</summary>
    DayMoney,

    /// <summary>Tokens handed out with log-probabilities, of a day.</summary>
    DayLogprobs,

    /// <summary>Answers under way at once.</summary>
    Streams,
}

/// <summary>A number for each <see cref="Quantity"/>, in its order.</summary>
[InlineArray(Count)]
public struct Amounts : IEquatable<Amounts>
{
    /// <summary>How many quantities there are.</summary>
    public const int Count = 6;

    long _first;

    /// <summary>What one request takes.</summary>
    /// <param name="tokens">Of question and answer: at most when it is reserved, in fact when it is settled.</param>
    /// <param name="money">Millionths of a millionth of a dollar.</param>
    /// <param name="logprobs">Tokens that carry log-probabilities.</param>
    /// <param name="isStream">Whether it counts among the answers under way.</param>
    public static Amounts Of(long tokens, long money = 0, long logprobs = 0, bool isStream = true)
    {
        Amounts amounts = default;
        amounts[(int)Quantity.Requests] = 1;
        amounts[(int)Quantity.MinuteTokens] = tokens;
        amounts[(int)Quantity.DayTokens] = tokens;
        amounts[(int)Quantity.DayMoney] = money;
        amounts[(int)Quantity.DayLogprobs] = logprobs;
        amounts[(int)Quantity.Streams] = isStream ? 1 : 0;
        return amounts;
    }

    public static bool operator ==(Amounts a, Amounts b) => a.Equals(b);

    public static bool operator !=(Amounts a, Amounts b) => !a.Equals(b);

    public readonly bool Equals(Amounts other) => ((ReadOnlySpan<long>)this).SequenceEqual(other);

    public override readonly bool Equals(object? obj) => obj is Amounts other && Equals(other);

    public override readonly int GetHashCode()
    {
        HashCode hash = default;
        foreach (long amount in this)
        {
            hash.Add(amount);
        }

        return hash.ToHashCode();
    }

    /// <summary>
    /// How long what was used counts, in milliseconds; 0 for streams, which count only while they are under way. Windows slide: what was used within
    /// the last minute or day, and what is set aside now, together stay within the limit at every instant.
    /// </summary>
    internal static long Window(int quantity) => (Quantity)quantity switch
    {
        Quantity.Requests or Quantity.MinuteTokens => 60_000,
        Quantity.Streams => 0,
        _ => 86_400_000,
    };
}
