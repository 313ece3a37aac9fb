using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Retort.Kernels;

namespace Retort.Model.Files;

/// <summary>
/// The block formats of GGUF as numbers again (github.com/ggml-org/ggml, ggml-quants.c and ggml-common.h). d is a scale, m a minimum, q what
/// is stored.
/// </summary>
static class GgufBlocks
{
    /// <param name="to">Output; a multiple of the type's block length.</param>
    /// <param name="from">The blocks of as many numbers.</param>
    public static void Read(Span<float> to, ReadOnlySpan<byte> from, GgufType type)
    {
        switch (type.Name)
        {
            case "F32":
                from[..(to.Length * 4)].CopyTo(MemoryMarshal.AsBytes(to));
                return;
            case "F16":
                for (int i = 0; i < to.Length; i++)
                {
                    to[i] = Half(from, 2 * i);
                }

                return;
            case "BF16" or "Q8_0":
                NarrowRows.Widen(to, MemoryMarshal.Cast<byte, ushort>(from), Narrow(type));
                return;
        }

        for (int block = 0; block < to.Length / type.BlockLength; block++)
        {
            Span<float> numbers = to.Slice(block * type.BlockLength, type.BlockLength);
            ReadOnlySpan<byte> bytes = from.Slice(block * type.BlockBytes, type.BlockBytes);
            switch (type.Name)
            {
                case "Q4_0": Q4_0(numbers, bytes); break;
                case "Q4_K": Q4_K(numbers, bytes); break;
                default: Q6_K(numbers, bytes); break;
            }
        }
    }

    /// <param name="to">Output; the blocks of as many numbers.</param>
    /// <param name="from">A multiple of the type's block length.</param>
    /// <param name="type">F32, F16, BF16, Q8_0 or Q4_0.</param>
    /// <returns>Whether the type can hold every number.</returns>
    public static bool Write(Span<byte> to, ReadOnlySpan<float> from, GgufType type)
    {
        bool holds = true;
        switch (type.Name)
        {
            case "F32":
                MemoryMarshal.AsBytes(from).CopyTo(to);
                return true;
            case "F16":
                Blocks.ToHalf(MemoryMarshal.Cast<byte, ushort>(to), from);
                return !AnyInfinite(MemoryMarshal.Cast<byte, ushort>(to), 0x7c00);
            case "BF16" or "Q8_0":
                return NarrowRows.Narrow(MemoryMarshal.Cast<byte, ushort>(to), from, Narrow(type));
            case "Q4_0":
                for (int block = 0; block < from.Length / type.BlockLength; block++)
                {
                    holds &= ToQ4_0(to.Slice(block * type.BlockBytes, type.BlockBytes), from.Slice(block * type.BlockLength, type.BlockLength));
                }

                return holds;
            default:
                throw new ArgumentException($"{type.Name} is read and not written.", nameof(type));
        }
    }

    static NarrowFormat Narrow(GgufType type) => type == GgufType.Q8_0 ? NarrowFormat.Q8_0 : NarrowFormat.BFloat16;

    static bool AnyInfinite(ReadOnlySpan<ushort> numbers, int exponent)
    {
        foreach (ushort number in numbers)
        {
            if ((number & exponent) == exponent)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>d = x / −8 for the x farthest from zero, which so becomes 0 and the others 0 to 15.</summary>
    static bool ToQ4_0(Span<byte> to, ReadOnlySpan<float> from)
    {
        float farthest = 0;
        foreach (float x in from)
        {
            farthest = Math.Abs(x) > Math.Abs(farthest) ? x : farthest;
        }

        float d = farthest / -8, inverse = d != 0 ? 1 / d : 0;
        BinaryPrimitives.WriteHalfLittleEndian(to, (Half)d);
        for (int i = 0; i < 16; i++)
        {
            to[2 + i] = (byte)(Nibble(from[i] * inverse) | (Nibble(from[16 + i] * inverse) << 4));
        }

        return float.IsFinite(farthest) && System.Half.IsFinite((Half)d);

        static int Nibble(float x) => Math.Min(15, (int)(x + 8.5f));
    }

    /// <summary>x = d·(q − 8); the low nibbles are the first sixteen.</summary>
    static void Q4_0(Span<float> to, ReadOnlySpan<byte> from)
    {
        float d = Half(from, 0);
        for (int i = 0; i < 16; i++)
        {
            to[i] = d * ((from[2 + i] & 15) - 8);
            to[16 + i] = d * ((from[2 + i] >> 4) - 8);
        }
    }

    /// <summary>x = d·s·q − m·t for eight runs of 32 with six-bit s and t; the low nibbles of 32 bytes are one run, the high ones the next.</summary>
    static void Q4_K(Span<float> to, ReadOnlySpan<byte> from)
    {
        float d = Half(from, 0), m = Half(from, 2);
        ReadOnlySpan<byte> scales = from.Slice(4, 12), q = from[16..];
        for (int run = 0; run < 8; run++)
        {
            (int s, int t) = run < 4
                ? (scales[run] & 63, scales[run + 4] & 63)
                : ((scales[run + 4] & 15) | (scales[run - 4] >> 6 << 4), (scales[run + 4] >> 4) | (scales[run] >> 6 << 4));
            float scale = d * s, least = m * t;
            for (int i = 0; i < 32; i++)
            {
                byte pair = q[(run / 2 * 32) + i];
                to[(run * 32) + i] = (scale * (run % 2 == 0 ? pair & 15 : pair >> 4)) - least;
            }
        }
    }

    /// <summary>x = d·s·(q − 32) for sixteen runs of 16 with signed s; q's low four bits and high two bits stand apart.</summary>
    static void Q6_K(Span<float> to, ReadOnlySpan<byte> from)
    {
        ReadOnlySpan<byte> low = from[..128], high = from.Slice(128, 64), scales = from.Slice(192, 16);
        float d = Half(from, 208);
        for (int i = 0; i < 256; i++)
        {
            // Of each half of 128: four runs of 32 share 64 low bytes and 32 high ones.
            int half = i / 128, run = i % 128 / 32, lane = i % 32;
            int nibble = low[(half * 64) + (run % 2 * 32) + lane] >> (run / 2 * 4) & 15, bits = high[(half * 32) + lane] >> (run * 2) & 3;
            to[i] = d * (sbyte)scales[i / 16] * ((nibble | (bits << 4)) - 32);
        }
    }

    static float Half(ReadOnlySpan<byte> from, int at) => (float)BinaryPrimitives.ReadHalfLittleEndian(from[at..]);
}
