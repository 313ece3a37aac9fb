using System.Runtime.Intrinsics;

namespace Retort.Kernels;

// Shapes: x_HDL = [heads, head size D, L tokens]; tables cos_PT = [D/2 pairs, T positions].

/// <summary>
/// Rotary position embedding (Su et al., arXiv 2104.09864) in the half-split layout of Hugging Face: channel i turns with channel
/// i + D/2 by the angle position · frequency[i]. The backward pass turns the other way.
/// </summary>
public static unsafe class Rope
{
    const int L = MatMul.L;

    /// <summary>Fills the tables for positions first..first + positions − 1.</summary>
    /// <param name="cos_PT">Output, [pairs, positions].</param>
    /// <param name="sin_PT">Output, [pairs, positions].</param>
    /// <param name="frequency_P">Radians a position of each pair, computed in double.</param>
    public static void Tables(Span<float> cos_PT, Span<float> sin_PT, ReadOnlySpan<double> frequency_P, int positions, int first = 0)
    {
        Shape.Holds("Rope.Tables", "cos", cos_PT.Length, (long)frequency_P.Length * positions);
        Shape.Holds("Rope.Tables", "sin", sin_PT.Length, (long)frequency_P.Length * positions);
        for (int p = 0; p < frequency_P.Length; p++)
        {
            for (int t = 0; t < positions; t++)
            {
                (double sin, double cos) = Math.SinCos((first + t) * frequency_P[p]);
                cos_PT[(p * positions) + t] = (float)cos;
                sin_PT[(p * positions) + t] = (float)sin;
            }
        }
    }

    /// <summary>Turns one token block in place.</summary>
    /// <param name="x_HDL">Queries or keys of one block.</param>
    /// <param name="heads">Number of heads H.</param>
    /// <param name="size">Head size D, even.</param>
    /// <param name="positions">Positions in a table row.</param>
    /// <param name="first">Position of the block's first token; first + 32 must not pass <paramref name="positions"/>.</param>
    /// <param name="back">True turns back: the gradient.</param>
    public static void Turn(Span<float> x_HDL, ReadOnlySpan<float> cos_PT, ReadOnlySpan<float> sin_PT, int heads, int size, int positions, int first, bool back = false)
    {
        Shape.Holds("Rope.Turn", "x", x_HDL.Length, (long)heads * size * L);
        Shape.Holds("Rope.Turn", "cos", cos_PT.Length, ((size / 2L - 1) * positions) + first + L);
        Shape.Holds("Rope.Turn", "sin", sin_PT.Length, ((size / 2L - 1) * positions) + first + L);
        fixed (float* x = x_HDL, cos = cos_PT, sin = sin_PT)
        {
            switch (Lanes.Path)
            {
                case VectorPath.Vector512: Turn<Lanes512, Vector512<float>>(x, cos + first, sin + first, heads, size, positions, back ? -1f : 1f); break;
                case VectorPath.Vector256: Turn<Lanes256, Vector256<float>>(x, cos + first, sin + first, heads, size, positions, back ? -1f : 1f); break;
                case VectorPath.Vector128: Turn<Lanes128, Vector128<float>>(x, cos + first, sin + first, heads, size, positions, back ? -1f : 1f); break;
                default: Turn<Lanes1, float>(x, cos + first, sin + first, heads, size, positions, back ? -1f : 1f); break;
            }
        }
    }

    /// <summary>Turns the heads of one token in place; <paramref name="cos_P"/> and <paramref name="sin_P"/> are those of its position.</summary>
    /// <param name="x_HD">Queries or keys of one token.</param>
    public static void TurnVector(Span<float> x_HD, ReadOnlySpan<float> cos_P, ReadOnlySpan<float> sin_P, int heads, int size)
    {
        int half = size / 2;
        Shape.Holds("Rope.TurnVector", "x", x_HD.Length, (long)heads * size);
        Shape.Holds("Rope.TurnVector", "cos", cos_P.Length, half);
        Shape.Holds("Rope.TurnVector", "sin", sin_P.Length, half);
        fixed (float* x = x_HD, cos = cos_P, sin = sin_P)
        {
            for (int h = 0; h < heads; h++)
            {
                float* a = x + (h * size);
                switch (Lanes.Path)
                {
                    case VectorPath.Vector512: TurnPairs<Lanes512, Vector512<float>>(a, a + half, cos, sin, half); break;
                    case VectorPath.Vector256: TurnPairs<Lanes256, Vector256<float>>(a, a + half, cos, sin, half); break;
                    case VectorPath.Vector128: TurnPairs<Lanes128, Vector128<float>>(a, a + half, cos, sin, half); break;
                    default: TurnPairs<Lanes1, float>(a, a + half, cos, sin, half); break;
                }
            }
        }
    }

    internal static void TurnPairs<W, V>(float* a, float* b, float* cos, float* sin, int pairs) where W : struct, ILanes<V> where V : struct
    {
        int p = 0;
        for (; p + W.Count <= pairs; p += W.Count)
        {
            V u = W.Load(a + p), v = W.Load(b + p), c = W.Load(cos + p), s = W.Load(sin + p);
            W.Store(a + p, W.Subtract(W.Multiply(u, c), W.Multiply(v, s)));
            W.Store(b + p, W.MultiplyAdd(v, c, W.Multiply(u, s)));
        }

        if (p < pairs && W.Count > 1)
        {
            TurnPairs<Lanes1, float>(a + p, b + p, cos + p, sin + p, pairs - p);
        }
    }

    internal static void Turn<W, V>(float* x, float* cos, float* sin, int heads, int size, int positions, float sign) where W : struct, ILanes<V> where V : struct
    {
        int half = size / 2;
        V s = W.Broadcast(sign);
        for (int p = 0; p < half; p++)
        {
            for (int l = 0; l < L; l += W.Count)
            {
                V c = W.Load(cos + ((nint)p * positions) + l);
                V n = W.Multiply(s, W.Load(sin + ((nint)p * positions) + l));
                for (int h = 0; h < heads; h++)
                {
                    float* a = x + (((h * size) + p) * L) + l, b = a + (half * L);
                    V u = W.Load(a), v = W.Load(b);
                    W.Store(a, W.Subtract(W.Multiply(u, c), W.Multiply(v, n)));
                    W.Store(b, W.MultiplyAdd(v, c, W.Multiply(u, n)));
                }
            }
        }
    }
}
