using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Retort.Kernels;

// Shapes: heads of D channels, L = 32. One sequence: q_HD, o_HD and keys and values in token blocks, [B, key-value heads, D, 32 positions].
// 32 sequences: lane l of every vector belongs to sequence l; q_HDL, o_HDL and of one key-value head k_TDL, v_TDL = [T slots, D, 32 sequences].

/// <summary>
/// Attention of the newest token to all before it and itself, o = softmax(q·kᵀ/√D)·v, its keys and values lying in a cache. For one
/// sequence lanes are positions, for 32 sequences decoded together lanes are sequences and everything is elementwise.
/// </summary>
public static unsafe class CachedAttention
{
    const int L = MatMul.L;
    const float Never = -1e30f;

    /// <summary>Floats of scratch <see cref="ForwardVector"/> needs.</summary>
    public static int VectorScratch(int positions) => (positions + L - 1) / L * L;

    /// <summary>Floats of scratch <see cref="ForwardLanes"/> needs.</summary>
    public static int LanesScratch(int span) => checked((span + 2) * L);

    /// <summary>One head of one sequence.</summary>
    /// <param name="o_HD">Output, all heads; this head's part is written.</param>
    /// <param name="positions">Keys that are attended to, the newest token's own among them; what lies behind them must be finite.</param>
    /// <param name="head">Which query head; its keys and values are those of head / (heads / keyHeads).</param>
    public static void ForwardVector(
        Span<float> o_HD, ReadOnlySpan<float> q_HD, ReadOnlySpan<float> k_BGDL, ReadOnlySpan<float> v_BGDL, int positions, int heads, int keyHeads, int size, int head, Span<float> scratch)
    {
        int blocks = (positions + L - 1) / L;
        Shape.Holds("CachedAttention.ForwardVector", "o", o_HD.Length, (long)heads * size);
        Shape.Holds("CachedAttention.ForwardVector", "q", q_HD.Length, (long)heads * size);
        Shape.Holds("CachedAttention.ForwardVector", "k", k_BGDL.Length, (long)blocks * keyHeads * size * L);
        Shape.Holds("CachedAttention.ForwardVector", "v", v_BGDL.Length, (long)blocks * keyHeads * size * L);
        Shape.Holds("CachedAttention.ForwardVector", "scratch", scratch.Length, blocks * L);
        fixed (float* o = o_HD, q = q_HD, k = k_BGDL, v = v_BGDL, s = scratch)
        {
            nint at = (nint)head * size, stride = (nint)keyHeads * size * L, keyAt = (nint)(head / (heads / keyHeads)) * size * L;
            switch (Lanes.Path)
            {
                case VectorPath.Vector512: OneHead<Lanes512, Vector512<float>>(o + at, q + at, k + keyAt, v + keyAt, s, stride, positions, size); break;
                case VectorPath.Vector256: OneHead<Lanes256, Vector256<float>>(o + at, q + at, k + keyAt, v + keyAt, s, stride, positions, size); break;
                case VectorPath.Vector128: OneHead<Lanes128, Vector128<float>>(o + at, q + at, k + keyAt, v + keyAt, s, stride, positions, size); break;
                default: OneHead<Lanes1, float>(o + at, q + at, k + keyAt, v + keyAt, s, stride, positions, size); break;
            }
        }
    }

    /// <summary>
    /// The query heads of one key-value head of 32 sequences. The cache is a ring: the newest keys lie in slot <paramref name="newest"/>, older
    /// ones before it. A lane attends to its own last lengths[l] slots; a lane's result is the same bits whatever the other lanes hold.
    /// </summary>
    /// <param name="o_HDL">Output of these query heads.</param>
    /// <param name="q_HDL">Queries of these heads.</param>
    /// <param name="k_TDL">Keys of the head, [slots, D, 32]; finite everywhere.</param>
    /// <param name="lengths_L">Keys each lane attends to, whole numbers in 1..<paramref name="span"/>.</param>
    /// <param name="slots">T.</param>
    /// <param name="span">The largest of the lengths.</param>
    /// <param name="heads">How many query heads share the keys.</param>
    public static void ForwardLanes(
        Span<float> o_HDL, ReadOnlySpan<float> q_HDL, ReadOnlySpan<float> k_TDL, ReadOnlySpan<float> v_TDL, ReadOnlySpan<float> lengths_L,
        int slots, int newest, int span, int heads, int size, Span<float> scratch)
    {
        Shape.Holds("CachedAttention.ForwardLanes", "o", o_HDL.Length, (long)heads * size * L);
        Shape.Holds("CachedAttention.ForwardLanes", "q", q_HDL.Length, (long)heads * size * L);
        Shape.Holds("CachedAttention.ForwardLanes", "k", k_TDL.Length, (long)slots * size * L);
        Shape.Holds("CachedAttention.ForwardLanes", "v", v_TDL.Length, (long)slots * size * L);
        Shape.Holds("CachedAttention.ForwardLanes", "lengths", lengths_L.Length, L);
        Shape.Holds("CachedAttention.ForwardLanes", "scratch", scratch.Length, LanesScratch(span));
        fixed (float* o = o_HDL, q = q_HDL, k = k_TDL, v = v_TDL, n = lengths_L, s = scratch)
        {
            Ring ring = new((newest - span + 1 + slots) % slots, slots, span, (nint)size * L);
            for (int h = 0; h < heads; h++)
            {
                nint at = (nint)h * size * L;
                switch (Lanes.Path)
                {
                    case VectorPath.Vector512: OneHead<Lanes512, Vector512<float>>(o + at, q + at, k, v, n, s, ring, size); break;
                    case VectorPath.Vector256: OneHead<Lanes256, Vector256<float>>(o + at, q + at, k, v, n, s, ring, size); break;
                    case VectorPath.Vector128: OneHead<Lanes128, Vector128<float>>(o + at, q + at, k, v, n, s, ring, size); break;
                    default: OneHead<Lanes1, float>(o + at, q + at, k, v, n, s, ring, size); break;
                }
            }
        }
    }

