using Retort.Model.Llama;

namespace Retort.Model.Files;

/// <summary>
/// llama2.c and llama.cpp turn channels 2i and 2i+1 of a Llama's head together, Hugging Face i and i + D/2. Moving rows of the query and key
/// matrices makes both the same: dot products of a head do not depend on its channels' order.
/// </summary>
static class HeadOrder
{
    /// <summary>Row 2i goes to i and 2i+1 to i + D/2, in every head.</summary>
    public static void Split(WeightSlice matrix, int headSize)
    {
        int columns = matrix.Shape[1], half = headSize / 2;
        float[] head = new float[headSize * columns];
        for (int first = 0; first < matrix.Length; first += head.Length)
        {
            Span<float> rows = matrix.Span.Slice(first, head.Length);
            rows.CopyTo(head);
            for (int i = 0; i < half; i++)
            {
                head.AsSpan(2 * i * columns, columns).CopyTo(rows[(i * columns)..]);
                head.AsSpan(((2 * i) + 1) * columns, columns).CopyTo(rows[((i + half) * columns)..]);
            }
        }
    }

    /// <summary>The rows as llama2.c and llama.cpp want them: i goes to 2i and i + D/2 to 2i+1, in every head.</summary>
    public static float[] Joined(WeightSlice matrix, int headSize)
    {
        int columns = matrix.Shape[1];
        float[] joined = new float[matrix.Length];
        for (int row = 0; row < matrix.Shape[0]; row++)
        {
            matrix.Span.Slice(row * columns, columns).CopyTo(joined.AsSpan(JoinedRow(row, headSize) * columns));
        }

        return joined;
    }

    /// <summary>Where llama2.c and llama.cpp have a row of ours.</summary>
    public static int JoinedRow(int row, int headSize)
    {
        int within = row % headSize, half = headSize / 2;
        return row - within + (within < half ? 2 * within : (2 * (within - half)) + 1);
    }
}
