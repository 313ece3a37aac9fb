using Retort.Kernels;

namespace Retort.Model.Llama;

/// <summary>How the gradients of a layer's matrices are dealt out: by rows, in items of about the same work.</summary>
static class WeightGradients
{
    /// <summary>Multiply-adds of one item: large enough to hide dealing it out, small enough that the last one does not keep others waiting.</summary>
    const long ItemWork = 1L << 22;

    /// <summary>Rows of one item, a multiple of 8.</summary>
    public static int RowsPerItem(int inputs, int blocks, int outputs)
    {
        long rows = ItemWork / ((long)inputs * blocks * MatMul.L) / 8 * 8;

        // Every item reads the whole input: of large matrices it takes as many rows as still leave enough items to deal out.
        return (int)Math.Clamp(rows, Math.Clamp(outputs / 16 / 8 * 8, 8, 64), Math.Max(8, (outputs + 7) / 8 * 8));
    }

    /// <summary>Adds the items of one matrix.</summary>
    public static void Add(List<Action<int>> items, WeightSlice gradient, FloatBuffer dy, FloatBuffer panels, int blocks)
    {
        int n = gradient.Shape[0], k = gradient.Shape[1], rows = RowsPerItem(k, blocks, n);
        for (int from = 0; from < n; from += rows)
        {
            int start = from, end = Math.Min(n, from + rows);
            items.Add(_ => MatMul.BackwardWeight(gradient.Span, dy.Span, panels.Span, n, k, blocks, start, end));
        }
    }

    /// <summary>Adds the item of a norm over whole channels.</summary>
    public static void AddNorm(List<Action<int>> items, WeightSlice gradient, FloatBuffer dy, FloatBuffer x, FloatBuffer rstd, int blocks)
    {
        items.Add(_ =>
        {
            Span<float> dg = gradient.Span;
            for (int c = 0; c < dg.Length; c++)
            {
                dg[c] += RmsNorm.BackwardWeight(dy.Span, x.Span, rstd.Span, dg.Length, c, blocks);
            }
        });
    }

    /// <summary>Adds the item of a norm over each head.</summary>
    public static void AddHeadNorm(List<Action<int>> items, WeightSlice gradient, FloatBuffer dy, FloatBuffer x, FloatBuffer rstd, int heads, int blocks)
    {
        items.Add(_ =>
        {
            Span<float> dg = gradient.Span;
            for (int h = 0; h < heads; h++)
            {
                for (int d = 0; d < dg.Length; d++)
                {
                    dg[d] += RmsNorm.BackwardWeight(dy.Span, x.Span, rstd.Span, heads * dg.Length, (h * dg.Length) + d, blocks, heads * MatMul.L, h * MatMul.L);
                }
            }
        });
    }
}