    /// <summary>How a ring is walked from its oldest slot in use to its newest.</summary>
    internal readonly record struct Ring(int First, int Slots, int Span, nint Stride);

    internal static void OneHead<W, V>(float* o, float* q, float* k, float* v, float* s, nint stride, int positions, int size) where W : struct, ILanes<V> where V : struct
    {
        int blocks = (positions + L - 1) / L, padded = blocks * L;
        V scale = W.Broadcast(1f / MathF.Sqrt(size));
        for (int b = 0; b < blocks; b++)
        {
            for (int l = 0; l < L; l += 2 * W.Count)
            {
                float* at = k + (b * stride) + l;
                V s0 = W.Broadcast(0f), s1 = s0;
                for (int d = 0; d < size; d++)
                {
                    V x = W.Broadcast(q[d]);
                    s0 = W.MultiplyAdd(x, W.Load(at + (d * L)), s0);
                    s1 = W.MultiplyAdd(x, W.Load(at + (d * L) + W.Count), s1);
                }

                W.Store(s + (b * L) + l, W.Multiply(s0, scale));
                W.Store(s + (b * L) + l + W.Count, W.Multiply(s1, scale));
            }
        }

        new Span<float>(s + positions, padded - positions).Fill(Never);
        float sum = Softmax.Exponentials<W, V>(s, padded, Softmax.Max<W, V>(s, padded), 1f), inverse = 1f / sum;
        int c = 0;
        for (; c + 4 <= size; c += 4)
        {
            V a0 = W.Broadcast(0f), a1 = a0, a2 = a0, a3 = a0;
            for (int b = 0; b < blocks; b++)
            {
                float* at = v + (b * stride) + (c * L);
                for (int l = 0; l < L; l += W.Count)
                {
                    V p = W.Load(s + (b * L) + l);
                    a0 = W.MultiplyAdd(p, W.Load(at + l), a0);
                    a1 = W.MultiplyAdd(p, W.Load(at + L + l), a1);
                    a2 = W.MultiplyAdd(p, W.Load(at + (2 * L) + l), a2);
                    a3 = W.MultiplyAdd(p, W.Load(at + (3 * L) + l), a3);
                }
            }

            o[c] = W.Sum(a0) * inverse;
            o[c + 1] = W.Sum(a1) * inverse;
            o[c + 2] = W.Sum(a2) * inverse;
            o[c + 3] = W.Sum(a3) * inverse;
        }

        for (; c < size; c++)
        {
            V a = W.Broadcast(0f);
            for (int b = 0; b < blocks; b++)
            {
                for (int l = 0; l < L; l += W.Count)
                {
                    a = W.MultiplyAdd(W.Load(s + (b * L) + l), W.Load(v + (b * stride) + (c * L) + l), a);
                }
            }

            o[c] = W.Sum(a) * inverse;
        }
    }

