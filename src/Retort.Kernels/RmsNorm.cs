using System.Runtime.Intrinsics;

namespace Retort.Kernels;

// Shapes: one token block of L = 32 tokens, C channels: x_CL.

/// <summary>Root-mean-square norm: y[c] = x[c] · r · g[c] with r = 1 / √(mean over c of x² + ε). Zhang and Sennrich, arXiv 1910.07467.</summary>
public static unsafe class RmsNorm
{
    const int L = MatMul.L;

    /// <summary>Normalizes one token block.</summary>
    /// <param name="y_CL">Output; may be the input itself.</param>
    /// <param name="rstd_L">Output: r of each token, kept for the backward pass.</param>
    public static void Forward(Span<float> y_CL, Span<float> rstd_L, ReadOnlySpan<float> x_CL, ReadOnlySpan<float> g_C, float epsilon)
    {
        int channels = g_C.Length;
        Shape.Holds("RmsNorm.Forward", "y", y_CL.Length, (long)channels * L);
        Shape.Holds("RmsNorm.Forward", "x", x_CL.Length, (long)channels * L);
        Shape.Holds("RmsNorm.Forward", "rstd", rstd_L.Length, L);
        fixed (float* y = y_CL, r = rstd_L, x = x_CL, g = g_C)
        {
            switch (Lanes.Path)
            {
                case VectorPath.Vector512: Forward<Lanes512, Vector512<float>>(y, r, x, g, channels, epsilon); break;
                case VectorPath.Vector256: Forward<Lanes256, Vector256<float>>(y, r, x, g, channels, epsilon); break;
                case VectorPath.Vector128: Forward<Lanes128, Vector128<float>>(y, r, x, g, channels, epsilon); break;
                default: Forward<Lanes1, float>(y, r, x, g, channels, epsilon); break;
            }
        }
    }

    /// <summary>Normalizes one token alone, its channels in a row.</summary>
    /// <param name="y_C">Output; may be the input itself.</param>
    public static void ForwardVector(Span<float> y_C, ReadOnlySpan<float> x_C, ReadOnlySpan<float> g_C, float epsilon)
    {
        int channels = g_C.Length;
        Shape.Holds("RmsNorm.ForwardVector", "y", y_C.Length, channels);
        Shape.Holds("RmsNorm.ForwardVector", "x", x_C.Length, channels);
        fixed (float* y = y_C, x = x_C, g = g_C)
        {
            switch (Lanes.Path)
            {
                case VectorPath.Vector512: ForwardVector<Lanes512, Vector512<float>>(y, x, g, channels, epsilon); break;
                case VectorPath.Vector256: ForwardVector<Lanes256, Vector256<float>>(y, x, g, channels, epsilon); break;
                case VectorPath.Vector128: ForwardVector<Lanes128, Vector128<float>>(y, x, g, channels, epsilon); break;
                default: ForwardVector<Lanes1, float>(y, x, g, channels, epsilon); break;
            }
        }
    }

    /// <summary>The norm with known r, for a backward pass that kept only r: y[c] = x[c] · r · g[c].</summary>
    public static void Again(Span<float> y_CL, ReadOnlySpan<float> rstd_L, ReadOnlySpan<float> x_CL, ReadOnlySpan<float> g_C)
    {
        int channels = g_C.Length;
        Shape.Holds("RmsNorm.Again", "y", y_CL.Length, (long)channels * L);
        Shape.Holds("RmsNorm.Again", "x", x_CL.Length, (long)channels * L);
        Shape.Holds("RmsNorm.Again", "rstd", rstd_L.Length, L);
        fixed (float* y = y_CL, r = rstd_L, x = x_CL, g = g_C)
        {
            switch (Lanes.Path)
            {
                case VectorPath.Vector512: Again<Lanes512, Vector512<float>>(y, r, x, g, channels); break;
                case VectorPath.Vector256: Again<Lanes256, Vector256<float>>(y, r, x, g, channels); break;
                case VectorPath.Vector128: Again<Lanes128, Vector128<float>>(y, r, x, g, channels); break;
                default: Again<Lanes1, float>(y, r, x, g, channels); break;
            }
        }
    }

