using System.Runtime.InteropServices;
using Retort.Kernels;

namespace Retort.Model.Inference;

/// <summary>
/// A matrix [rows, columns] as it is kept to compute with: floats as a file holds them, which may be the mapped file itself, or blocks of
/// whole numbers packed for <see cref="QuantizedMatMul"/>.
/// </summary>
public sealed class WeightMatrix
{
    /// <summary>Rows of stored floats that are widened together for a block of tokens: with 1,536 columns, 384 KiB.</summary>
    internal const int WideRows = 64;

    const int L = MatMul.L;

    readonly ByteBuffer _bytes;
    readonly long _start;

    WeightMatrix(ByteBuffer bytes, long start, int rows, int columns) => (_bytes, _start, Rows, Columns) = (bytes, start, rows, columns);

    public int Rows { get; }

    public int Columns { get; }

    /// <summary>How its numbers are stored, or null where they are quantised.</summary>
    public FloatFormat? Stored { get; private init; }

    /// <summary>Bits of a quantised weight, or null.</summary>
    public WeightBits? Bits { get; private init; }

    /// <summary>Bytes that a product reads.</summary>
    public long Bytes => Bits is { } bits ? PackedBytes(bits, Rows, Columns) : (long)Rows * Columns * StoredMatMul.Size(Stored!.Value);

    /// <summary>Whether a matrix of this width can be packed.</summary>
    public static bool CanPack(int columns) => columns % QuantizedMatMul.Block == 0;

    /// <param name="start">Its first byte.</param>
    public static WeightMatrix Of(ByteBuffer bytes, long start, FloatFormat format, int rows, int columns) =>
        start + ((long)rows * columns * StoredMatMul.Size(format)) <= bytes.Length
            ? new(bytes, start, rows, columns) { Stored = format }
            : throw new ArgumentException($"WeightMatrix.Of: {rows} × {columns} from byte {start} on do not fit in {bytes.Length}.", nameof(bytes));

    /// <summary>Memory for a packed matrix, to be filled row by row with <see cref="Pack"/>.</summary>
    public static WeightMatrix Packed(WeightBits bits, int rows, int columns) =>
        CanPack(columns)
            ? new(new ByteBuffer(PackedBytes(bits, rows, columns)), 0, rows, columns) { Bits = bits }
            : throw new ArgumentException($"WeightMatrix.Packed: {columns} columns are no whole blocks of {QuantizedMatMul.Block}.", nameof(columns));

    /// <summary>A copy of stored floats in another of their formats, rounded to the nearest.</summary>
    internal WeightMatrix Narrowed(FloatFormat format)
    {
        ByteBuffer bytes = new((long)Rows * Columns * StoredMatMul.Size(format));
        float[] row = new float[Columns];
        for (int i = 0; i < Rows; i++)
        {
            Row(row, i);
            Span<byte> to = bytes.Slice((long)i * Columns * StoredMatMul.Size(format), Columns * StoredMatMul.Size(format));
            switch (format)
            {
                case FloatFormat.F32: MemoryMarshal.AsBytes(row.AsSpan()).CopyTo(to); break;
                case FloatFormat.F16: Blocks.ToHalf(MemoryMarshal.Cast<byte, ushort>(to), row); break;
                default: Blocks.ToBFloat16(MemoryMarshal.Cast<byte, ushort>(to), row); break;
            }
        }

        return Of(bytes, 0, format, Rows, Columns);
    }

    /// <summary>Fills one block of 32 channels of a packed row.</summary>
    internal void Pack(int row, int block, Half scale, ReadOnlySpan<byte> q) =>
        QuantizedMatMul.Pack(Groups(row / QuantizedMatMul.Group, 1), Bits!.Value, row % QuantizedMatMul.Group, block, scale, q);

    /// <summary>Throws a <see cref="UserError"/> that names the first stored float that is no number.</summary>
    /// <param name="name">What the error calls the matrix.</param>
    internal void CheckFinite(string name, string where)
    {
        const string Hint = "The file is damaged, or the model's training diverged.";
        float[] row = new float[Columns];
        for (int i = 0; i < Rows; i++)
        {
            if (Stored == FloatFormat.F16)
            {
                Blocks.FromHalf(row, MemoryMarshal.Cast<byte, ushort>(Floats(i, 1)));
            }
            else
            {
                Row(row, i);
            }

            Files.ModelFolder.CheckFinite(row, name, where, Hint, (long)i * Columns);
        }
    }

