using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Retort.Kernels;

/// <summary>
/// The register tiles of every matrix product: C[rows × lanes] (+)= A[rows × depth] · B[depth × lanes], rows of C along the
/// accumulators, lanes along the vectors. A is read by broadcast through two strides, so its rows or its columns may be contiguous and
/// no packing is needed; B is read in whole vectors.
/// </summary>
/// <remarks>
/// Tiles of 8 × 2 vectors keep 16 accumulators in registers: with a latency of 4 cycles that feeds two fused multiply-adds a cycle, and
/// one step loads 2 vectors and 8 broadcasts for 16 multiply-adds. Narrower vectors have 16 registers in all, and 6 × 2 fit. Every element
/// of C is one running sum over depth in order, whichever tile computes it and in however many passes over depth, so results do not depend
/// on how rows are dealt out.
/// </remarks>
static unsafe class MatMulTile
{
    /// <summary>How a tile walks its operands. All strides count floats.</summary>
    /// <param name="RowStride">From one row of A to the next.</param>
    /// <param name="ColumnStride">From one column of A (one step of depth) to the next.</param>
    /// <param name="RowBlockStride">From one block of depth to the next in A.</param>
    /// <param name="LaneStride">From one row of B to the next.</param>
    /// <param name="LaneBlockStride">From one block of depth to the next in B.</param>
    /// <param name="Blocks">How many blocks of depth.</param>
    /// <param name="Depth">Steps in one block.</param>
    internal readonly record struct Operand(
        nint RowStride, nint ColumnStride, nint RowBlockStride, nint LaneStride, nint LaneBlockStride, int Blocks, nint Depth);

    /// <summary>C[rows × lanes] (+)= A · B for any number of rows; lanes a multiple of the vector's width.</summary>
    public static void Product<W, V>(float* c, nint ldc, float* a, in Operand s, float* b, int rows, int lanes, bool accumulate)
        where W : struct, ILanes<V> where V : struct
    {
        int lane = 0;
        for (; lane + (2 * W.Count) <= lanes; lane += 2 * W.Count)
        {
            int row = 0;
            for (; W.Count == 16 && row + 8 <= rows; row += 8)
            {
                if (accumulate && row + 16 <= rows)
                {
                    PrefetchTile(c + ((row + 8) * ldc) + lane, ldc);
                }

                Tile8x2<W, V>(c + (row * ldc) + lane, ldc, a + (row * s.RowStride), s, b + lane, accumulate);
            }

            for (; W.Count < 16 && row + 6 <= rows; row += 6)
            {
                Tile6x2<W, V>(c + (row * ldc) + lane, ldc, a + (row * s.RowStride), s, b + lane, accumulate);
            }

            for (; row + 4 <= rows; row += 4)
            {
                Tile4x2<W, V>(c + (row * ldc) + lane, ldc, a + (row * s.RowStride), s, b + lane, accumulate);
            }

            for (; row < rows; row++)
            {
                Tile1x2<W, V>(c + (row * ldc) + lane, ldc, a + (row * s.RowStride), s, b + lane, accumulate);
            }
        }

        for (; lane < lanes; lane += W.Count)
        {
            int row = 0;
            for (; row + 8 <= rows; row += 8)
            {
                Tile8x1<W, V>(c + (row * ldc) + lane, ldc, a + (row * s.RowStride), s, b + lane, accumulate);
            }

            for (; row < rows; row++)
            {
                Tile1x1<W, V>(c + (row * ldc) + lane, ldc, a + (row * s.RowStride), s, b + lane, accumulate);
            }
        }
    }

