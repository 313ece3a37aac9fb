using System.Runtime.Intrinsics;

namespace Retort.Kernels;

/// <summary>The two passes of a softmax over a row: its largest value, then e to the power of what lies below it. Logits of any size are safe.</summary>
public static unsafe class Softmax
{
    /// <summary>The largest value of a row; −∞ for an empty one. Values that are no numbers are passed over.</summary>
    public static float Max(ReadOnlySpan<float> x_N)
    {
        fixed (float* x = x_N)
        {
            return Lanes.Path switch
            {
                VectorPath.Vector512 => Max<Lanes512, Vector512<float>>(x, x_N.Length),
                VectorPath.Vector256 => Max<Lanes256, Vector256<float>>(x, x_N.Length),
                VectorPath.Vector128 => Max<Lanes128, Vector128<float>>(x, x_N.Length),
                _ => Max<Lanes1, float>(x, x_N.Length),
            };
        }
    }

    /// <summary>x[i] ← e^((x[i] − max) · scale), 0 below e^−87.3; a value that is no number becomes 0.</summary>
    /// <returns>Σ x.</returns>
    public static float Exponentials(Span<float> x_N, float max, float scale)
    {
        fixed (float* x = x_N)
        {
            return Lanes.Path switch
            {
                VectorPath.Vector512 => Exponentials<Lanes512, Vector512<float>>(x, x_N.Length, max, scale),
                VectorPath.Vector256 => Exponentials<Lanes256, Vector256<float>>(x, x_N.Length, max, scale),
                VectorPath.Vector128 => Exponentials<Lanes128, Vector128<float>>(x, x_N.Length, max, scale),
                _ => Exponentials<Lanes1, float>(x, x_N.Length, max, scale),
            };
        }
    }

    internal static float Max<W, V>(float* x, int n) where W : struct, ILanes<V> where V : struct
    {
        V max = W.Broadcast(float.NegativeInfinity);
        int i = 0;
        for (; i + W.Count <= n; i += W.Count)
        {
            max = W.Max(W.Load(x + i), max);
        }

        float* lanes = stackalloc float[W.Count];
        W.Store(lanes, max);
        float result = float.NegativeInfinity;
        for (int l = 0; l < W.Count; l++)
        {
            result = lanes[l] > result ? lanes[l] : result;
        }

        for (; i < n; i++)
        {
            result = x[i] > result ? x[i] : result;
        }

        return result;
    }

    internal static float Exponentials<W, V>(float* x, int n, float max, float scale) where W : struct, ILanes<V> where V : struct
    {
        V sum = W.Broadcast(0f), top = W.Broadcast(max), factor = W.Broadcast(scale);
        int i = 0;
        for (; i + W.Count <= n; i += W.Count)
        {
            V e = Lanes.Exp<W, V>(W.Multiply(W.Subtract(W.Load(x + i), top), factor));
            W.Store(x + i, e);
            sum = W.Add(sum, e);
        }

        float total = W.Sum(sum);
        return i < n && W.Count > 1 ? total + Exponentials<Lanes1, float>(x + i, n - i, max, scale) : total;
    }
}
