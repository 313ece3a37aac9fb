using System.Runtime.Intrinsics;
using static Retort.Kernels.MatMulTile;

namespace Retort.Kernels;

// Shapes: one sequence of B token blocks of L = 32; q_BHDL = [B, heads, D, L], k_BGDL and v_BGDL = [B, key-value heads, D, L].
// Scores are held as s_KL = [keys, 32 queries]: lanes are queries, so softmax is vertical, and never more than 32 queries at a time.

/// <summary>
/// Causal grouped-query attention: o = softmax(q·kᵀ/√D)·v over keys not after the query. The backward pass recomputes the scores from
/// the kept log-sum-exp (Dao et al., arXiv 2205.14135), so memory is linear in the sequence. A sequence may hold several documents that do
/// not see each other; what lies outside a document is then not computed.
/// </summary>
public static unsafe class Attention
{
    const int L = MatMul.L;

    /// <summary>Floats of scratch <see cref="Forward"/> needs for a sequence of <paramref name="blocks"/> blocks.</summary>
    public static int ForwardScratch(int blocks) => blocks * L * L;

    /// <summary>Floats of scratch <see cref="Backward"/> needs.</summary>
    public static int BackwardScratch(int blocks, int size) => (2 * blocks * L * L) + (2 * blocks * L * Padded(size)) + (2 * L * Padded(size)) + L;

    /// <summary>One head of one sequence.</summary>
    /// <param name="o_BHDL">Output, the layout of q.</param>
    /// <param name="lse_BHL">Output: log Σ exp(score) of every query, [B, heads, L].</param>
    /// <param name="head">Which query head; its keys and values are those of head / (heads / keyHeads).</param>
    /// <param name="starts_T">First key each query may see: where its document begins in the sequence, never decreasing. Empty: all keys before it.</param>
    public static void Forward(
        Span<float> o_BHDL, Span<float> lse_BHL, ReadOnlySpan<float> q_BHDL, ReadOnlySpan<float> k_BGDL, ReadOnlySpan<float> v_BGDL,
        int blocks, int heads, int keyHeads, int size, int head, Span<float> scratch, ReadOnlySpan<int> starts_T = default)
    {
        Shape.Holds("Attention.Forward", "o", o_BHDL.Length, (long)blocks * heads * size * L);
        Shape.Holds("Attention.Forward", "q", q_BHDL.Length, (long)blocks * heads * size * L);
        Shape.Holds("Attention.Forward", "k", k_BGDL.Length, (long)blocks * keyHeads * size * L);
        Shape.Holds("Attention.Forward", "v", v_BGDL.Length, (long)blocks * keyHeads * size * L);
        Shape.Holds("Attention.Forward", "lse", lse_BHL.Length, (long)blocks * heads * L);
        Shape.Holds("Attention.Forward", "scratch", scratch.Length, ForwardScratch(blocks));
        Shape.Within("Attention.Forward", "head", head, heads);
        Shape.Holds("Attention.Forward", "starts", starts_T.Length, starts_T.IsEmpty ? 0 : blocks * L);
        fixed (float* o = o_BHDL, lse = lse_BHL, q = q_BHDL, k = k_BGDL, v = v_BGDL, s = scratch)
        {
            nint qBlock = (nint)heads * size * L, kBlock = (nint)keyHeads * size * L, qHead = (nint)head * size * L, kHead = (nint)(head / (heads / keyHeads)) * size * L;
            float scale = 1f / MathF.Sqrt(size);
            for (int block = 0; block < blocks; block++)
            {
                int first = FirstBlock(starts_T, block), keyBlocks = block + 1 - first;
                float* keys = k + kHead + (first * kBlock), values = v + kHead + (first * kBlock);
                Scores(s, keys, kBlock, q + (block * qBlock) + qHead, keyBlocks, size);
                MaskOthers(s, starts_T, block, first);
                float* sums = lse + ((((nint)block * heads) + head) * L);
                switch (Lanes.Path)
                {
                    case VectorPath.Vector512: Softmax<Lanes512, Vector512<float>>(s, sums, keyBlocks * L, scale); break;
                    case VectorPath.Vector256: Softmax<Lanes256, Vector256<float>>(s, sums, keyBlocks * L, scale); break;
                    case VectorPath.Vector128: Softmax<Lanes128, Vector128<float>>(s, sums, keyBlocks * L, scale); break;
                    default: Softmax<Lanes1, float>(s, sums, keyBlocks * L, scale); break;
                }

                // o[d, query] = Σ over keys of v[d, key] · p[key, query]
                Operand weighted = new(RowStride: L, ColumnStride: 1, RowBlockStride: kBlock, LaneStride: L, LaneBlockStride: L * L, keyBlocks, L);
                MatMul.Multiply(o + (block * qBlock) + qHead, L, values, weighted, s, size, L, accumulate: false);
            }
        }
    }

