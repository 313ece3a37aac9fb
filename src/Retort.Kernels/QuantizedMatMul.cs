using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Retort.Kernels;

// Shapes: y_TN = x_TK · w_NKᵀ for T rows of activations; N a multiple of 32, K of 32.

/// <summary>How many bits a quantised weight takes beside its share of a scale.</summary>
public enum WeightBits
{
    /// <summary>Q4_0: x = d·(q − 8).</summary>
    Four,

    /// <summary>Q8_0: x = d·(q − 128) for q stored without a sign.</summary>
    Eight,
}

/// <summary>
/// Products of quantised weights with <see cref="QuantizedRows"/>. Weights lie in groups of 32 rows, of every group one block of 32 channels after
/// the other: 32 scales as halves, then for every four channels the bytes of 32 rows, four a row, so that a lane is a row and no sum goes
/// across lanes. With four bits a byte holds a channel below and the one sixteen further above. What a row of activations gives
/// does not depend on the others.
/// </summary>
public static unsafe class QuantizedMatMul
{
    /// <summary>Rows of weights in one group.</summary>
    public const int Group = 32;

    /// <summary>Channels of one block.</summary>
    public const int Block = QuantizedRows.Block;

    const int ScaleBytes = Group * 2;
    const int StepBytes = Group * 4;

    /// <summary>Bytes of one group of rows.</summary>
    public static int GroupBytes(int k, WeightBits bits) => k / Block * BlockBytes(bits);

    static int BlockBytes(WeightBits bits) => ScaleBytes + (StepBytes * (bits == WeightBits.Eight ? 8 : 4));

    /// <summary>Puts one block of one row into its place.</summary>
    /// <param name="group">The group's bytes.</param>
    /// <param name="row">Row within the group.</param>
    /// <param name="block">Which 32 channels.</param>
    /// <param name="q_K">What is stored of each channel: 0 to 15, or 0 to 255.</param>
    public static void Pack(Span<byte> group, WeightBits bits, int row, int block, Half scale, ReadOnlySpan<byte> q_K)
    {
        Shape.Within("QuantizedMatMul.Pack", "row", row, Group);
        Shape.Holds("QuantizedMatMul.Pack", "q", q_K.Length, Block);
        Span<byte> to = group.Slice(block * BlockBytes(bits), BlockBytes(bits));
        MemoryMarshal.Write(to[(2 * row)..], scale);
        Span<byte> steps = to[ScaleBytes..];
        if (bits == WeightBits.Eight)
        {
            for (int c = 0; c < Block; c++)
            {
                steps[(c / 4 * StepBytes) + (4 * row) + (c % 4)] = q_K[c];
            }

            return;
        }

        for (int c = 0; c < Block / 2; c++)
        {
            steps[(c / 4 * StepBytes) + (4 * row) + (c % 4)] = (byte)(q_K[c] | (q_K[c + (Block / 2)] << 4));
        }
    }

    /// <summary>One row as floats.</summary>
    /// <param name="x_K">Output, K channels.</param>
    /// <param name="group">The group's bytes.</param>
    public static void Unpack(Span<float> x_K, ReadOnlySpan<byte> group, WeightBits bits, int row)
    {
        Shape.Within("QuantizedMatMul.Unpack", "row", row, Group);
        Shape.Holds("QuantizedMatMul.Unpack", "group", group.Length, GroupBytes(x_K.Length, bits));
        for (int block = 0; block < x_K.Length / Block; block++)
        {
            ReadOnlySpan<byte> from = group[(block * BlockBytes(bits))..], lane = from[(ScaleBytes + (4 * row))..];
            float scale = (float)MemoryMarshal.Read<Half>(from[(2 * row)..]);
            Span<float> to = x_K.Slice(block * Block, Block);
            for (int c = 0; c < Block; c++)
            {
                int low = c % (Block / 2);
                to[c] = bits == WeightBits.Eight
                    ? scale * (lane[(c / 4 * StepBytes) + (c % 4)] - 128)
                    : scale * (((lane[(low / 4 * StepBytes) + (c % 4)] >> (c < Block / 2 ? 0 : 4)) & 15) - 8);
            }
        }
    }

