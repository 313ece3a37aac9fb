namespace Retort.Kernels;

// Shapes: y_CL = one token block of C channels × L = 32 tokens.

/// <summary>One number added to every token of a channel.</summary>
public static class Bias
{
    const int L = MatMul.L;

    /// <summary>y[c, l] += b[c].</summary>
    public static void Forward(Span<float> y_CL, ReadOnlySpan<float> b_C)
    {
        Shape.Holds("Bias.Forward", "y", y_CL.Length, (long)b_C.Length * L);
        for (int c = 0; c < b_C.Length; c++)
        {
            float b = b_C[c];
            foreach (ref float y in y_CL.Slice(c * L, L))
            {
                y += b;
            }
        }
    }

    /// <summary>db[c] += Σ over blocks and tokens of dy[c].</summary>
    public static void Backward(Span<float> db_C, ReadOnlySpan<float> dy_BCL, int blocks)
    {
        Shape.Holds("Bias.Backward", "dy", dy_BCL.Length, (long)blocks * db_C.Length * L);
        for (int c = 0; c < db_C.Length; c++)
        {
            float sum = 0f;
            for (int b = 0; b < blocks; b++)
            {
                foreach (float d in dy_BCL.Slice(((b * db_C.Length) + c) * L, L))
                {
                    sum += d;
                }
            }

            db_C[c] += sum;
        }
    }
}
