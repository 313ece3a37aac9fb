using System.Runtime.Intrinsics;

namespace Retort.Kernels;

/// <summary>One step's constants of AdamW (Loshchilov and Hutter, arXiv 1711.05101).</summary>
/// <param name="Rate">Learning rate of this step.</param>
/// <param name="Beta1">Decay of the first moment.</param>
/// <param name="Beta2">Decay of the second moment.</param>
/// <param name="Epsilon">Added to the root of the second moment.</param>
/// <param name="Decay">Weight decay, decoupled: w shrinks by Rate·Decay.</param>
/// <param name="Step">1 for the first update.</param>
/// <param name="GradientScale">Multiplies every gradient: the clipping factor.</param>
public readonly record struct AdamStep(float Rate, float Beta1, float Beta2, float Epsilon, float Decay, int Step, float GradientScale);

/// <summary>w ← w·(1 − rate·decay) − rate·m̂ / (√v̂ + ε), m̂ and v̂ the bias-corrected moments.</summary>
public static unsafe class AdamW
{
    /// <summary>Updates weights and both moments and clears the gradient.</summary>
    public static void Update(Span<float> w, Span<float> g, Span<float> m, Span<float> v, in AdamStep step)
    {
        int n = w.Length;
        Shape.Holds("AdamW.Update", "g", g.Length, n);
        Shape.Holds("AdamW.Update", "m", m.Length, n);
        Shape.Holds("AdamW.Update", "v", v.Length, n);
        fixed (float* pw = w, pg = g, pm = m, pv = v)
        {
            switch (Lanes.Path)
            {
                case VectorPath.Vector512: Update<Lanes512, Vector512<float>>(pw, pg, pm, pv, n, step); break;
                case VectorPath.Vector256: Update<Lanes256, Vector256<float>>(pw, pg, pm, pv, n, step); break;
                case VectorPath.Vector128: Update<Lanes128, Vector128<float>>(pw, pg, pm, pv, n, step); break;
                default: Update<Lanes1, float>(pw, pg, pm, pv, n, step); break;
            }
        }
    }

    /// <summary>Σ g², the square of the gradient's norm, in double.</summary>
    public static double SquaredNorm(ReadOnlySpan<float> g)
    {
        fixed (float* p = g)
        {
            return Lanes.Path switch
            {
                VectorPath.Vector512 => SquaredNorm<Lanes512, Vector512<float>>(p, g.Length),
                VectorPath.Vector256 => SquaredNorm<Lanes256, Vector256<float>>(p, g.Length),
                VectorPath.Vector128 => SquaredNorm<Lanes128, Vector128<float>>(p, g.Length),
                _ => SquaredNorm<Lanes1, float>(p, g.Length),
            };
        }
    }

    internal static void Update<W, V>(float* w, float* g, float* m, float* v, int n, in AdamStep s) where W : struct, ILanes<V> where V : struct
    {
        double correction1 = 1 - Math.Pow(s.Beta1, s.Step), correction2 = 1 - Math.Pow(s.Beta2, s.Step);
        float rate = (float)(s.Rate / correction1), root = (float)(1 / Math.Sqrt(correction2));
        V b1 = W.Broadcast(s.Beta1), c1 = W.Broadcast(1f - s.Beta1), b2 = W.Broadcast(s.Beta2), c2 = W.Broadcast(1f - s.Beta2), clip = W.Broadcast(s.GradientScale);
        V keep = W.Broadcast(1f - (s.Rate * s.Decay)), step = W.Broadcast(-rate), epsilon = W.Broadcast(s.Epsilon), scale = W.Broadcast(root), zero = W.Broadcast(0f);
        int i = 0;
        for (; i + W.Count <= n; i += W.Count)
        {
            V gradient = W.Multiply(W.Load(g + i), clip);
            V first = W.MultiplyAdd(W.Load(m + i), b1, W.Multiply(gradient, c1));
            V second = W.MultiplyAdd(W.Load(v + i), b2, W.Multiply(W.Multiply(gradient, gradient), c2));
            W.Store(m + i, first);
            W.Store(v + i, second);
            W.Store(g + i, zero);
            V move = W.Divide(first, W.MultiplyAdd(W.Sqrt(second), scale, epsilon));
            W.Store(w + i, W.MultiplyAdd(move, step, W.Multiply(W.Load(w + i), keep)));
        }

        if (i < n && W.Count > 1)
        {
            Update<Lanes1, float>(w + i, g + i, m + i, v + i, n - i, s);
        }
    }

    internal static double SquaredNorm<W, V>(float* g, int n) where W : struct, ILanes<V> where V : struct
    {
        const int Run = 1024;
        double total = 0;
        for (int start = 0; start < n; start += Run)
        {
            int end = Math.Min(n, start + Run), i = start;
            V sum = W.Broadcast(0f);
            for (; i + W.Count <= end; i += W.Count)
            {
                V x = W.Load(g + i);
                sum = W.MultiplyAdd(x, x, sum);
            }

            float rest = 0f;
            for (; i < end; i++)
            {
                rest += g[i] * g[i];
            }

            total += (double)W.Sum(sum) + rest;
        }

        return total;
    }
}
