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

    /// <summary>How many blocks each sum over a batch takes: none goes beyond its sequence, so that the gradient of a step has the same bits
    /// however its sequences are split into batches.</summary>
    /// <param name="blocks">The blocks that count, in order.</param>
    public static int[] Sums(IEnumerable<int> blocks, int blocksPerSequence) =>
        [.. blocks.CountBy(b => (b / blocksPerSequence, b % blocksPerSequence / MatMul.SumBlocks)).Select(sum => sum.Value)];

    /// <summary>Adds the items of one matrix.</summary>
    /// <param name="sums">As <see cref="Sums"/> gives them for all blocks.</param>
    public static void Add(List<Action<int>> items, WeightSlice gradient, FloatBuffer dy, FloatBuffer panels, int[] sums)
    {
        int n = gradient.Shape[0], k = gradient.Shape[1], blocks = sums.Sum(), rows = RowsPerItem(k, blocks, n);
        for (int from = 0; from < n; from += rows)
        {
            int start = from, end = Math.Min(n, from + rows);
            items.Add(_ => MatMul.BackwardWeight(gradient.Span, dy.Span, panels.Span, n, k, blocks, start, end, sums));
        }
    }

    /// <summary>Adds the item of a bias.</summary>
    public static void AddBias(List<Action<int>> items, WeightSlice gradient, FloatBuffer dy, int[] sums) => items.Add(_ =>
    {
        Span<float> db = gradient.Span;
        int first = 0;
        foreach (int count in sums)
        {
            Bias.Backward(db, dy.From(first * db.Length * MatMul.L), count);
            first += count;
        }
    });

    /// <summary>Adds the item of a norm over whole channels.</summary>
    public static void AddNorm(List<Action<int>> items, WeightSlice gradient, FloatBuffer dy, FloatBuffer x, FloatBuffer rstd, int[] sums) =>
        AddHeadNorm(items, gradient, dy, x, rstd, 1, sums);

    /// <summary>Adds the item of a norm over each head.</summary>
    public static void AddHeadNorm(List<Action<int>> items, WeightSlice gradient, FloatBuffer dy, FloatBuffer x, FloatBuffer rstd, int heads, int[] sums) => items.Add(_ =>
    {
        Span<float> dg = gradient.Span;
        int first = 0, width = heads * dg.Length;
        foreach (int count in sums)
        {
            int at = first * width * MatMul.L;
            for (int h = 0; h < heads; h++)
            {
                for (int d = 0; d < dg.Length; d++)
                {
                    dg[d] += RmsNorm.BackwardWeight(dy.From(at), x.From(at), rstd.From(first * heads * MatMul.L), width, (h * dg.Length) + d, count, heads * MatMul.L, h * MatMul.L);
                }
            }

            first += count;
        }
    });
}