    /// <summary>Asks for the sums the next tile will go on with: from beyond the second-level cache they would come too late.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void PrefetchTile(float* c, nint ldc)
    {
        for (int row = 0; row < 8; row++)
        {
            Sse.Prefetch0(c + (row * ldc));
            Sse.Prefetch0(c + (row * ldc) + 16);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Put2<W, V>(float* c, V x0, V x1) where W : struct, ILanes<V> where V : struct
    {
        W.Store(c, x0);
        W.Store(c + W.Count, x1);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Tile8x2<W, V>(float* c, nint ldc, float* a, in Operand s, float* b, bool accumulate)
        where W : struct, ILanes<V> where V : struct
    {
        nint step = s.ColumnStride, end = s.Depth * s.ColumnStride, ldb = s.LaneStride, row = s.RowStride;
        V zero = W.Broadcast(0f), c00 = zero, c01 = zero, c10 = zero, c11 = zero, c20 = zero, c21 = zero, c30 = zero, c31 = zero, c40 = zero, c41 = zero, c50 = zero, c51 = zero, c60 = zero, c61 = zero, c70 = zero, c71 = zero;
        if (accumulate)
        {
            c00 = W.Load(c);
            c01 = W.Load(c + W.Count);
            c10 = W.Load(c + ldc);
            c11 = W.Load(c + ldc + W.Count);
            c20 = W.Load(c + (2 * ldc));
            c21 = W.Load(c + (2 * ldc) + W.Count);
            c30 = W.Load(c + (3 * ldc));
            c31 = W.Load(c + (3 * ldc) + W.Count);
            c40 = W.Load(c + (4 * ldc));
            c41 = W.Load(c + (4 * ldc) + W.Count);
            c50 = W.Load(c + (5 * ldc));
            c51 = W.Load(c + (5 * ldc) + W.Count);
            c60 = W.Load(c + (6 * ldc));
            c61 = W.Load(c + (6 * ldc) + W.Count);
            c70 = W.Load(c + (7 * ldc));
            c71 = W.Load(c + (7 * ldc) + W.Count);
        }

        for (int block = s.Blocks; block > 0; block--)
        {
            float* a0 = a, a1 = a0 + row, a2 = a1 + row, a3 = a2 + row, a4 = a3 + row, a5 = a4 + row, a6 = a5 + row, a7 = a6 + row;
            float* line = b;
            for (nint k = 0; k != end; k += step, line += ldb)
            {
                V b0 = W.Load(line), b1 = W.Load(line + W.Count);
                V t = W.Broadcast(a0[k]);
                c00 = W.MultiplyAdd(t, b0, c00);
                c01 = W.MultiplyAdd(t, b1, c01);
                t = W.Broadcast(a1[k]);
                c10 = W.MultiplyAdd(t, b0, c10);
                c11 = W.MultiplyAdd(t, b1, c11);
                t = W.Broadcast(a2[k]);
                c20 = W.MultiplyAdd(t, b0, c20);
                c21 = W.MultiplyAdd(t, b1, c21);
                t = W.Broadcast(a3[k]);
                c30 = W.MultiplyAdd(t, b0, c30);
                c31 = W.MultiplyAdd(t, b1, c31);
                t = W.Broadcast(a4[k]);
                c40 = W.MultiplyAdd(t, b0, c40);
                c41 = W.MultiplyAdd(t, b1, c41);
                t = W.Broadcast(a5[k]);
                c50 = W.MultiplyAdd(t, b0, c50);
                c51 = W.MultiplyAdd(t, b1, c51);
                t = W.Broadcast(a6[k]);
                c60 = W.MultiplyAdd(t, b0, c60);
                c61 = W.MultiplyAdd(t, b1, c61);
                t = W.Broadcast(a7[k]);
                c70 = W.MultiplyAdd(t, b0, c70);
                c71 = W.MultiplyAdd(t, b1, c71);
            }

            a += s.RowBlockStride;
            b += s.LaneBlockStride;
        }

        Put2<W, V>(c, c00, c01);
        Put2<W, V>(c + ldc, c10, c11);
        Put2<W, V>(c + (2 * ldc), c20, c21);
        Put2<W, V>(c + (3 * ldc), c30, c31);
        Put2<W, V>(c + (4 * ldc), c40, c41);
        Put2<W, V>(c + (5 * ldc), c50, c51);
        Put2<W, V>(c + (6 * ldc), c60, c61);
        Put2<W, V>(c + (7 * ldc), c70, c71);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Tile6x2<W, V>(float* c, nint ldc, float* a, in Operand s, float* b, bool accumulate)
        where W : struct, ILanes<V> where V : struct
    {
        nint step = s.ColumnStride, end = s.Depth * s.ColumnStride, ldb = s.LaneStride, row = s.RowStride;
        V zero = W.Broadcast(0f), c00 = zero, c01 = zero, c10 = zero, c11 = zero, c20 = zero, c21 = zero, c30 = zero, c31 = zero, c40 = zero, c41 = zero, c50 = zero, c51 = zero;
        if (accumulate)
        {
            c00 = W.Load(c);
            c01 = W.Load(c + W.Count);
            c10 = W.Load(c + ldc);
            c11 = W.Load(c + ldc + W.Count);
            c20 = W.Load(c + (2 * ldc));
            c21 = W.Load(c + (2 * ldc) + W.Count);
            c30 = W.Load(c + (3 * ldc));
            c31 = W.Load(c + (3 * ldc) + W.Count);
            c40 = W.Load(c + (4 * ldc));
            c41 = W.Load(c + (4 * ldc) + W.Count);
            c50 = W.Load(c + (5 * ldc));
            c51 = W.Load(c + (5 * ldc) + W.Count);
        }

        for (int block = s.Blocks; block > 0; block--)
        {
            float* a0 = a, a1 = a0 + row, a2 = a1 + row, a3 = a2 + row, a4 = a3 + row, a5 = a4 + row;
            float* line = b;
            for (nint k = 0; k != end; k += step, line += ldb)
            {
                V b0 = W.Load(line), b1 = W.Load(line + W.Count);
                V t = W.Broadcast(a0[k]);
                c00 = W.MultiplyAdd(t, b0, c00);
                c01 = W.MultiplyAdd(t, b1, c01);
                t = W.Broadcast(a1[k]);
                c10 = W.MultiplyAdd(t, b0, c10);
                c11 = W.MultiplyAdd(t, b1, c11);
                t = W.Broadcast(a2[k]);
                c20 = W.MultiplyAdd(t, b0, c20);
                c21 = W.MultiplyAdd(t, b1, c21);
                t = W.Broadcast(a3[k]);
                c30 = W.MultiplyAdd(t, b0, c30);
                c31 = W.MultiplyAdd(t, b1, c31);
                t = W.Broadcast(a4[k]);
                c40 = W.MultiplyAdd(t, b0, c40);
                c41 = W.MultiplyAdd(t, b1, c41);
                t = W.Broadcast(a5[k]);
                c50 = W.MultiplyAdd(t, b0, c50);
                c51 = W.MultiplyAdd(t, b1, c51);
            }

            a += s.RowBlockStride;
            b += s.LaneBlockStride;
        }

        Put2<W, V>(c, c00, c01);
        Put2<W, V>(c + ldc, c10, c11);
        Put2<W, V>(c + (2 * ldc), c20, c21);
        Put2<W, V>(c + (3 * ldc), c30, c31);
        Put2<W, V>(c + (4 * ldc), c40, c41);
        Put2<W, V>(c + (5 * ldc), c50, c51);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Tile4x2<W, V>(float* c, nint ldc, float* a, in Operand s, float* b, bool accumulate)
        where W : struct, ILanes<V> where V : struct
    {
        nint step = s.ColumnStride, end = s.Depth * s.ColumnStride, ldb = s.LaneStride, row = s.RowStride;
        V zero = W.Broadcast(0f), c00 = zero, c01 = zero, c10 = zero, c11 = zero, c20 = zero, c21 = zero, c30 = zero, c31 = zero;
        if (accumulate)
        {
            c00 = W.Load(c);
            c01 = W.Load(c + W.Count);
            c10 = W.Load(c + ldc);
            c11 = W.Load(c + ldc + W.Count);
            c20 = W.Load(c + (2 * ldc));
            c21 = W.Load(c + (2 * ldc) + W.Count);
            c30 = W.Load(c + (3 * ldc));
            c31 = W.Load(c + (3 * ldc) + W.Count);
        }

        for (int block = s.Blocks; block > 0; block--)
        {
            float* a0 = a, a1 = a0 + row, a2 = a1 + row, a3 = a2 + row;
            float* line = b;
            for (nint k = 0; k != end; k += step, line += ldb)
            {
                V b0 = W.Load(line), b1 = W.Load(line + W.Count);
                V t = W.Broadcast(a0[k]);
                c00 = W.MultiplyAdd(t, b0, c00);
                c01 = W.MultiplyAdd(t, b1, c01);
                t = W.Broadcast(a1[k]);
                c10 = W.MultiplyAdd(t, b0, c10);
                c11 = W.MultiplyAdd(t, b1, c11);
                t = W.Broadcast(a2[k]);
                c20 = W.MultiplyAdd(t, b0, c20);
                c21 = W.MultiplyAdd(t, b1, c21);
                t = W.Broadcast(a3[k]);
                c30 = W.MultiplyAdd(t, b0, c30);
                c31 = W.MultiplyAdd(t, b1, c31);
            }

            a += s.RowBlockStride;
            b += s.LaneBlockStride;
        }

        Put2<W, V>(c, c00, c01);
        Put2<W, V>(c + ldc, c10, c11);
        Put2<W, V>(c + (2 * ldc), c20, c21);
        Put2<W, V>(c + (3 * ldc), c30, c31);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Tile1x2<W, V>(float* c, nint ldc, float* a, in Operand s, float* b, bool accumulate)
        where W : struct, ILanes<V> where V : struct
    {
        nint step = s.ColumnStride, end = s.Depth * s.ColumnStride, ldb = s.LaneStride, row = s.RowStride;
        V zero = W.Broadcast(0f), c00 = zero, c01 = zero;
        if (accumulate)
        {
            c00 = W.Load(c);
            c01 = W.Load(c + W.Count);
        }

        for (int block = s.Blocks; block > 0; block--)
        {
            float* a0 = a;
            float* line = b;
            for (nint k = 0; k != end; k += step, line += ldb)
            {
                V b0 = W.Load(line), b1 = W.Load(line + W.Count);
                V t = W.Broadcast(a0[k]);
                c00 = W.MultiplyAdd(t, b0, c00);
                c01 = W.MultiplyAdd(t, b1, c01);
            }

            a += s.RowBlockStride;
            b += s.LaneBlockStride;
        }

        Put2<W, V>(c, c00, c01);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Tile8x1<W, V>(float* c, nint ldc, float* a, in Operand s, float* b, bool accumulate)
        where W : struct, ILanes<V> where V : struct
    {
        nint step = s.ColumnStride, end = s.Depth * s.ColumnStride, ldb = s.LaneStride, row = s.RowStride;
        V zero = W.Broadcast(0f), c00 = zero, c10 = zero, c20 = zero, c30 = zero, c40 = zero, c50 = zero, c60 = zero, c70 = zero;
        if (accumulate)
        {
            c00 = W.Load(c);
            c10 = W.Load(c + ldc);
            c20 = W.Load(c + (2 * ldc));
            c30 = W.Load(c + (3 * ldc));
            c40 = W.Load(c + (4 * ldc));
            c50 = W.Load(c + (5 * ldc));
            c60 = W.Load(c + (6 * ldc));
            c70 = W.Load(c + (7 * ldc));
        }

        for (int block = s.Blocks; block > 0; block--)
        {
            float* a0 = a, a1 = a0 + row, a2 = a1 + row, a3 = a2 + row, a4 = a3 + row, a5 = a4 + row, a6 = a5 + row, a7 = a6 + row;
            float* line = b;
            for (nint k = 0; k != end; k += step, line += ldb)
            {
                V b0 = W.Load(line);
                V t = W.Broadcast(a0[k]);
                c00 = W.MultiplyAdd(t, b0, c00);
                t = W.Broadcast(a1[k]);
                c10 = W.MultiplyAdd(t, b0, c10);
                t = W.Broadcast(a2[k]);
                c20 = W.MultiplyAdd(t, b0, c20);
                t = W.Broadcast(a3[k]);
                c30 = W.MultiplyAdd(t, b0, c30);
                t = W.Broadcast(a4[k]);
                c40 = W.MultiplyAdd(t, b0, c40);
                t = W.Broadcast(a5[k]);
                c50 = W.MultiplyAdd(t, b0, c50);
                t = W.Broadcast(a6[k]);
                c60 = W.MultiplyAdd(t, b0, c60);
                t = W.Broadcast(a7[k]);
                c70 = W.MultiplyAdd(t, b0, c70);
            }

            a += s.RowBlockStride;
            b += s.LaneBlockStride;
        }

        W.Store(c, c00);
        W.Store(c + ldc, c10);
        W.Store(c + (2 * ldc), c20);
        W.Store(c + (3 * ldc), c30);
        W.Store(c + (4 * ldc), c40);
        W.Store(c + (5 * ldc), c50);
        W.Store(c + (6 * ldc), c60);
        W.Store(c + (7 * ldc), c70);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static void Tile1x1<W, V>(float* c, nint ldc, float* a, in Operand s, float* b, bool accumulate)
        where W : struct, ILanes<V> where V : struct
    {
        nint step = s.ColumnStride, end = s.Depth * s.ColumnStride, ldb = s.LaneStride, row = s.RowStride;
        V zero = W.Broadcast(0f), c00 = zero;
        if (accumulate)
        {
            c00 = W.Load(c);
        }

        for (int block = s.Blocks; block > 0; block--)
        {
            float* a0 = a;
            float* line = b;
            for (nint k = 0; k != end; k += step, line += ldb)
            {
                V b0 = W.Load(line);
                V t = W.Broadcast(a0[k]);
                c00 = W.MultiplyAdd(t, b0, c00);
            }

            a += s.RowBlockStride;
            b += s.LaneBlockStride;
        }

        W.Store(c, c00);
    }
}
