using System.Numerics;

namespace Retort.Kernels;

/// <summary>
/// Dropout (Srivastava et al., 2014) whose draws follow from a key and a place alone: the same places fall whoever computes them and in
/// whatever order, and the backward pass draws them again instead of keeping them. A place's 32 bits are a whole-number mix of place and
/// key (two rounds of xor, shift and multiply), the same on every vector path.
/// </summary>
public static class Dropout
{
    /// <summary>y = x / (1 − p) where the place is kept, else 0.</summary>
    /// <param name="key">Of the step, layer, matrix and token block.</param>
    /// <param name="p">Share of places that fall, 0 ≤ p &lt; 1.</param>
    public static void Forward(Span<float> y, ReadOnlySpan<float> x, ulong key, double p)
    {
        Shape.Holds("Dropout.Forward", "y", y.Length, x.Length);
        Run(y, x, key, p, add: false);
    }

    /// <summary>dx += dy / (1 − p) where the place is kept.</summary>
    public static void Backward(Span<float> dx, ReadOnlySpan<float> dy, ulong key, double p)
    {
        Shape.Holds("Dropout.Backward", "dx", dx.Length, dy.Length);
        Run(dx, dy, key, p, add: true);
    }

    static void Run(Span<float> y, ReadOnlySpan<float> x, ulong key, double p, bool add)
    {
        uint falls = (uint)(p * (1UL << 32)), low = (uint)key, high = (uint)(key >> 32);
        float scale = (float)(1 / (1 - p));
        int i = 0, width = Vector<float>.Count;
        Vector<uint> place = Vector<uint>.Indices + new Vector<uint>(low), least = new(falls);
        for (; i + width <= x.Length; i += width)
        {
            Vector<int> kept = Vector.GreaterThanOrEqual(Mix(place, high), least).As<uint, int>();
            Vector<float> value = Vector.ConditionalSelect(kept, new Vector<float>(x[i..]) * scale, Vector<float>.Zero);
            (add ? new Vector<float>(y[i..]) + value : value).CopyTo(y[i..]);
            place += new Vector<uint>((uint)width);
        }

        for (; i < x.Length; i++)
        {
            float value = Mix(low + (uint)i, high) >= falls ? x[i] * scale : 0f;
            y[i] = add ? y[i] + value : value;
        }
    }

    static Vector<uint> Mix(Vector<uint> x, uint key)
    {
        x ^= x >>> 16;
        x *= new Vector<uint>(0x7feb352d);
        x ^= (x >>> 15) ^ new Vector<uint>(key);
        x *= new Vector<uint>(0x846ca68b);
        return x ^ (x >>> 16);
    }

    static uint Mix(uint x, uint key)
    {
        x ^= x >> 16;
        x *= 0x7feb352d;
        x ^= (x >> 15) ^ key;
        x *= 0x846ca68b;
        return x ^ (x >> 16);
    }
}
