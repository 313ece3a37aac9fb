using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static Retort.Kernels.MatMulTile;

namespace Retort.Kernels;

// Shapes: N outputs and K inputs of a linear layer; activations lie in token blocks of L = 32 tokens, [blocks, channels, L],
// so that one vector holds one channel of neighbouring tokens and a block is at once the packed panel the product wants.

/// <summary>
/// The three products of a linear layer y = W·x on token blocks, for one thread; callers deal blocks, rows or columns out to threads.
/// Nothing is packed but the input of <see cref="BackwardWeight"/>, which <see cref="Panels"/> turns 32 × 32 at a time.
/// </summary>
public static unsafe class MatMul
{
    /// <summary>Tokens in one block.</summary>
    public const int L = 32;

    /// <summary>Steps of depth in one pass: that many rows of a token block, 48 KiB, stay in the nearest caches beside a tile of weights.</summary>
    internal const int DepthPass = 384;

    /// <summary>Rows of the weights of one pass: with their depth, 96 KiB that stay in the second-level cache while several token blocks pass.</summary>
    internal const int RowPass = 64;

    /// <summary>Columns of the weights of one pass of <see cref="BackwardInput"/>, 192 KiB with their depth.</summary>
    internal const int ColumnPass = 128;

    /// <summary>Floats of a memory page. Where a row of weights fills one, reading down a column touches a new page at every step.</summary>
    const int PageFloats = 1024;

    /// <summary>Token blocks of one sum of <see cref="BackwardWeight"/> unless the caller says: a panel of 128 KiB.</summary>
    public const int SumBlocks = 32;

    /// <summary>Rows of one such sum: a multiple of every tile's, in the first-level cache.</summary>
    const int SumRows = 24;

    /// <summary>The same of thin inputs, 12 KiB.</summary>
    const int ThinRows = 96;

    /// <summary>Floats of the panels <see cref="Panels"/> makes of K channels.</summary>
    public static int PanelLength(int k, int blocks) => (k + L - 1) / L * L * blocks * L;

    /// <summary>y[b, n, l] (+)= Σₖ w[n, k] · x[b, k, l].</summary>
    /// <param name="y_BNL">Output, [blocks, N, L].</param>
    /// <param name="w_NK">Weights, row-major.</param>
    /// <param name="x_BKL">Input, [blocks, K, L].</param>
    public static void Forward(Span<float> y_BNL, ReadOnlySpan<float> w_NK, ReadOnlySpan<float> x_BKL, int n, int k, int blocks, bool accumulate = false)
    {
        Shape.Holds("MatMul.Forward", "y", y_BNL.Length, (long)blocks * n * L);
        Shape.Holds("MatMul.Forward", "w", w_NK.Length, (long)n * k);
        Shape.Holds("MatMul.Forward", "x", x_BKL.Length, (long)blocks * k * L);
        fixed (float* y = y_BNL, w = w_NK, x = x_BKL)
        {
            for (int depth = 0; depth == 0 || depth < k; depth += DepthPass)
            {
                Operand s = new(RowStride: k, ColumnStride: 1, 0, LaneStride: L, 0, 1, Math.Min(DepthPass, k - depth));
                for (int row = 0; row < n; row += RowPass)
                {
                    for (int b = 0; b < blocks; b++)
                    {
                        float* to = y + ((((nint)b * n) + row) * L), from = x + ((((nint)b * k) + depth) * L);
                        Multiply(to, L, w + ((nint)row * k) + depth, s, from, Math.Min(RowPass, n - row), L, accumulate || depth > 0);
                    }
                }
            }
        }
    }