    /// <summary>y[t, n] (+)= Σₖ w[n, k] · x[t, k] for whole groups of rows.</summary>
    /// <param name="y_TN">Output from the first of these groups' rows on; row t starts at t · stride.</param>
    /// <param name="stride">Floats from one row of the output to the next.</param>
    /// <param name="w">The groups' bytes.</param>
    /// <param name="groups">How many.</param>
    /// <param name="rows">T.</param>
    public static void Forward(Span<float> y_TN, int stride, ReadOnlySpan<byte> w, WeightBits bits, int groups, QuantizedRows x, int rows, int k, bool accumulate = false)
    {
        Shape.Holds("QuantizedMatMul.Forward", "w", w.Length, (long)groups * GroupBytes(k, bits));
        Shape.Holds("QuantizedMatMul.Forward", "y", y_TN.Length, rows == 0 ? 0 : ((rows - 1L) * stride) + (groups * Group));
        x.Holds("QuantizedMatMul.Forward", rows, k);
        fixed (float* y = y_TN)
        fixed (byte* from = w)
        {
            Inputs inputs = new(x.Bytes, x.Pairs, x.Scales, x.Sums, k);
            int bytes = GroupBytes(k, bits);
            for (int g = 0; g < groups; g++)
            {
                Output to = new(y + (g * Group), stride, rows, accumulate);
                if (VnniTile.IsSupported && rows >= VnniTile.Rows)
                {
                    Vnni(to, from + ((nint)g * bytes), bits, inputs);
                }
                else if (Vector512.IsHardwareAccelerated && Avx512BW.IsSupported)
                {
                    Rows<ByteLanes512, Vector512<int>, Lanes512, Vector512<float>>(to, from + ((nint)g * bytes), bits, inputs, 0);
                }
                else if (Vector256.IsHardwareAccelerated && AvxVnni.IsSupported)
                {
                    Rows<ByteLanesVnni, Vector256<int>, Lanes256, Vector256<float>>(to, from + ((nint)g * bytes), bits, inputs, 0);
                }
                else if (Vector256.IsHardwareAccelerated && Avx2.IsSupported)
                {
                    Rows<ByteLanes256, Vector256<int>, Lanes256, Vector256<float>>(to, from + ((nint)g * bytes), bits, inputs, 0);
                }
                else
                {
                    Rows<ByteLanes1, int, Lanes1, float>(to, from + ((nint)g * bytes), bits, inputs, 0);
                }
            }
        }
    }

    /// <summary>Quantised activations as <see cref="QuantizedRows"/> lays them out.</summary>
    internal readonly record struct Inputs(nint Bytes, nint Pairs, nint Scales, nint Sums, int K)
    {
        public Inputs(sbyte* bytes, short* pairs, float* scales, int* sums, int k)
            : this((nint)bytes, (nint)pairs, (nint)scales, (nint)sums, k)
        {
        }
    }

    /// <summary>Where a group's sums go.</summary>
    internal readonly record struct Output(nint Y, int Stride, int Rows, bool Accumulate)
    {
        public Output(float* y, int stride, int rows, bool accumulate)
            : this((nint)y, stride, rows, accumulate)
        {
        }
    }

    /// <summary>One group of weights with four rows of activations at a time, the last ones as elsewhere.</summary>
    static void Vnni(Output to, byte* group, WeightBits bits, Inputs x)
    {
        int row = 0, blocks = x.K / Block;
        float* y = (float*)to.Y;
        for (; row + VnniTile.Rows <= to.Rows; row += VnniTile.Rows)
        {
            nint first = (nint)row * blocks;
            VnniTile.Arguments arguments = new()
            {
                Weights = group,
                Activations = (sbyte*)x.Bytes + (first * Block),
                Scales = (float*)x.Scales + first,
                Sums = (int*)x.Sums + first,
                Blocks = blocks,
                Y0 = y + ((nint)row * to.Stride),
                Y1 = y + (((nint)row + 1) * to.Stride),
                Y2 = y + (((nint)row + 2) * to.Stride),
                Y3 = y + (((nint)row + 3) * to.Stride),
            };
            VnniTile.Run(ref arguments, bits, to.Accumulate);
        }

        Rows<ByteLanes512, Vector512<int>, Lanes512, Vector512<float>>(to, group, bits, x, row);
    }

    /// <summary>One group of weights: two vectors of its rows at a time with four rows of activations, then with the last ones singly.</summary>
    /// <param name="first">The first row of activations, a multiple of four.</param>
    internal static void Rows<B, V, W, F>(Output to, byte* group, WeightBits bits, Inputs x, int first)
        where B : struct, IByteLanes<V, F> where V : struct where W : struct, ILanes<F> where F : struct
    {
        for (int lane = 0; lane < Group; lane += 2 * B.Count)
        {
            int row = first;
            for (; row + 4 <= to.Rows; row += 4)
            {
                if (bits == WeightBits.Eight)
                {
                    QuantizedTile.Eight4<B, V, W, F>(to, group, x, row, lane);
                }
                else
                {
                    QuantizedTile.Four4<B, V, W, F>(to, group, x, row, lane);
                }
            }

            for (; row < to.Rows; row++)
            {
                if (bits == WeightBits.Eight)
                {
                    QuantizedTile.Eight1<B, V, W, F>(to, group, x, row, lane);
                }
                else
                {
                    QuantizedTile.Four1<B, V, W, F>(to, group, x, row, lane);
                }
            }
        }
    }
}