    /// <summary>One row as floats.</summary>
    internal void Row(Span<float> to, int row)
    {
        if (Bits is { } bits)
        {
            QuantizedMatMul.Unpack(to, Groups(row / QuantizedMatMul.Group, 1), bits, row % QuantizedMatMul.Group);
        }
        else
        {
            StoredMatMul.Widen(to, Floats(row, 1), Stored!.Value);
        }
    }

    /// <summary>y[t, n] (+)= Σₖ w[n, k] · x[t, k] for rows <paramref name="from"/> to <paramref name="to"/> of the matrix, multiples of <see cref="QuantizedMatMul.Group"/> but for its end.</summary>
    /// <param name="y">[tokens, stride], of which columns <paramref name="from"/> to <paramref name="to"/> are written.</param>
    /// <param name="x">Prepared rows.</param>
    /// <param name="scratch">At least <see cref="Scratch(int, int)"/> floats.</param>
    internal void Multiply(Span<float> y, int stride, ProductInput x, int from, int to, bool accumulate, Span<float> scratch)
    {
        if (Bits is { } bits)
        {
            int first = from / QuantizedMatMul.Group, groups = (to - from) / QuantizedMatMul.Group, rest = from + (groups * QuantizedMatMul.Group);
            QuantizedMatMul.Forward(y[from..], stride, Groups(first, groups), bits, groups, x.Quantized!, x.Rows, Columns, accumulate);
            if (rest < to)
            {
                LastGroup(y, stride, x, rest, accumulate, scratch);
            }

            return;
        }

        for (int row = from; x.Blocks > 0 && row < to; row += WideRows)
        {
            Wide(y, stride, x, row, Math.Min(WideRows, to - row), accumulate, scratch);
        }

        int single = x.Blocks * L;
        if (single < x.Rows)
        {
            StoredMatMul.Forward(y[((single * stride) + from)..], stride, Floats(from, to - from), Stored!.Value, x.Raw.From(single * Columns), to - from, x.Rows - single, Columns, accumulate);
        }
    }

    /// <summary>Floats of scratch a product of that many rows of activations needs.</summary>
    internal static int Scratch(int rows, int columns) => checked(WideRows * (columns + rows));

    /// <summary>The rows of a group that is not full: the group's sums, of which the matrix has the first.</summary>
    void LastGroup(Span<float> y, int stride, ProductInput x, int row, bool accumulate, Span<float> scratch)
    {
        const int Group = QuantizedMatMul.Group;
        Span<float> sums = scratch[..(x.Rows * Group)];
        QuantizedMatMul.Forward(sums, Group, Groups(row / Group, 1), Bits!.Value, 1, x.Quantized!, x.Rows, Columns);
        for (int t = 0; t < x.Rows; t++)
        {
            Span<float> line = y.Slice((t * stride) + row, Rows - row);
            for (int n = 0; n < line.Length; n++)
            {
                line[n] = accumulate ? line[n] + sums[(t * Group) + n] : sums[(t * Group) + n];
            }
        }
    }

    static long PackedBytes(WeightBits bits, int rows, int columns) => (long)((rows + QuantizedMatMul.Group - 1) / QuantizedMatMul.Group) * QuantizedMatMul.GroupBytes(columns, bits);

    /// <summary>Some rows with all whole token blocks.</summary>
    void Wide(Span<float> y, int stride, ProductInput x, int row, int rows, bool accumulate, Span<float> scratch)
    {
        Span<float> wide = scratch[..(rows * Columns)], sums = scratch.Slice(WideRows * Columns, rows * L * x.Blocks);
        ReadOnlySpan<float> w = wide;
        if (Stored == FloatFormat.F32)
        {
            w = MemoryMarshal.Cast<byte, float>(Floats(row, rows));
        }
        else
        {
            StoredMatMul.Widen(wide, Floats(row, rows), Stored!.Value);
        }

        MatMul.Forward(sums, w, x.Turned!.Span, rows, Columns, x.Blocks);
        for (int t = 0; t < x.Blocks * L; t++)
        {
            ReadOnlySpan<float> column = sums[((t / L * rows * L) + (t % L))..];
            Span<float> line = y.Slice((t * stride) + row, rows);
            for (int n = 0; n < rows; n++)
            {
                line[n] = accumulate ? line[n] + column[n * L] : column[n * L];
            }
        }
    }

    Span<byte> Groups(int first, int count)
    {
        int bytes = QuantizedMatMul.GroupBytes(Columns, Bits!.Value);
        return _bytes.Slice(_start + ((long)first * bytes), count * bytes);
    }

    Span<byte> Floats(int row, int rows)
    {
        int bytes = Columns * StoredMatMul.Size(Stored!.Value);
        return _bytes.Slice(_start + ((long)row * bytes), rows * bytes);
    }
}