    /// <summary>dx[b, k, l] (+)= Σₙ w[n, k] · dy[b, n, l].</summary>
    /// <param name="dx_BKL">Output, [blocks, K, L].</param>
    /// <param name="w_NK">Weights, row-major.</param>
    /// <param name="dy_BNL">Gradient of the output, [blocks, N, L].</param>
    [SkipLocalsInit]
    public static void BackwardInput(Span<float> dx_BKL, ReadOnlySpan<float> w_NK, ReadOnlySpan<float> dy_BNL, int n, int k, int blocks, bool accumulate = false)
    {
        Shape.Holds("MatMul.BackwardInput", "dx", dx_BKL.Length, (long)blocks * k * L);
        Shape.Holds("MatMul.BackwardInput", "w", w_NK.Length, (long)n * k);
        Shape.Holds("MatMul.BackwardInput", "dy", dy_BNL.Length, (long)blocks * n * L);
        fixed (float* dx = dx_BKL, w = w_NK, dy = dy_BNL)
        {
            bool copied = k >= PageFloats;
            float* copy = stackalloc float[copied ? DepthPass * ColumnPass : 1];
            for (int depth = 0; depth == 0 || depth < n; depth += DepthPass)
            {
                int count = Math.Min(DepthPass, n - depth);
                for (int column = 0; column < k; column += ColumnPass)
                {
                    int columns = Math.Min(ColumnPass, k - column);
                    float* part = w + ((nint)depth * k) + column;
                    for (int row = 0; copied && row < count; row++)
                    {
                        Unsafe.CopyBlockUnaligned(copy + (row * ColumnPass), part + ((nint)row * k), (uint)columns * sizeof(float));
                    }

                    Operand s = new(RowStride: 1, ColumnStride: copied ? ColumnPass : k, 0, LaneStride: L, 0, 1, count);
                    for (int b = 0; b < blocks; b++)
                    {
                        float* to = dx + ((((nint)b * k) + column) * L), from = dy + ((((nint)b * n) + depth) * L);
                        Multiply(to, L, copied ? copy : part, s, from, columns, L, accumulate || depth > 0);
                    }
                }
            }
        }
    }

    /// <summary>Turns one token block into its place in the panels <see cref="BackwardWeight"/> reads: xt[panel, block, token, channel], 32
    /// channels a panel, the last one filled up with zeros.</summary>
    /// <param name="xt">Output, <see cref="PanelLength"/> floats for all blocks.</param>
    /// <param name="x_KL">One block.</param>
    public static void Panels(Span<float> xt, ReadOnlySpan<float> x_KL, int k, int blocks, int block)
    {
        Shape.Holds("MatMul.Panels", "xt", xt.Length, PanelLength(k, blocks));
        Shape.Holds("MatMul.Panels", "x", x_KL.Length, (long)k * L);
        Shape.Within("MatMul.Panels", "block", block, blocks);
        fixed (float* to = xt, x = x_KL)
        {
            for (int column = 0; column < k; column += L)
            {
                Transpose(to + ((((nint)column / L * blocks) + block) * L * L), L, x + ((nint)column * L), L, Math.Min(L, k - column), L);
            }
        }
    }

    /// <summary>dw[n, k] += Σ over blocks and tokens of dy[b, n, l] · x[b, k, l], for rows <paramref name="from"/> to <paramref name="to"/>. Sums of
    /// some blocks each start at zero and are added in turn: where they end with the sequences, the same bits come of any batch that holds
    /// the same sequences in the same order.</summary>
    /// <param name="dw_NK">Gradient of the weights, row-major; accumulates.</param>
    /// <param name="dy_BNL">Gradient of the output.</param>
    /// <param name="xt">The input as <see cref="Panels"/> of all blocks.</param>
    /// <param name="sums">Token blocks of each sum, together <paramref name="blocks"/>; empty takes <see cref="SumBlocks"/> at a time.</param>
    public static void BackwardWeight(Span<float> dw_NK, ReadOnlySpan<float> dy_BNL, ReadOnlySpan<float> xt, int n, int k, int blocks, int from, int to, ReadOnlySpan<int> sums = default)
    {
        Shape.Holds("MatMul.BackwardWeight", "dw", dw_NK.Length, (long)n * k);
        Shape.Holds("MatMul.BackwardWeight", "dy", dy_BNL.Length, (long)blocks * n * L);
        Shape.Holds("MatMul.BackwardWeight", "xt", xt.Length, PanelLength(k, blocks));
        Shape.Range("MatMul.BackwardWeight", from, to, n);
        float* sum = stackalloc float[(k <= L ? ThinRows : SumRows) * L];
        fixed (float* dw = dw_NK, dy = dy_BNL, x = xt)
        {
            if (k is > 0 and <= L)
            {
                BackwardThin(dw, dy, x, sum, n, k, blocks, from, to, sums);
                return;
            }

            for (int first = 0, part = 0, count; first < blocks; first += count)
            {
                count = Math.Min(part < sums.Length ? sums[part++] : SumBlocks, blocks - first);
                Operand s = new(RowStride: L, ColumnStride: 1, RowBlockStride: (nint)n * L, LaneStride: L, LaneBlockStride: L * L, count, L);
                for (int column = 0; column < k; column += L)
                {
                    float* panel = x + ((((nint)column / L * blocks) + first) * L * L);
                    for (int row = from; row < to; row += SumRows)
                    {
                        int rows = Math.Min(SumRows, to - row);
                        Multiply(sum, L, dy + ((((nint)first * n) + row) * L), s, panel, rows, L, accumulate: false);
                        Add(dw + ((nint)row * k) + column, k, sum, rows, Math.Min(L, k - column));
                    }
                }
            }
        }
    }

