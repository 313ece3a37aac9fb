using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Retort.Kernels;

// Shapes: T rows (tokens) of K channels, K a multiple of 32; B = K / 32 blocks a row.

/// <summary>
/// Activations as whole numbers of eight bits: of 32 neighbouring channels x = d·q, d = max|x| / 127, q the nearest whole number, halves to
/// even. Beside q stand its sum, which takes back what weights stored without a sign are too large by, and q once more as pairs of shorts
/// in the order (0, 2), (1, 3), for processors that multiply no bytes without overflow. Rows lie in fours, block by block, so that all a tile
/// reads lies together.
/// </summary>
public sealed unsafe class QuantizedRows
{
    /// <summary>Channels that share one scale.</summary>
    public const int Block = 32;

    /// <summary>Rows that lie together.</summary>
    public const int Tile = 4;

    const float Largest = 127f;

    readonly sbyte[] _bytes;
    readonly short[] _pairs;
    readonly float[] _scales;
    readonly int[] _sums;

    /// <param name="rows">Most rows.</param>
    /// <param name="channels">Most channels of a row.</param>
    public QuantizedRows(int rows, int channels)
    {
        int length = checked((rows + Tile - 1) / Tile * Tile * channels), blocks = length / Block;
        _bytes = GC.AllocateArray<sbyte>(length, pinned: true);
        _pairs = GC.AllocateArray<short>(length, pinned: true);
        _scales = GC.AllocateArray<float>(blocks, pinned: true);
        _sums = GC.AllocateArray<int>(blocks, pinned: true);
    }

    /// <summary>Everything that is kept, for comparison.</summary>
    internal (sbyte[] Bytes, short[] Pairs, float[] Scales, int[] Sums) Kept => (_bytes, _pairs, _scales, _sums);

    internal sbyte* Bytes => (sbyte*)Marshal.UnsafeAddrOfPinnedArrayElement(_bytes, 0);

    internal short* Pairs => (short*)Marshal.UnsafeAddrOfPinnedArrayElement(_pairs, 0);

    internal float* Scales => (float*)Marshal.UnsafeAddrOfPinnedArrayElement(_scales, 0);

    internal int* Sums => (int*)Marshal.UnsafeAddrOfPinnedArrayElement(_sums, 0);

    internal void Holds(string operation, int rows, int channels) => Shape.Holds(operation, "x", _bytes.Length, (long)(rows + Tile - 1) / Tile * Tile * channels);

    /// <summary>Fills one row.</summary>
    /// <param name="row">Its place; every row before it has as many channels.</param>
    /// <param name="x_K">Finite numbers, a multiple of 32.</param>
    public void Set(int row, ReadOnlySpan<float> x_K) => Set(row, x_K, Vector256.IsHardwareAccelerated);

    internal void Set(int row, ReadOnlySpan<float> x_K, bool wide)
    {
        int k = x_K.Length;
        if (k % Block != 0)
        {
            throw new ArgumentException($"QuantizedRows.Set: {k} channels are no multiple of {Block}.", nameof(x_K));
        }

        Holds("QuantizedRows.Set", row + 1, k);
        nint first = ((nint)(row / Tile) * (k / Block) * Tile) + (row % Tile);
        sbyte* bytes = Bytes;
        short* pairs = Pairs;
        float* scales = Scales;
        int* sums = Sums;
        fixed (float* x = x_K)
        {
            for (int b = 0; b < k / Block; b++)
            {
                nint block = first + (b * Tile), at = block * Block;
                if (wide)
                {
                    Wide(x + (b * Block), bytes + at, pairs + at, scales + block, sums + block);
                }
                else
                {
                    Plain(x + (b * Block), bytes + at, pairs + at, scales + block, sums + block);
                }
            }
        }
    }

    /// <summary>The specification.</summary>
    static void Plain(float* x, sbyte* bytes, short* pairs, float* scale, int* sum)
    {
        float most = 0;
        for (int i = 0; i < Block; i++)
        {
            most = MathF.Max(most, MathF.Abs(x[i]));
        }

        float inverse = most > 0 ? Largest / most : 0f;
        int total = 0;
        for (int i = 0; i < Block; i++)
        {
            int q = (int)MathF.Round(x[i] * inverse);
            bytes[i] = (sbyte)q;
            pairs[(i & ~3) | ((i & 1) << 1) | ((i & 2) >> 1)] = (short)q;
            total += q;
        }

        *scale = most / Largest;
        *sum = total;
    }

    static void Wide(float* x, sbyte* bytes, short* pairs, float* scale, int* sum)
    {
        Vector256<float> x0 = Vector256.Load(x), x1 = Vector256.Load(x + 8), x2 = Vector256.Load(x + 16), x3 = Vector256.Load(x + 24);
        Vector256<float> top = Vector256.Max(Vector256.Max(Vector256.Abs(x0), Vector256.Abs(x1)), Vector256.Max(Vector256.Abs(x2), Vector256.Abs(x3)));
        Vector128<float> half = Vector128.Max(top.GetLower(), top.GetUpper());
        half = Vector128.Max(half, Vector128.Shuffle(half, Vector128.Create(2, 3, 0, 1)));
        float most = MathF.Max(half[0], half[1]);
        Vector256<float> inverse = Vector256.Create(most > 0 ? Largest / most : 0f);
        Vector256<int> q0 = Whole(x0 * inverse), q1 = Whole(x1 * inverse), q2 = Whole(x2 * inverse), q3 = Whole(x3 * inverse);
        Vector256.Narrow(Vector256.Narrow(q0, q1), Vector256.Narrow(q2, q3)).Store(bytes);
        Pair(q0).Store(pairs);
        Pair(q1).Store(pairs + 8);
        Pair(q2).Store(pairs + 16);
        Pair(q3).Store(pairs + 24);
        *scale = most / Largest;
        *sum = Vector256.Sum(q0 + q1 + (q2 + q3));
    }

    static Vector256<int> Whole(Vector256<float> x) => Vector256.ConvertToInt32Native(Vector256.Round(x));

    /// <summary>Of every four numbers the first beside the third and the second beside the fourth.</summary>
    static Vector128<short> Pair(Vector256<int> q)
    {
        Vector256<ulong> split = Vector256.Shuffle(q.AsUInt64(), Vector256.Create(0UL, 2, 1, 3));
        Vector128<uint> first = split.GetLower().AsUInt32(), second = split.GetUpper().AsUInt32();
        return ((first & Vector128.Create(0xffffu)) | (second << 16)).AsInt16();
    }
}
