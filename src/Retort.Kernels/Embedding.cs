namespace Retort.Kernels;

// Shapes: table e_VC row-major; one token block x_CL of L = 32 tokens.

/// <summary>Rows of a table as channels of token blocks, and the sum of their gradients.</summary>
public static class Embedding
{
    const int L = MatMul.L;

    /// <summary>x[c, l] = e[token of l, c].</summary>
    public static void Forward(Span<float> x_CL, ReadOnlySpan<float> e_VC, ReadOnlySpan<int> tokens_L, int channels)
    {
        Shape.Holds("Embedding.Forward", "x", x_CL.Length, (long)channels * L);
        Shape.Holds("Embedding.Forward", "tokens", tokens_L.Length, L);
        for (int l = 0; l < L; l++)
        {
            ReadOnlySpan<float> row = e_VC.Slice(tokens_L[l] * channels, channels);
            for (int c = 0; c < channels; c++)
            {
                x_CL[(c * L) + l] = row[c];
            }
        }
    }

    /// <summary>de[token, c] += dx[c, l] for the tokens that belong to <paramref name="part"/>: token mod <paramref name="parts"/>. Each row of the
    /// table is summed by one part in the order of the tokens.</summary>
    public static void Backward(Span<float> de_VC, ReadOnlySpan<float> dx_BCL, ReadOnlySpan<int> tokens_BL, int channels, int part, int parts)
    {
        Shape.Holds("Embedding.Backward", "dx", dx_BCL.Length, (long)tokens_BL.Length * channels);
        for (int t = 0; t < tokens_BL.Length; t++)
        {
            int token = tokens_BL[t];
            if (token % parts != part)
            {
                continue;
            }

            Span<float> row = de_VC.Slice(token * channels, channels);
            ReadOnlySpan<float> column = dx_BCL[(t / L * channels * L)..];
            int l = t % L;
            for (int c = 0; c < row.Length; c++)
            {
                row[c] += column[(c * L) + l];
            }
        }
    }
}