    /// <summary>dx[c] (+)= r · (dy[c]·g[c] − x̂[c] · mean over c of dy·g·x̂), x̂ = x·r.</summary>
    /// <param name="dx_CL">Output; may be dy itself when not accumulating.</param>
    public static void BackwardInput(
        Span<float> dx_CL, ReadOnlySpan<float> dy_CL, ReadOnlySpan<float> x_CL, ReadOnlySpan<float> rstd_L, ReadOnlySpan<float> g_C, bool accumulate)
    {
        int channels = g_C.Length;
        Shape.Holds("RmsNorm.BackwardInput", "dx", dx_CL.Length, (long)channels * L);
        Shape.Holds("RmsNorm.BackwardInput", "dy", dy_CL.Length, (long)channels * L);
        Shape.Holds("RmsNorm.BackwardInput", "x", x_CL.Length, (long)channels * L);
        Shape.Holds("RmsNorm.BackwardInput", "rstd", rstd_L.Length, L);
        fixed (float* dx = dx_CL, dy = dy_CL, x = x_CL, r = rstd_L, g = g_C)
        {
            switch (Lanes.Path)
            {
                case VectorPath.Vector512: BackwardInput<Lanes512, Vector512<float>>(dx, dy, x, r, g, channels, accumulate); break;
                case VectorPath.Vector256: BackwardInput<Lanes256, Vector256<float>>(dx, dy, x, r, g, channels, accumulate); break;
                case VectorPath.Vector128: BackwardInput<Lanes128, Vector128<float>>(dx, dy, x, r, g, channels, accumulate); break;
                default: BackwardInput<Lanes1, float>(dx, dy, x, r, g, channels, accumulate); break;
            }
        }
    }

    /// <summary>dg += Σ over blocks and tokens of dy[c] · x̂[c], for one channel.</summary>
    /// <param name="dy_BCL">Gradients, [blocks, C, L].</param>
    /// <param name="rstd_BL">r of every token; block b's start at b · <paramref name="rstdStride"/>.</param>
    /// <param name="channel">Which channel of the C = <paramref name="channels"/>.</param>
    public static float BackwardWeight(
        ReadOnlySpan<float> dy_BCL, ReadOnlySpan<float> x_BCL, ReadOnlySpan<float> rstd_BL, int channels, int channel, int blocks, int rstdStride = L, int rstdOffset = 0)
    {
        Shape.Holds("RmsNorm.BackwardWeight", "dy", dy_BCL.Length, (long)blocks * channels * L);
        Shape.Holds("RmsNorm.BackwardWeight", "x", x_BCL.Length, (long)blocks * channels * L);
        Shape.Holds("RmsNorm.BackwardWeight", "rstd", rstd_BL.Length, ((long)(blocks - 1) * rstdStride) + rstdOffset + L);
        Shape.Within("RmsNorm.BackwardWeight", "channel", channel, channels);
        fixed (float* dy = dy_BCL, x = x_BCL, r = rstd_BL)
        {
            nint at = (nint)channel * L, stride = (nint)channels * L;
            return Lanes.Path switch
            {
                VectorPath.Vector512 => BackwardWeight<Lanes512, Vector512<float>>(dy + at, x + at, r + rstdOffset, stride, rstdStride, blocks),
                VectorPath.Vector256 => BackwardWeight<Lanes256, Vector256<float>>(dy + at, x + at, r + rstdOffset, stride, rstdStride, blocks),
                VectorPath.Vector128 => BackwardWeight<Lanes128, Vector128<float>>(dy + at, x + at, r + rstdOffset, stride, rstdStride, blocks),
                _ => BackwardWeight<Lanes1, float>(dy + at, x + at, r + rstdOffset, stride, rstdStride, blocks),
            };
        }
    }

