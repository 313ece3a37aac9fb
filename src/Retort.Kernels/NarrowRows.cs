using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Retort.Kernels;

/// <summary>How frozen weights are held in fewer bits.</summary>
public enum NarrowFormat
{
    /// <summary>The upper half of a float.</summary>
    BFloat16,

    /// <summary>GGUF's Q8_0: a scale in IEEE half and 32 signed bytes, 17 words of 16 bits.</summary>
    Q8_0,
}

/// <summary>Rows of weights in a <see cref="NarrowFormat"/>, as words of 16 bits. Widening is exact in bfloat16 and one rounded product in
/// Q8_0, so it gives the same bits on every vector path.</summary>
public static unsafe class NarrowRows
{
    /// <summary>Numbers of Q8_0 that share a scale; a row must be a multiple of it.</summary>
    public const int Block = 32;

    const int BlockWords = 17;

    /// <summary>Words that hold so many numbers.</summary>
    public static long Words(NarrowFormat format, long numbers) => format == NarrowFormat.BFloat16 ? numbers : numbers / Block * BlockWords;

    /// <summary>Rounds to the format: bfloat16 to nearest even; Q8_0 to d·q with d = max|x| / 127 in half precision, q the nearest whole number.</summary>
    /// <returns>Whether the format can hold every number.</returns>
    public static bool Narrow(Span<ushort> to, ReadOnlySpan<float> from, NarrowFormat format)
    {
        Shape.Holds("NarrowRows.Narrow", "to", to.Length, Words(format, from.Length));
        if (format == NarrowFormat.BFloat16)
        {
            Blocks.ToBFloat16(to, from);
            return !to[..from.Length].ContainsAnyInfinite();
        }

        bool holds = true;
        for (int block = 0; block < from.Length / Block; block++)
        {
            ReadOnlySpan<float> x = from.Slice(block * Block, Block);
            float most = 0;
            foreach (float number in x)
            {
                most = Math.Max(most, Math.Abs(number));
            }

            float d = most / 127, inverse = d > 0 ? 1 / d : 0;
            Half scale = (Half)d;
            holds &= Half.IsFinite(scale) && float.IsFinite(most);
            Span<ushort> words = to.Slice(block * BlockWords, BlockWords);
            words[0] = BitConverter.HalfToUInt16Bits(scale);
            Span<sbyte> q = MemoryMarshal.Cast<ushort, sbyte>(words[1..]);
            for (int i = 0; i < Block; i++)
            {
                q[i] = (sbyte)MathF.Round(x[i] * inverse, MidpointRounding.AwayFromZero);
            }
        }

        return holds;
    }

    /// <summary>The numbers again.</summary>
    /// <param name="to">Output; in Q8_0 a multiple of <see cref="Block"/>.</param>
    public static void Widen(Span<float> to, ReadOnlySpan<ushort> from, NarrowFormat format)
    {
        Shape.Holds("NarrowRows.Widen", "from", from.Length, Words(format, to.Length));
        fixed (float* wide = to)
        fixed (ushort* narrow = from)
        {
            Widen(wide, narrow, to.Length, format);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Widen(float* to, ushort* from, int count, NarrowFormat format)
    {
        if (format == NarrowFormat.BFloat16)
        {
            Blocks.FromBFloat16(to, from, count);
        }
        else
        {
            WidenQ8(to, from, count);
        }
    }

    // Optimised from the first call on, as Blocks.FromBFloat16 is, and for the same reason.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void WidenQ8(float* to, ushort* from, int count)
    {
        for (int i = 0; i < count; i += Block, from += BlockWords)
        {
            float d = (float)BitConverter.UInt16BitsToHalf(from[0]);
            sbyte* q = (sbyte*)(from + 1);
            if (Vector256.IsHardwareAccelerated)
            {
                (Vector256<short> first, Vector256<short> second) = Vector256.Widen(Vector256.Load(q));
                Store(to + i, first, d);
                Store(to + i + 16, second, d);
                continue;
            }

            for (int j = 0; j < Block; j++)
            {
                to[i + j] = d * q[j];
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Store(float* to, Vector256<short> q, float d)
    {
        (Vector256<int> low, Vector256<int> high) = Vector256.Widen(q);
        (Vector256.ConvertToSingle(low) * d).Store(to);
        (Vector256.ConvertToSingle(high) * d).Store(to + 8);
    }

    static bool ContainsAnyInfinite(this Span<ushort> words)
    {
        foreach (ushort word in words)
        {
            if ((word & 0x7f80) == 0x7f80)
            {
                return true;
            }
        }

        return false;
    }
}