    /// <summary>All query heads of one key-value head of one sequence; gradients assign.</summary>
    /// <param name="dq_BHDL">Output.</param>
    /// <param name="dk_BGDL">Output.</param>
    /// <param name="dv_BGDL">Output.</param>
    /// <param name="do_BHDL">Gradient of the output.</param>
    /// <param name="o_BHDL">Output of the forward pass.</param>
    /// <param name="keyHead">Which key-value head.</param>
    /// <param name="starts_T">As in the forward pass.</param>
    public static void Backward(
        Span<float> dq_BHDL, Span<float> dk_BGDL, Span<float> dv_BGDL, ReadOnlySpan<float> do_BHDL, ReadOnlySpan<float> o_BHDL, ReadOnlySpan<float> lse_BHL,
        ReadOnlySpan<float> q_BHDL, ReadOnlySpan<float> k_BGDL, ReadOnlySpan<float> v_BGDL, int blocks, int heads, int keyHeads, int size, int keyHead, Span<float> scratch,
        ReadOnlySpan<int> starts_T = default)
    {
        Shape.Holds("Attention.Backward", "dq", dq_BHDL.Length, (long)blocks * heads * size * L);
        Shape.Holds("Attention.Backward", "dk", dk_BGDL.Length, (long)blocks * keyHeads * size * L);
        Shape.Holds("Attention.Backward", "dv", dv_BGDL.Length, (long)blocks * keyHeads * size * L);
        Shape.Holds("Attention.Backward", "do", do_BHDL.Length, (long)blocks * heads * size * L);
        Shape.Holds("Attention.Backward", "o", o_BHDL.Length, (long)blocks * heads * size * L);
        Shape.Holds("Attention.Backward", "lse", lse_BHL.Length, (long)blocks * heads * L);
        Shape.Holds("Attention.Backward", "q", q_BHDL.Length, (long)blocks * heads * size * L);
        Shape.Holds("Attention.Backward", "k", k_BGDL.Length, (long)blocks * keyHeads * size * L);
        Shape.Holds("Attention.Backward", "v", v_BGDL.Length, (long)blocks * keyHeads * size * L);
        Shape.Holds("Attention.Backward", "scratch", scratch.Length, BackwardScratch(blocks, size));
        Shape.Within("Attention.Backward", "keyHead", keyHead, keyHeads);
        Shape.Holds("Attention.Backward", "starts", starts_T.Length, starts_T.IsEmpty ? 0 : blocks * L);
        int padded = Padded(size), group = heads / keyHeads, tokens = blocks * L;
        float scale = 1f / MathF.Sqrt(size);
        fixed (float* dq = dq_BHDL, dk = dk_BGDL, dv = dv_BGDL, dout = do_BHDL, o = o_BHDL, lse = lse_BHL, q = q_BHDL, k = k_BGDL, v = v_BGDL, s = scratch)
        {
            float* p_KL = s, ds_KL = p_KL + ((nint)tokens * L), dk_TD = ds_KL + ((nint)tokens * L), dv_TD = dk_TD + ((nint)tokens * padded);
            float* q_LD = dv_TD + ((nint)tokens * padded), do_LD = q_LD + (L * padded), delta_L = do_LD + (L * padded);
            new Span<float>(dk_TD, 2 * tokens * padded).Clear();
            nint qBlock = (nint)heads * size * L, kBlock = (nint)keyHeads * size * L, kHead = (nint)keyHead * size * L;
            for (int head = keyHead * group; head < (keyHead + 1) * group; head++)
            {
                for (int block = 0; block < blocks; block++)
                {
                    nint at = (block * qBlock) + ((nint)head * size * L);
                    int first = FirstBlock(starts_T, block), keyBlocks = block + 1 - first, keys = keyBlocks * L;
                    nint from = (first * kBlock) + kHead, fromToken = (nint)first * L * padded;
                    Scores(p_KL, k + from, kBlock, q + at, keyBlocks, size);
                    Scores(ds_KL, v + from, kBlock, dout + at, keyBlocks, size);
                    MaskOthers(p_KL, starts_T, block, first);
                    float* sums = lse + ((((nint)block * heads) + head) * L);
                    switch (Lanes.Path)
                    {
                        case VectorPath.Vector512: ScoreGradient<Lanes512, Vector512<float>>(p_KL, ds_KL, delta_L, sums, dout + at, o + at, keys, size, scale); break;
                        case VectorPath.Vector256: ScoreGradient<Lanes256, Vector256<float>>(p_KL, ds_KL, delta_L, sums, dout + at, o + at, keys, size, scale); break;
                        case VectorPath.Vector128: ScoreGradient<Lanes128, Vector128<float>>(p_KL, ds_KL, delta_L, sums, dout + at, o + at, keys, size, scale); break;
                        default: ScoreGradient<Lanes1, float>(p_KL, ds_KL, delta_L, sums, dout + at, o + at, keys, size, scale); break;
                    }

                    // dq[d, query] = Σ over keys of k[d, key] · ds[key, query]
                    Operand toQuery = new(RowStride: L, ColumnStride: 1, RowBlockStride: kBlock, LaneStride: L, LaneBlockStride: L * L, keyBlocks, L);
                    MatMul.Multiply(dq + at, L, k + from, toQuery, ds_KL, size, L, accumulate: false);

                    // dk[key, d] += Σ over queries of ds[key, query] · q[query, d], and dv likewise from p and do.
                    Turn(q_LD, padded, q + at, size);
                    Turn(do_LD, padded, dout + at, size);
                    Operand toKey = new(RowStride: L, ColumnStride: 1, 0, LaneStride: padded, 0, 1, L);
                    MatMul.Multiply(dk_TD + fromToken, padded, ds_KL, toKey, q_LD, keys, padded, accumulate: true);
                    MatMul.Multiply(dv_TD + fromToken, padded, p_KL, toKey, do_LD, keys, padded, accumulate: true);
                }
            }

            for (int block = 0; block < blocks; block++)
            {
                TurnBack(dk + (block * kBlock) + kHead, dk_TD + ((nint)block * L * padded), padded, size);
                TurnBack(dv + (block * kBlock) + kHead, dv_TD + ((nint)block * L * padded), padded, size);
            }
        }
    }

