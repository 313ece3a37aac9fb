using System.Buffers.Binary;
using Retort.Kernels;
using Retort.Model.Files;

namespace Retort.Model.Inference;

/// <summary>Matrices in the blocks of GGUF, put in the order that products read.</summary>
static class MatrixPacking
{
    /// <summary>Rows whose bytes are fetched together.</summary>
    const int Rows = QuantizedMatMul.Group;

    /// <summary>Fetches one row: in the packed type's blocks, or as floats that are yet to be coded.</summary>
    public delegate void RowSource<T>(int row, Span<T> to);

    /// <summary>Packs rows that are coded already.</summary>
    /// <param name="row">Q8_0 or Q4_0 blocks.</param>
    public static WeightMatrix Coded(WeightBits bits, int rows, int columns, RowSource<byte> row)
    {
        WeightMatrix matrix = WeightMatrix.Packed(bits, rows, columns);
        GgufType type = Type(bits);
        Parallel.For(0, (rows + Rows - 1) / Rows, group =>
        {
            byte[] coded = new byte[columns / type.BlockLength * type.BlockBytes];
            for (int r = group * Rows; r < Math.Min(rows, (group + 1) * Rows); r++)
            {
                row(r, coded);
                Place(matrix, r, coded, type);
            }
        });
        return matrix;
    }

    /// <summary>Codes rows of floats and packs them: the same numbers as a GGUF file of that type would hold.</summary>
    /// <param name="name">What an error calls the matrix.</param>
    /// <exception cref="UserError">A weight is beyond the type's range.</exception>
    public static WeightMatrix Code(WeightBits bits, int rows, int columns, RowSource<float> row, string name, string where)
    {
        WeightMatrix matrix = WeightMatrix.Packed(bits, rows, columns);
        GgufType type = Type(bits);
        int faults = 0;
        Parallel.For(0, (rows + Rows - 1) / Rows, group =>
        {
            byte[] coded = new byte[columns / type.BlockLength * type.BlockBytes];
            float[] floats = new float[columns];
            for (int r = group * Rows; r < Math.Min(rows, (group + 1) * Rows); r++)
            {
                row(r, floats);
                if (!GgufBlocks.Write(coded, floats, type))
                {
                    Interlocked.Increment(ref faults);
                }

                Place(matrix, r, coded, type);
            }
        });
        return faults == 0 ? matrix : throw new UserError($"{name} holds a weight that {type.Name} cannot", where, "The file may be damaged; otherwise answer with the weights as they are stored.");
    }

    static GgufType Type(WeightBits bits) => bits == WeightBits.Eight ? GgufType.Q8_0 : GgufType.Q4_0;

    /// <summary>A block's scale and numbers; eight bits lose their sign on the way, four bits stand in two halves of the block.</summary>
    static void Place(WeightMatrix matrix, int row, ReadOnlySpan<byte> coded, GgufType type)
    {
        Span<byte> q = stackalloc byte[QuantizedMatMul.Block];
        for (int block = 0; block < coded.Length / type.BlockBytes; block++)
        {
            ReadOnlySpan<byte> from = coded.Slice(block * type.BlockBytes, type.BlockBytes);
            for (int i = 0; i < q.Length; i++)
            {
                q[i] = type == GgufType.Q8_0 ? (byte)((sbyte)from[2 + i] + 128) : (byte)((from[2 + (i % 16)] >> (i < 16 ? 0 : 4)) & 15);
            }

            matrix.Pack(row, block, BinaryPrimitives.ReadHalfLittleEndian(from), q);
        }
    }
}