    /// <summary><see cref="BackwardWeight"/> of one panel or less. dy is read once, so it is read as it lies, block by block; each element is still
    /// one sum over the tokens in order.</summary>
    static void BackwardThin(float* dw, float* dy, float* panel, float* sum, int n, int k, int blocks, int from, int to, ReadOnlySpan<int> sums)
    {
        Operand s = new(RowStride: L, ColumnStride: 1, 0, LaneStride: L, 0, 1, L);
        int lanes = k <= L / 2 ? L / 2 : L;
        for (int first = 0, part = 0, count; first < blocks; first += count)
        {
            count = Math.Min(part < sums.Length ? sums[part++] : SumBlocks, blocks - first);
            for (int row = from; row < to; row += ThinRows)
            {
                int rows = Math.Min(ThinRows, to - row);
                for (int b = first; b < first + count; b++)
                {
                    Multiply(sum, L, dy + ((((nint)b * n) + row) * L), s, panel + ((nint)b * L * L), rows, lanes, accumulate: b > first);
                }

                Add(dw + ((nint)row * k), k, sum, rows, k);
            }
        }
    }

    /// <summary>c[rows × lanes] += x, whose rows are L apart.</summary>
    static void Add(float* c, nint ldc, float* x, int rows, int lanes)
    {
        switch (Lanes.Path)
        {
            case VectorPath.Vector512: Add<Lanes512, Vector512<float>>(c, ldc, x, rows, lanes); break;
            case VectorPath.Vector256: Add<Lanes256, Vector256<float>>(c, ldc, x, rows, lanes); break;
            case VectorPath.Vector128: Add<Lanes128, Vector128<float>>(c, ldc, x, rows, lanes); break;
            default: Add<Lanes1, float>(c, ldc, x, rows, lanes); break;
        }
    }

    static void Add<W, V>(float* c, nint ldc, float* x, int rows, int lanes) where W : struct, ILanes<V> where V : struct
    {
        for (int row = 0; row < rows; row++, c += ldc, x += L)
        {
            int lane = 0;
            for (; lane + W.Count <= lanes; lane += W.Count)
            {
                W.Store(c + lane, W.Add(W.Load(c + lane), W.Load(x + lane)));
            }

            for (; lane < lanes; lane++)
            {
                c[lane] += x[lane];
            }
        }
    }

    /// <summary>One product of a tile row on the path in use. Panels narrower than a vector are padded by the caller to 8 lanes.</summary>
    internal static void Multiply(float* c, nint ldc, float* a, in Operand s, float* b, int rows, int lanes, bool accumulate)
    {
        switch (Lanes.Path)
        {
            case VectorPath.Vector512 when lanes % 16 == 0: Product<Lanes512, Vector512<float>>(c, ldc, a, s, b, rows, lanes, accumulate); break;
            case VectorPath.Vector512 or VectorPath.Vector256: Product<Lanes256, Vector256<float>>(c, ldc, a, s, b, rows, lanes, accumulate); break;
            case VectorPath.Vector128: Product<Lanes128, Vector128<float>>(c, ldc, a, s, b, rows, lanes, accumulate); break;
            default: Product<Lanes1, float>(c, ldc, a, s, b, rows, lanes, accumulate); break;
        }
    }