    /// <summary>Head size rounded up to whole vectors: 8 lanes for small heads, else 16.</summary>
    static int Padded(int size) => size <= 8 ? 8 : (size + 15) / 16 * 16;

    /// <summary>s[key, query] = Σ over d of a[d, key] · b[d, query] for the keys of the first <paramref name="blocks"/> blocks.</summary>
    static void Scores(float* s, float* a, nint aBlock, float* b, int blocks, int size)
    {
        Operand dots = new(RowStride: 1, ColumnStride: L, 0, LaneStride: L, 0, 1, size);
        for (int block = 0; block < blocks; block++)
        {
            MatMul.Multiply(s + ((nint)block * L * L), L, a + (block * aBlock), dots, b, L, L, accumulate: false);
        }
    }

    /// <summary>First key block that a query of the block sees.</summary>
    static int FirstBlock(ReadOnlySpan<int> starts_T, int block) => starts_T.IsEmpty ? 0 : starts_T[block * L] / L;

    /// <summary>Hides the keys of other documents: as starts never decrease, what a key is hidden from is the end of its row of queries.</summary>
    static void MaskOthers(float* s_KL, ReadOnlySpan<int> starts_T, int block, int firstBlock)
    {
        if (starts_T.IsEmpty)
        {
            return;
        }

        ReadOnlySpan<int> starts_L = starts_T.Slice(block * L, L);
        int lane = 0;
        for (int key = firstBlock * L; key < starts_L[L - 1]; key++)
        {
            while (starts_L[lane] <= key)
            {
                lane++;
            }

            new Span<float>(s_KL + ((nint)(key - (firstBlock * L)) * L) + lane, L - lane).Fill(-1e30f);
        }
    }

