using System.Runtime.Intrinsics;

namespace Retort.Kernels;

/// <summary>The gated unit of Llama's feed-forward layer: y = g·σ(g)·u. Shazeer, arXiv 2002.05202. Elementwise on any layout.</summary>
public static unsafe class SwiGlu
{
    /// <summary>y[i] = g[i]·σ(g[i])·u[i].</summary>
    public static void Forward(Span<float> y, ReadOnlySpan<float> g, ReadOnlySpan<float> u)
    {
        int n = y.Length;
        Shape.Holds("SwiGlu.Forward", "g", g.Length, n);
        Shape.Holds("SwiGlu.Forward", "u", u.Length, n);
        fixed (float* py = y, pg = g, pu = u)
        {
            switch (Lanes.Path)
            {
                case VectorPath.Vector512: Forward<Lanes512, Vector512<float>>(py, pg, pu, n); break;
                case VectorPath.Vector256: Forward<Lanes256, Vector256<float>>(py, pg, pu, n); break;
                case VectorPath.Vector128: Forward<Lanes128, Vector128<float>>(py, pg, pu, n); break;
                default: Forward<Lanes1, float>(py, pg, pu, n); break;
            }
        }
    }

    /// <summary>Gradients of both inputs, and the output once more: with s = σ(g), y = g·s·u, du = dy·g·s, dg = dy·u·s·(1 + g·(1 − s)).</summary>
    /// <param name="y">Output: the forward value, which the weight gradient of the next layer needs.</param>
    /// <param name="dg">Output; may be g itself.</param>
    /// <param name="du">Output; may be u itself.</param>
    /// <param name="dy">May be y itself.</param>
    public static void Backward(Span<float> y, Span<float> dg, Span<float> du, ReadOnlySpan<float> dy, ReadOnlySpan<float> g, ReadOnlySpan<float> u)
    {
        int n = y.Length;
        Shape.Holds("SwiGlu.Backward", "dg", dg.Length, n);
        Shape.Holds("SwiGlu.Backward", "du", du.Length, n);
        Shape.Holds("SwiGlu.Backward", "dy", dy.Length, n);
        Shape.Holds("SwiGlu.Backward", "g", g.Length, n);
        Shape.Holds("SwiGlu.Backward", "u", u.Length, n);
        fixed (float* py = y, pdg = dg, pdu = du, pdy = dy, pg = g, pu = u)
        {
            switch (Lanes.Path)
            {
                case VectorPath.Vector512: Backward<Lanes512, Vector512<float>>(py, pdg, pdu, pdy, pg, pu, n); break;
                case VectorPath.Vector256: Backward<Lanes256, Vector256<float>>(py, pdg, pdu, pdy, pg, pu, n); break;
                case VectorPath.Vector128: Backward<Lanes128, Vector128<float>>(py, pdg, pdu, pdy, pg, pu, n); break;
                default: Backward<Lanes1, float>(py, pdg, pdu, pdy, pg, pu, n); break;
            }
        }
    }

    internal static void Forward<W, V>(float* y, float* g, float* u, int n) where W : struct, ILanes<V> where V : struct
    {
        int i = 0;
        for (; i + W.Count <= n; i += W.Count)
        {
            V a = W.Load(g + i);
            W.Store(y + i, W.Multiply(W.Multiply(a, Sigmoid<W, V>(a)), W.Load(u + i)));
        }

        if (i < n && W.Count > 1)
        {
            Forward<Lanes1, float>(y + i, g + i, u + i, n - i);
        }
    }

    internal static void Backward<W, V>(float* y, float* dg, float* du, float* dy, float* g, float* u, int n) where W : struct, ILanes<V> where V : struct
    {
        V one = W.Broadcast(1f);
        int i = 0;
        for (; i + W.Count <= n; i += W.Count)
        {
            V a = W.Load(g + i), b = W.Load(u + i), d = W.Load(dy + i), s = Sigmoid<W, V>(a), silu = W.Multiply(a, s);
            W.Store(y + i, W.Multiply(silu, b));
            W.Store(du + i, W.Multiply(d, silu));
            W.Store(dg + i, W.Multiply(W.Multiply(d, b), W.Multiply(s, W.Add(one, W.Subtract(a, silu)))));
        }

        if (i < n && W.Count > 1)
        {
            Backward<Lanes1, float>(y + i, dg + i, du + i, dy + i, g + i, u + i, n - i);
        }
    }

    static V Sigmoid<W, V>(V x) where W : struct, ILanes<V> where V : struct =>
        W.Divide(W.Broadcast(1f), W.Add(W.Broadcast(1f), Lanes.Exp<W, V>(W.Subtract(W.Broadcast(0f), x))));
}