    internal static void OneHead<W, V>(float* o, float* q, float* k, float* v, float* lengths, float* s, in Ring ring, int size) where W : struct, ILanes<V> where V : struct
    {
        float* inverse = s + ((nint)ring.Span * L);
        V scale = W.Broadcast(1f / MathF.Sqrt(size)), one = W.Broadcast(1f);
        for (int l = 0; l < L; l += 2 * W.Count)
        {
            V n0 = W.Load(lengths + l), n1 = W.Load(lengths + l + W.Count), m0 = W.Broadcast(Never), m1 = m0;
            int slot = ring.First;
            float* line = s + l;
            for (int t = 0; t < ring.Span; t++, line += L)
            {
                float* at = k + (slot * ring.Stride) + l;
                V s0 = W.Broadcast(0f), s1 = s0;
                for (int d = 0; d < size; d++)
                {
                    s0 = W.MultiplyAdd(W.Load(q + (d * L) + l), W.Load(at + (d * L)), s0);
                    s1 = W.MultiplyAdd(W.Load(q + (d * L) + l + W.Count), W.Load(at + (d * L) + W.Count), s1);
                }

                V age = W.Broadcast(ring.Span - t);
                s0 = Mask<W, V>(W.Multiply(s0, scale), n0, age);
                s1 = Mask<W, V>(W.Multiply(s1, scale), n1, age);
                m0 = W.Max(m0, s0);
                m1 = W.Max(m1, s1);
                W.Store(line, s0);
                W.Store(line + W.Count, s1);
                slot = slot + 1 == ring.Slots ? 0 : slot + 1;
            }

            V sum0 = W.Broadcast(0f), sum1 = sum0;
            line = s + l;
            for (int t = 0; t < ring.Span; t++, line += L)
            {
                V e0 = Lanes.Exp<W, V>(W.Subtract(W.Load(line), m0)), e1 = Lanes.Exp<W, V>(W.Subtract(W.Load(line + W.Count), m1));
                sum0 = W.Add(sum0, e0);
                sum1 = W.Add(sum1, e1);
                W.Store(line, e0);
                W.Store(line + W.Count, e1);
            }

            W.Store(inverse + l, W.Divide(one, sum0));
            W.Store(inverse + l + W.Count, W.Divide(one, sum1));
            int c = 0;
            for (; c + 4 <= size; c += 4)
            {
                Weighted4<W, V>(o + (c * L) + l, v + (c * L) + l, s + l, inverse + l, ring);
            }

            for (; c < size; c++)
            {
                Weighted1<W, V>(o + (c * L) + l, v + (c * L) + l, s + l, inverse + l, ring);
            }
        }
    }

    /// <summary>x where the lane's length reaches back this far, else a score whose exponential is 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static V Mask<W, V>(V x, V length, V age) where W : struct, ILanes<V> where V : struct =>
        W.Add(W.WhereNotLess(length, age, x), W.WhereNotLess(age, W.Add(length, W.Broadcast(1f)), W.Broadcast(Never)));

    /// <summary>Σ over slots of p · v for four channels of two vectors of lanes.</summary>
    static void Weighted4<W, V>(float* o, float* v, float* p, float* inverse, in Ring ring) where W : struct, ILanes<V> where V : struct
    {
        V a0 = W.Broadcast(0f), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
        int slot = ring.First;
        for (int t = 0; t < ring.Span; t++, p += L)
        {
            float* at = v + (slot * ring.Stride), beside = at + W.Count;
            V x = W.Load(p), y = W.Load(p + W.Count);
            a0 = W.MultiplyAdd(x, W.Load(at), a0);
            a1 = W.MultiplyAdd(x, W.Load(at + L), a1);
            a2 = W.MultiplyAdd(x, W.Load(at + (2 * L)), a2);
            a3 = W.MultiplyAdd(x, W.Load(at + (3 * L)), a3);
            b0 = W.MultiplyAdd(y, W.Load(beside), b0);
            b1 = W.MultiplyAdd(y, W.Load(beside + L), b1);
            b2 = W.MultiplyAdd(y, W.Load(beside + (2 * L)), b2);
            b3 = W.MultiplyAdd(y, W.Load(beside + (3 * L)), b3);
            slot = slot + 1 == ring.Slots ? 0 : slot + 1;
        }

        V i = W.Load(inverse), j = W.Load(inverse + W.Count);
        W.Store(o, W.Multiply(a0, i));
        W.Store(o + L, W.Multiply(a1, i));
        W.Store(o + (2 * L), W.Multiply(a2, i));
        W.Store(o + (3 * L), W.Multiply(a3, i));
        W.Store(o + W.Count, W.Multiply(b0, j));
        W.Store(o + L + W.Count, W.Multiply(b1, j));
        W.Store(o + (2 * L) + W.Count, W.Multiply(b2, j));
        W.Store(o + (3 * L) + W.Count, W.Multiply(b3, j));
    }

    static void Weighted1<W, V>(float* o, float* v, float* p, float* inverse, in Ring ring) where W : struct, ILanes<V> where V : struct
    {
        V a = W.Broadcast(0f), b = a;
        int slot = ring.First;
        for (int t = 0; t < ring.Span; t++, p += L)
        {
            a = W.MultiplyAdd(W.Load(p), W.Load(v + (slot * ring.Stride)), a);
            b = W.MultiplyAdd(W.Load(p + W.Count), W.Load(v + (slot * ring.Stride) + W.Count), b);
            slot = slot + 1 == ring.Slots ? 0 : slot + 1;
        }

        W.Store(o, W.Multiply(a, W.Load(inverse)));
        W.Store(o + W.Count, W.Multiply(b, W.Load(inverse + W.Count)));
    }
}
