using Retort.Kernels;

namespace Retort.Model.Inference;

/// <summary>
/// Rows of activations in every form that the model's matrices ask for: as they are, quantised, and the first ones, whole blocks of 32 tokens
/// of a prompt, with tokens side by side.
/// </summary>
sealed class ProductInput
{
    const int L = MatMul.L;

    /// <param name="rows">Most rows.</param>
    /// <param name="channels">Most channels.</param>
    /// <param name="quantized">Whether any matrix is quantised.</param>
    /// <param name="stored">Whether any matrix is floats.</param>
    public ProductInput(int rows, int channels, bool quantized, bool stored)
    {
        Raw = new(checked(rows * channels));
        Quantized = quantized ? new(rows, (channels + QuantizedRows.Block - 1) / QuantizedRows.Block * QuantizedRows.Block) : null;
        Turned = stored ? new(checked(rows / L * L * channels)) : null;
    }

    /// <summary>[rows, channels].</summary>
    public FloatBuffer Raw { get; }

    public QuantizedRows? Quantized { get; }

    /// <summary>[blocks, channels, 32].</summary>
    public FloatBuffer? Turned { get; }

    /// <summary>Rows in use.</summary>
    public int Rows { get; private set; }

    /// <summary>Whole token blocks among the first of them; the products of floats treat these apart.</summary>
    public int Blocks { get; private set; }

    public void Begin(int rows, int blocks) => (Rows, Blocks) = (rows, blocks);

    public Span<float> Row(int row, int channels) => Raw.Slice(row * channels, channels);

    /// <summary>Fills the other forms of rows <paramref name="from"/> to <paramref name="to"/>; whoever has a block's first row has all of it.</summary>
    public void Prepare(int from, int to, int channels)
    {
        if (Quantized is not null && channels % QuantizedRows.Block == 0)
        {
            for (int row = from; row < to; row++)
            {
                Quantized.Set(row, Row(row, channels));
            }
        }

        if (Turned is null)
        {
            return;
        }

        for (int block = from / L; block < Blocks && block * L < to; block++)
        {
            Span<float> turned = Turned.Slice(block * channels * L, channels * L);
            for (int t = 0; t < L; t++)
            {
                ReadOnlySpan<float> row = Row((block * L) + t, channels);
                for (int c = 0; c < row.Length; c++)
                {
                    turned[(c * L) + t] = row[c];
                }
            }
        }
    }
}
