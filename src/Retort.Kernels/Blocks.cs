using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Retort.Kernels;

/// <summary>Number formats of model files: bfloat16 and IEEE half, to and from float, rounding to nearest even.</summary>
public static class Blocks
{
    /// <summary>Widens bfloat16, the upper half of a float; exact.</summary>
    public static unsafe void FromBFloat16(Span<float> to, ReadOnlySpan<ushort> from)
    {
        Shape.Holds("Blocks.FromBFloat16", "to", to.Length, from.Length);
        fixed (float* wide = to)
        fixed (ushort* narrow = from)
        {
            FromBFloat16(wide, narrow, from.Length);
        }
    }

    // Optimised from the first call on: as the runtime first compiles it, widening takes longer than the product that waits for it.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static unsafe void FromBFloat16(float* to, ushort* from, int count)
    {
        int i = 0;
        if (Vector256.IsHardwareAccelerated)
        {
            for (; i + 16 <= count; i += 16)
            {
                (Vector256<uint> low, Vector256<uint> high) = Vector256.Widen(Vector256.Load(from + i));
                (low << 16).AsSingle().Store(to + i);
                (high << 16).AsSingle().Store(to + i + 8);
            }
        }

        for (; i < count; i++)
        {
            to[i] = BitConverter.UInt32BitsToSingle((uint)from[i] << 16);
        }
    }

    /// <summary>Rounds to bfloat16; a NaN stays a quiet NaN.</summary>
    public static void ToBFloat16(Span<ushort> to, ReadOnlySpan<float> from)
    {
        Shape.Holds("Blocks.ToBFloat16", "to", to.Length, from.Length);
        ReadOnlySpan<uint> bits = MemoryMarshal.Cast<float, uint>(from);
        for (int i = 0; i < bits.Length; i++)
        {
            uint x = bits[i];
            bool nan = (x & 0x7fffffff) > 0x7f800000;
            to[i] = (ushort)((nan ? x | 0x400000 : x + 0x7fff + ((x >> 16) & 1)) >> 16);
        }
    }

    /// <summary>Widens IEEE half; exact.</summary>
    public static void FromHalf(Span<float> to, ReadOnlySpan<ushort> from)
    {
        Shape.Holds("Blocks.FromHalf", "to", to.Length, from.Length);
        ReadOnlySpan<Half> halves = MemoryMarshal.Cast<ushort, Half>(from);
        for (int i = 0; i < halves.Length; i++)
        {
            to[i] = (float)halves[i];
        }
    }

    /// <summary>Rounds to IEEE half; values beyond its range become infinite.</summary>
    public static void ToHalf(Span<ushort> to, ReadOnlySpan<float> from)
    {
        Shape.Holds("Blocks.ToHalf", "to", to.Length, from.Length);
        Span<Half> halves = MemoryMarshal.Cast<ushort, Half>(to);
        for (int i = 0; i < from.Length; i++)
        {
            halves[i] = (Half)from[i];
        }
    }
}