    internal static void Forward<W, V>(float* y, float* r, float* x, float* g, int channels, float epsilon) where W : struct, ILanes<V> where V : struct
    {
        for (int l = 0; l < L; l += W.Count)
        {
            V sum = W.Broadcast(0f);
            for (int c = 0; c < channels; c++)
            {
                V v = W.Load(x + (c * L) + l);
                sum = W.MultiplyAdd(v, v, sum);
            }

            V mean = W.MultiplyAdd(sum, W.Broadcast(1f / channels), W.Broadcast(epsilon));
            W.Store(r + l, W.Divide(W.Broadcast(1f), W.Sqrt(mean)));
        }

        Again<W, V>(y, r, x, g, channels);
    }

    internal static void ForwardVector<W, V>(float* y, float* x, float* g, int channels, float epsilon) where W : struct, ILanes<V> where V : struct
    {
        V squares = W.Broadcast(0f);
        int c = 0;
        for (; c + W.Count <= channels; c += W.Count)
        {
            V v = W.Load(x + c);
            squares = W.MultiplyAdd(v, v, squares);
        }

        float sum = W.Sum(squares);
        for (; c < channels; c++)
        {
            sum += x[c] * x[c];
        }

        float rstd = 1f / MathF.Sqrt((sum * (1f / channels)) + epsilon);
        for (c = 0; c + W.Count <= channels; c += W.Count)
        {
            W.Store(y + c, W.Multiply(W.Multiply(W.Load(x + c), W.Broadcast(rstd)), W.Load(g + c)));
        }

        for (; c < channels; c++)
        {
            y[c] = x[c] * rstd * g[c];
        }
    }

    internal static void Again<W, V>(float* y, float* r, float* x, float* g, int channels) where W : struct, ILanes<V> where V : struct
    {
        for (int l = 0; l < L; l += W.Count)
        {
            V rstd = W.Load(r + l);
            for (int c = 0; c < channels; c++)
            {
                W.Store(y + (c * L) + l, W.Multiply(W.Multiply(W.Load(x + (c * L) + l), rstd), W.Broadcast(g[c])));
            }
        }
    }

    internal static void BackwardInput<W, V>(float* dx, float* dy, float* x, float* r, float* g, int channels, bool accumulate) where W : struct, ILanes<V> where V : struct
    {
        for (int l = 0; l < L; l += W.Count)
        {
            V dot = W.Broadcast(0f);
            for (int c = 0; c < channels; c++)
            {
                dot = W.MultiplyAdd(W.Multiply(W.Load(dy + (c * L) + l), W.Broadcast(g[c])), W.Load(x + (c * L) + l), dot);
            }

            // dot is Σ dy·g·x; the mean of dy·g·x̂, times x̂ = x·r, is dot · r / C · x · r.
            V rstd = W.Load(r + l);
            V slope = W.Multiply(W.Multiply(W.Multiply(rstd, rstd), dot), W.Broadcast(-1f / channels));
            for (int c = 0; c < channels; c++)
            {
                V h = W.Multiply(W.Load(dy + (c * L) + l), W.Broadcast(g[c]));
                V d = W.Multiply(rstd, W.MultiplyAdd(W.Load(x + (c * L) + l), slope, h));
                W.Store(dx + (c * L) + l, accumulate ? W.Add(W.Load(dx + (c * L) + l), d) : d);
            }
        }
    }

    internal static float BackwardWeight<W, V>(float* dy, float* x, float* r, nint stride, nint rstdStride, int blocks) where W : struct, ILanes<V> where V : struct
    {
        V sum = W.Broadcast(0f);
        for (int b = 0; b < blocks; b++)
        {
            for (int l = 0; l < L; l += W.Count)
            {
                nint at = (b * stride) + l;
                sum = W.MultiplyAdd(W.Multiply(W.Load(dy + at), W.Load(x + at)), W.Load(r + (b * rstdStride) + l), sum);
            }
        }

        return W.Sum(sum);
    }
}
