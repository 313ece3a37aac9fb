using System.Runtime.CompilerServices;
using static Retort.Kernels.MatMulTile;

namespace Retort.Kernels;

/// <summary>
/// The products of <see cref="MatMul"/> that frozen weights need, on weights in a <see cref="NarrowFormat"/>. The weights of one pass are widened
/// into a tile just before it, which the token blocks of the call then share; sums run in the order of <see cref="MatMul"/>, so the bits are those
/// of the widened weights.
/// </summary>
public static unsafe class NarrowMatMul
{
    const int L = MatMul.L;

    /// <summary>y[b, n, l] (+)= Σₖ w[n, k] · x[b, k, l].</summary>
    /// <param name="y_BNL">Output, [blocks, N, L].</param>
    /// <param name="w_NK">Weights, row-major in the format; in Q8_0 K is a multiple of <see cref="NarrowRows.Block"/>.</param>
    /// <param name="x_BKL">Input, [blocks, K, L].</param>
    [SkipLocalsInit]
    public static void Forward(Span<float> y_BNL, ReadOnlySpan<ushort> w_NK, NarrowFormat format, ReadOnlySpan<float> x_BKL, int n, int k, int blocks, bool accumulate = false)
    {
        Shape.Holds("NarrowMatMul.Forward", "y", y_BNL.Length, (long)blocks * n * L);
        Shape.Holds("NarrowMatMul.Forward", "w", w_NK.Length, n * NarrowRows.Words(format, k));
        Shape.Holds("NarrowMatMul.Forward", "x", x_BKL.Length, (long)blocks * k * L);
        float* tile = stackalloc float[MatMul.RowPass * MatMul.DepthPass];
        nint words = (nint)NarrowRows.Words(format, k);
        fixed (float* y = y_BNL, x = x_BKL)
        fixed (ushort* w = w_NK)
        {
            for (int depth = 0; depth == 0 || depth < k; depth += MatMul.DepthPass)
            {
                int count = Math.Min(MatMul.DepthPass, k - depth);
                Operand s = new(RowStride: MatMul.DepthPass, ColumnStride: 1, 0, LaneStride: L, 0, 1, count);
                nint skipped = (nint)NarrowRows.Words(format, depth);
                for (int row = 0; row < n; row += MatMul.RowPass)
                {
                    int rows = Math.Min(MatMul.RowPass, n - row);
                    for (int r = 0; r < rows; r++)
                    {
                        NarrowRows.Widen(tile + (r * MatMul.DepthPass), w + ((row + r) * words) + skipped, count, format);
                    }

                    for (int b = 0; b < blocks; b++)
                    {
                        float* to = y + ((((nint)b * n) + row) * L), from = x + ((((nint)b * k) + depth) * L);
                        MatMul.Multiply(to, L, tile, s, from, rows, L, accumulate || depth > 0);
                    }
                }
            }
        }
    }

    /// <summary>dx[b, k, l] (+)= Σₙ w[n, k] · dy[b, n, l].</summary>
    /// <param name="dx_BKL">Output, [blocks, K, L].</param>
    /// <param name="w_NK">Weights, row-major in the format; in Q8_0 K is a multiple of <see cref="NarrowRows.Block"/>.</param>
    /// <param name="dy_BNL">Gradient of the output, [blocks, N, L].</param>
    [SkipLocalsInit]
    public static void BackwardInput(Span<float> dx_BKL, ReadOnlySpan<ushort> w_NK, NarrowFormat format, ReadOnlySpan<float> dy_BNL, int n, int k, int blocks, bool accumulate = false)
    {
        Shape.Holds("NarrowMatMul.BackwardInput", "dx", dx_BKL.Length, (long)blocks * k * L);
        Shape.Holds("NarrowMatMul.BackwardInput", "w", w_NK.Length, n * NarrowRows.Words(format, k));
        Shape.Holds("NarrowMatMul.BackwardInput", "dy", dy_BNL.Length, (long)blocks * n * L);
        float* tile = stackalloc float[MatMul.DepthPass * MatMul.ColumnPass];
        nint words = (nint)NarrowRows.Words(format, k);
        fixed (float* dx = dx_BKL, dy = dy_BNL)
        fixed (ushort* w = w_NK)
        {
            for (int depth = 0; depth == 0 || depth < n; depth += MatMul.DepthPass)
            {
                int count = Math.Min(MatMul.DepthPass, n - depth);
                Operand s = new(RowStride: 1, ColumnStride: MatMul.ColumnPass, 0, LaneStride: L, 0, 1, count);
                for (int column = 0; column < k; column += MatMul.ColumnPass)
                {
                    int columns = Math.Min(MatMul.ColumnPass, k - column);
                    ushort* part = w + (depth * words) + (nint)NarrowRows.Words(format, column);
                    for (int row = 0; row < count; row++)
                    {
                        NarrowRows.Widen(tile + (row * MatMul.ColumnPass), part + (row * words), columns, format);
                    }

                    for (int b = 0; b < blocks; b++)
                    {
                        float* to = dx + ((((nint)b * k) + column) * L), from = dy + ((((nint)b * n) + depth) * L);
                        MatMul.Multiply(to, L, tile, s, from, columns, L, accumulate || depth > 0);
                    }
                }
            }
        }
    }
}
