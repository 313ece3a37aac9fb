using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Retort.Kernels;

/// <summary>The machine's fused-multiply-add peak, which products are measured against: twelve independent accumulators in registers, more than
/// latency times issue width of any processor of today, and no memory touched.</summary>
public static class PeakRate
{
    const int Accumulators = 12;

    /// <summary>Runs <paramref name="rounds"/> rounds of twelve multiply-adds on the path in use.</summary>
    /// <param name="rounds">Hundreds of thousands take about a millisecond.</param>
    /// <returns>Floating-point operations done, a multiply-add counted as two.</returns>
    public static double Spin(int rounds) => Lanes.Path switch
    {
        VectorPath.Vector512 => Spin<Lanes512, Vector512<float>>(rounds),
        VectorPath.Vector256 => Spin<Lanes256, Vector256<float>>(rounds),
        VectorPath.Vector128 => Spin<Lanes128, Vector128<float>>(rounds),
        _ => Spin<Lanes1, float>(rounds),
    };

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    static double Spin<W, V>(int rounds) where W : struct, ILanes<V> where V : struct
    {
        // c ← c·a + b stays near b / (1 − a): neither overflow nor denormal numbers slow it down.
        V a = W.Broadcast(0.5f), b = W.Broadcast(1f);
        V c0 = b, c1 = b, c2 = b, c3 = b, c4 = b, c5 = b, c6 = b, c7 = b, c8 = b, c9 = b, ca = b, cb = b;
        for (int i = 0; i < rounds; i++)
        {
            c0 = W.MultiplyAdd(c0, a, b);
            c1 = W.MultiplyAdd(c1, a, b);
            c2 = W.MultiplyAdd(c2, a, b);
            c3 = W.MultiplyAdd(c3, a, b);
            c4 = W.MultiplyAdd(c4, a, b);
            c5 = W.MultiplyAdd(c5, a, b);
            c6 = W.MultiplyAdd(c6, a, b);
            c7 = W.MultiplyAdd(c7, a, b);
            c8 = W.MultiplyAdd(c8, a, b);
            c9 = W.MultiplyAdd(c9, a, b);
            ca = W.MultiplyAdd(ca, a, b);
            cb = W.MultiplyAdd(cb, a, b);
        }

        V low = W.Add(W.Add(W.Add(c0, c1), W.Add(c2, c3)), W.Add(c4, c5)), high = W.Add(W.Add(W.Add(c6, c7), W.Add(c8, c9)), W.Add(ca, cb));

        // The sum is looked at, so that the loop cannot be removed.
        return float.IsFinite(W.Sum(W.Add(low, high))) ? 2.0 * Accumulators * W.Count * rounds : double.NaN;
    }
}
