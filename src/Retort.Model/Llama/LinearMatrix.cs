using Retort.Kernels;

namespace Retort.Model.Llama;

/// <summary>A matrix [N, K] as the passes read it, in floats or narrow.</summary>
public abstract record LinearMatrix
{
    LinearMatrix()
    {
    }

    /// <summary>N, rows.</summary>
    public abstract int Outputs { get; }

    /// <summary>K, columns.</summary>
    public abstract int Inputs { get; }

    /// <summary>y (+)= W·x over token blocks; see <see cref="MatMul.Forward"/>.</summary>
    public abstract void Forward(Span<float> y_BNL, ReadOnlySpan<float> x_BKL, int blocks, bool accumulate = false);

    /// <summary>dx (+)= Wᵀ·dy over token blocks; see <see cref="MatMul.BackwardInput"/>.</summary>
    public abstract void BackwardInput(Span<float> dx_BKL, ReadOnlySpan<float> dy_BNL, int blocks, bool accumulate = false);

    /// <summary>The rows of 32 tokens as a token block; see <see cref="Embedding.Forward"/>.</summary>
    /// <param name="scratch">At least 32·K floats.</param>
    public abstract void Look(Span<float> x_KL, ReadOnlySpan<int> tokens_L, Span<float> scratch);

    /// <summary>The matrix in floats.</summary>
    public abstract void CopyTo(Span<float> w_NK);

    /// <summary>Floats that may be trained.</summary>
    public sealed record Full(WeightSlice Slice) : LinearMatrix
    {
        public override int Outputs => Slice.Shape[0];

        public override int Inputs => Slice.Shape[1];

        public override void Forward(Span<float> y_BNL, ReadOnlySpan<float> x_BKL, int blocks, bool accumulate = false) =>
            MatMul.Forward(y_BNL, Slice.Span, x_BKL, Outputs, Inputs, blocks, accumulate);

        public override void BackwardInput(Span<float> dx_BKL, ReadOnlySpan<float> dy_BNL, int blocks, bool accumulate = false) =>
            MatMul.BackwardInput(dx_BKL, Slice.Span, dy_BNL, Outputs, Inputs, blocks, accumulate);

        public override void Look(Span<float> x_KL, ReadOnlySpan<int> tokens_L, Span<float> scratch) => Embedding.Forward(x_KL, Slice.Span, tokens_L, Inputs);

        public override void CopyTo(Span<float> w_NK) => Slice.Span.CopyTo(w_NK);
    }

    /// <summary>Frozen weights in fewer bits.</summary>
    /// <param name="Words">As <see cref="NarrowRows"/> holds them, row after row.</param>
    public sealed record Narrow(ushort[] Words, NarrowFormat Format, int Rows, int Columns) : LinearMatrix
    {
        static readonly int[] s_inOrder = [.. Enumerable.Range(0, MatMul.L)];

        public override int Outputs => Rows;

        public override int Inputs => Columns;

        int RowWords => (int)NarrowRows.Words(Format, Columns);

        public override void Forward(Span<float> y_BNL, ReadOnlySpan<float> x_BKL, int blocks, bool accumulate = false) =>
            NarrowMatMul.Forward(y_BNL, Words, Format, x_BKL, Rows, Columns, blocks, accumulate);

        public override void BackwardInput(Span<float> dx_BKL, ReadOnlySpan<float> dy_BNL, int blocks, bool accumulate = false) =>
            NarrowMatMul.BackwardInput(dx_BKL, Words, Format, dy_BNL, Rows, Columns, blocks, accumulate);

        public override void Look(Span<float> x_KL, ReadOnlySpan<int> tokens_L, Span<float> scratch)
        {
            for (int l = 0; l < MatMul.L; l++)
            {
                NarrowRows.Widen(scratch.Slice(l * Columns, Columns), Words.AsSpan(tokens_L[l] * RowWords, RowWords), Format);
            }

            Embedding.Forward(x_KL, scratch, s_inOrder, Columns);
        }

        public override void CopyTo(Span<float> w_NK) => NarrowRows.Widen(w_NK[..(Rows * Columns)], Words, Format);
    }
}