    /// <summary>to[j, i] = from[i, j] for <paramref name="rows"/> × <paramref name="columns"/> (at most 32 × 32); the rest of <paramref name="to"/>'s
    /// 32 lanes is set to 0. <paramref name="columns"/> is a multiple of 16 when wide vectors are in use.</summary>
    internal static void Transpose(float* to, nint ldTo, float* from, nint ldFrom, int rows, int columns)
    {
        if (Lanes.Path == VectorPath.Vector512 && rows == 32 && columns == 32)
        {
            for (int i = 0; i < 32; i += 16)
            {
                for (int j = 0; j < 32; j += 16)
                {
                    Transpose16(to + (j * ldTo) + i, ldTo, from + (i * ldFrom) + j, ldFrom);
                }
            }

            return;
        }

        for (int j = 0; j < columns; j++)
        {
            float* line = to + (j * ldTo);
            for (int i = 0; i < rows; i++)
            {
                line[i] = from[(i * ldFrom) + j];
            }

            for (int i = rows; i < L; i++)
            {
                line[i] = 0f;
            }
        }
    }

    /// <summary>16 × 16 in registers: eight two-source permutes a stage, four stages, pairs of rows 8, 4, 2 and 1 apart.</summary>
    static void Transpose16(float* to, nint ldTo, float* from, nint ldFrom)
    {
        Vector512<int> low = Vector512.Create(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        Vector512<int> high = Vector512.Create(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        Vector512<float> a0 = Vector512.Load(from), a1 = Vector512.Load(from + ldFrom), a2 = Vector512.Load(from + (2 * ldFrom)), a3 = Vector512.Load(from + (3 * ldFrom));
        Vector512<float> a4 = Vector512.Load(from + (4 * ldFrom)), a5 = Vector512.Load(from + (5 * ldFrom)), a6 = Vector512.Load(from + (6 * ldFrom)), a7 = Vector512.Load(from + (7 * ldFrom));
        Vector512<float> a8 = Vector512.Load(from + (8 * ldFrom)), a9 = Vector512.Load(from + (9 * ldFrom)), aa = Vector512.Load(from + (10 * ldFrom)), ab = Vector512.Load(from + (11 * ldFrom));
        Vector512<float> ac = Vector512.Load(from + (12 * ldFrom)), ad = Vector512.Load(from + (13 * ldFrom)), ae = Vector512.Load(from + (14 * ldFrom)), af = Vector512.Load(from + (15 * ldFrom));
        for (int stage = 0; stage < 4; stage++)
        {
            // Interleaving row i with row i + 8 rotates the index bits of (row, lane) by one; four rotations of eight bits exchange them.
            Vector512<float> b0 = Permute(a0, low, a8), b1 = Permute(a0, high, a8), b2 = Permute(a1, low, a9), b3 = Permute(a1, high, a9);
            Vector512<float> b4 = Permute(a2, low, aa), b5 = Permute(a2, high, aa), b6 = Permute(a3, low, ab), b7 = Permute(a3, high, ab);
            Vector512<float> b8 = Permute(a4, low, ac), b9 = Permute(a4, high, ac), ba = Permute(a5, low, ad), bb = Permute(a5, high, ad);
            Vector512<float> bc = Permute(a6, low, ae), bd = Permute(a6, high, ae), be = Permute(a7, low, af), bf = Permute(a7, high, af);
            (a0, a1, a2, a3, a4, a5, a6, a7) = (b0, b1, b2, b3, b4, b5, b6, b7);
            (a8, a9, aa, ab, ac, ad, ae, af) = (b8, b9, ba, bb, bc, bd, be, bf);
        }

        a0.Store(to); a1.Store(to + ldTo); a2.Store(to + (2 * ldTo)); a3.Store(to + (3 * ldTo));
        a4.Store(to + (4 * ldTo)); a5.Store(to + (5 * ldTo)); a6.Store(to + (6 * ldTo)); a7.Store(to + (7 * ldTo));
        a8.Store(to + (8 * ldTo)); a9.Store(to + (9 * ldTo)); aa.Store(to + (10 * ldTo)); ab.Store(to + (11 * ldTo));
        ac.Store(to + (12 * ldTo)); ad.Store(to + (13 * ldTo)); ae.Store(to + (14 * ldTo)); af.Store(to + (15 * ldTo));
    }

    static Vector512<float> Permute(Vector512<float> a, Vector512<int> pick, Vector512<float> b) =>
        System.Runtime.Intrinsics.X86.Avx512F.PermuteVar16x32x2(a, pick, b);
}