    static void Turn(float* to_LD, int padded, float* from_DL, int size)
    {
        for (int l = 0; l < L; l++)
        {
            for (int d = 0; d < size; d++)
            {
                to_LD[(l * padded) + d] = from_DL[(d * L) + l];
            }

            for (int d = size; d < padded; d++)
            {
                to_LD[(l * padded) + d] = 0f;
            }
        }
    }

    static void TurnBack(float* to_DL, float* from_LD, int padded, int size)
    {
        for (int d = 0; d < size; d++)
        {
            for (int l = 0; l < L; l++)
            {
                to_DL[(d * L) + l] = from_LD[(l * padded) + d];
            }
        }
    }

    /// <summary>Scores become probabilities over keys not after the query; the diagonal block is the last one.</summary>
    internal static void Softmax<W, V>(float* s, float* lse, int keys, float scale) where W : struct, ILanes<V> where V : struct
    {
        Mask(s + ((nint)(keys - L) * L));
        V factor = W.Broadcast(scale);
        for (int l = 0; l < L; l += W.Count)
        {
            V max = W.Load(s + l);
            for (int key = 1; key < keys; key++)
            {
                max = W.Max(max, W.Load(s + ((nint)key * L) + l));
            }

            V shift = W.Multiply(max, W.Broadcast(-scale)), sum = W.Broadcast(0f);
            for (int key = 0; key < keys; key++)
            {
                float* at = s + ((nint)key * L) + l;
                V e = Lanes.Exp<W, V>(W.MultiplyAdd(W.Load(at), factor, shift));
                sum = W.Add(sum, e);
                W.Store(at, e);
            }

            V inverse = W.Divide(W.Broadcast(1f), sum);
            for (int key = 0; key < keys; key++)
            {
                float* at = s + ((nint)key * L) + l;
                W.Store(at, W.Multiply(W.Load(at), inverse));
            }

            W.Store(lse + l, W.Subtract(W.Log(sum), shift));
        }
    }

    /// <summary>p = exp(score·scale − lse); ds = p · (dp − Σ over d of do·o) · scale, in place of dp.</summary>
    internal static void ScoreGradient<W, V>(float* p, float* ds, float* delta, float* lse, float* dout, float* o, int keys, int size, float scale) where W : struct, ILanes<V> where V : struct
    {
        Mask(p + ((nint)(keys - L) * L));
        V factor = W.Broadcast(scale);
        for (int l = 0; l < L; l += W.Count)
        {
            V dot = W.Broadcast(0f), sum = W.Load(lse + l);
            for (int d = 0; d < size; d++)
            {
                dot = W.MultiplyAdd(W.Load(dout + (d * L) + l), W.Load(o + (d * L) + l), dot);
            }

            W.Store(delta + l, dot);
            for (int key = 0; key < keys; key++)
            {
                nint at = ((nint)key * L) + l;
                V prob = Lanes.Exp<W, V>(W.Subtract(W.Multiply(W.Load(p + at), factor), sum));
                W.Store(p + at, prob);
                W.Store(ds + at, W.Multiply(W.Multiply(prob, factor), W.Subtract(W.Load(ds + at), dot)));
            }
        }
    }

    static void Mask(float* diagonal_KL)
    {
        for (int key = 1; key < L; key++)
        {
            new Span<float>(diagonal_KL + (key * L), key).Fill(-1e30f);
        }
    }
}
