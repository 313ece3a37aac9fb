using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Retort.Kernels;

// Shapes: heads of D channels, L = 32: lane l of every vector belongs to sequence l; q_HDL, o_HDL and of one key-value head
// k_TDL, v_TDL = [T slots, D, 32 sequences].

/// <summary>
/// Attention of the newest token of each of 32 sequences to all before it and itself, o = softmax(q·kᵀ/√D)·v, keys and values lying in a cache.
/// Lanes are sequences, and everything is elementwise.
/// </summary>
public static unsafe class CachedAttention
{
    const int L = MatMul.L;
    const float Never = -1e30f;

    /// <summary>Floats of scratch <see cref="Forward"/> needs.</summary>
    public static int Scratch(int span) => checked((span + 2) * L);

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
    public static void Forward(
        Span<float> o_HDL, ReadOnlySpan<float> q_HDL, ReadOnlySpan<float> k_TDL, ReadOnlySpan<float> v_TDL, ReadOnlySpan<float> lengths_L,
        int slots, int newest, int span, int heads, int size, Span<float> scratch)
    {
        Shape.Holds("CachedAttention.Forward", "o", o_HDL.Length, (long)heads * size * L);
        Shape.Holds("CachedAttention.Forward", "q", q_HDL.Length, (long)heads * size * L);
        Shape.Holds("CachedAttention.Forward", "k", k_TDL.Length, (long)slots * size * L);
        Shape.Holds("CachedAttention.Forward", "v", v_TDL.Length, (long)slots * size * L);
        Shape.Holds("CachedAttention.Forward", "lengths", lengths_L.Length, L);
        Shape.Holds("CachedAttention.Forward", "scratch", scratch.Length, Scratch(span));
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
