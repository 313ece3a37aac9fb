using System.Runtime.InteropServices;
using Retort.Kernels;

namespace Retort.Tests.Kernels;

public class StoredMatMulTests
{
    [Theory]
    [InlineData(FloatFormat.F32)]
    [InlineData(FloatFormat.F16)]
    [InlineData(FloatFormat.BF16)]
    public void EqualsTheSumInDouble(FloatFormat format)
    {
        foreach ((int n, int k, int rows) in ((int, int, int)[])[(1, 1, 1), (4, 16, 1), (7, 33, 5), (9, 100, 4), (12, 17, 9), (5, 257, 2)])
        {
            (byte[] w, float[] values) = Weights(format, n * k);
            float[] x = Draw.Floats(3, rows * k), y = new float[((rows - 1) * (n + 2)) + n];
            double[] expected = new double[y.Length];
            for (int t = 0; t < rows; t++)
            {
                for (int i = 0; i < n; i++)
                {
                    for (int c = 0; c < k; c++)
                    {
                        expected[(t * (n + 2)) + i] += (double)values[(i * k) + c] * x[(t * k) + c];
                    }
                }
            }

            StoredMatMul.Forward(y, n + 2, w, format, x, n, rows, k);
            Near.Equal(expected, y, 3e-6, $"{n} × {k} for {rows}");
            StoredMatMul.Forward(y, n + 2, w, format, x, n, rows, k, accumulate: true);
            Near.Equal([.. expected.Select(e => 2 * e)], y, 3e-6, $"{n} × {k} for {rows}, accumulated");
        }
    }

    [Theory]
    [InlineData(FloatFormat.F32)]
    [InlineData(FloatFormat.F16)]
    [InlineData(FloatFormat.BF16)]
    public void ARowGetsTheSameBitsAloneAndWithOthers(FloatFormat format)
    {
        const int N = 10, K = 75, Rows = 11;
        (byte[] w, _) = Weights(format, N * K);
        float[] x = Draw.Floats(4, Rows * K), together = new float[Rows * N], alone = new float[N];
        StoredMatMul.Forward(together, N, w, format, x, N, Rows, K);
        for (int t = 0; t < Rows; t++)
        {
            StoredMatMul.Forward(alone, N, w, format, x.AsSpan(t * K, K), N, 1, K);
            Assert.Equal(alone, together.AsSpan(t * N, N).ToArray());
        }
    }

    [Fact]
    public void EveryHalfAndEveryUpperHalfWidensExactly()
    {
        ushort[] all = [.. Enumerable.Range(0, 65536).Select(i => (ushort)i).Where(i => Half.IsFinite(BitConverter.UInt16BitsToHalf(i)))];
        float[] y = new float[all.Length];
        StoredMatMul.Widen(y, MemoryMarshal.AsBytes(all.AsSpan()), FloatFormat.F16);
        Assert.Equal(all.Select(i => (float)BitConverter.UInt16BitsToHalf(i)), y);
        StoredMatMul.Widen(y, MemoryMarshal.AsBytes(all.AsSpan()), FloatFormat.BF16);
        Assert.Equal(all.Select(i => BitConverter.UInt32BitsToSingle((uint)i << 16)), y);
    }

    [Fact]
    public void AWrongShapeIsNamed()
    {
        float[] y = new float[4], x = new float[4];
        byte[] w = new byte[8 * 2];
        Near.Refuses("StoredMatMul.Forward", "y", () => StoredMatMul.Forward(y, 4, w, FloatFormat.F16, x, 4, 2, 2));
        Near.Refuses("StoredMatMul.Forward", "w", () => StoredMatMul.Forward(y, 4, w, FloatFormat.F32, x, 4, 1, 2));
        Near.Refuses("StoredMatMul.Forward", "x", () => StoredMatMul.Forward(y, 2, w, FloatFormat.F16, x, 2, 2, 3));
        Near.Refuses("StoredMatMul.Widen", "from", () => StoredMatMul.Widen(y, w.AsSpan(0, 7), FloatFormat.F16));
    }

    /// <summary>Stored numbers, of halves some below the least normal one, and the same as floats.</summary>
    static (byte[] Stored, float[] Values) Weights(FloatFormat format, int length)
    {
        float[] values = Draw.Floats(2, length);
        for (int i = 0; i < length; i += 5)
        {
            values[i] *= 3e-5f;
        }

        if (format == FloatFormat.F32)
        {
            return (MemoryMarshal.AsBytes(values.AsSpan()).ToArray(), values);
        }

        ushort[] narrow = new ushort[length];
        if (format == FloatFormat.F16)
        {
            Blocks.ToHalf(narrow, values);
            Blocks.FromHalf(values, narrow);
        }
        else
        {
            Blocks.ToBFloat16(narrow, values);
            Blocks.FromBFloat16(values, narrow);
        }

        return (MemoryMarshal.AsBytes(narrow.AsSpan()).ToArray(), values);
    }
}
