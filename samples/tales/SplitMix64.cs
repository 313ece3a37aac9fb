namespace Retort.Samples.Tales;

/// <summary>
/// SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014):
/// integer arithmetic only, so a seed means the same story on every machine.
/// </summary>
sealed class SplitMix64(ulong seed)
{
    ulong state = seed;

    public ulong Next()
    {
        state += 0x9E3779B97F4A7C15UL;
        return Mix(state);
    }

    /// <summary>A number in [0, <paramref name="count"/>), by the high half of a product; the bias is below count / 2^64.</summary>
    public int Below(int count) => (int)Math.BigMul(Next(), (ulong)count, out _);

    public T Pick<T>(IReadOnlyList<T> choices) => choices[Below(choices.Count)];

    public static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9UL;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EBUL;
        return value ^ (value >> 31);
    }
}
