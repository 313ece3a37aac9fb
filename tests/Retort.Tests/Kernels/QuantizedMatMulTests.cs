using Retort.Kernels;

namespace Retort.Tests.Kernels;

public class QuantizedMatMulTests
{
    public static TheoryData<WeightBits, int, int, int> Cases
    {
        get
        {
            TheoryData<WeightBits, int, int, int> cases = [];
            foreach (WeightBits bits in Enum.GetValues<WeightBits>())
            {
                foreach ((int n, int k, int rows) in ((int, int, int)[])[(32, 32, 1), (64, 96, 3), (32, 64, 4), (96, 160, 7), (64, 576, 13)])
                {
                    cases.Add(bits, n, k, rows);
                }
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void EqualsTheSumOfWhatIsStored(WeightBits bits, int n, int k, int rows)
    {
        (ByteBuffer weights, double[] w) = Weights(bits, n, k, seed: n + k);
        float[] activations = Draw.Floats(rows, rows * k, 3f);
        QuantizedRows x = new(rows, k);
        double[] stored = new double[rows * k];
        for (int t = 0; t < rows; t++)
        {
            x.Set(t, activations.AsSpan(t * k, k));
            Rounded(activations.AsSpan(t * k, k)).CopyTo(stored.AsSpan(t * k));
        }

        double[] expected = new double[rows * n], twice = new double[rows * n];
        for (int t = 0; t < rows; t++)
        {
            for (int i = 0; i < n; i++)
            {
                for (int c = 0; c < k; c++)
                {
                    expected[(t * n) + i] += w[(i * k) + c] * stored[(t * k) + c];
                }

                twice[(t * n) + i] = 2 * expected[(t * n) + i];
            }
        }

        float[] y = new float[rows * n];
        QuantizedMatMul.Forward(y, n, weights.Slice(0, (int)weights.Length), bits, n / 32, x, rows, k);
        Near.Equal(expected, y, 2e-6, "y");
        QuantizedMatMul.Forward(y, n, weights.Slice(0, (int)weights.Length), bits, n / 32, x, rows, k, accumulate: true);
        Near.Equal(twice, y, 2e-6, "accumulated");
    }

    [Theory]
    [InlineData(WeightBits.Eight)]
    [InlineData(WeightBits.Four)]
    public void EveryTileGivesARowTheSameBits(WeightBits bits)
    {
        const int N = 96, K = 224, Rows = 11;
        (ByteBuffer weights, _) = Weights(bits, N, K, seed: 5);
        ReadOnlySpan<byte> w = weights.Slice(0, (int)weights.Length);
        float[] activations = Draw.Floats(6, Rows * K), together = new float[Rows * N], alone = new float[N];
        QuantizedRows x = new(Rows, K), one = new(1, K);
        for (int t = 0; t < Rows; t++)
        {
            x.Set(t, activations.AsSpan(t * K, K));
        }

        QuantizedMatMul.Forward(together, N, w, bits, N / 32, x, Rows, K);
        for (int t = 0; t < Rows; t++)
        {
            one.Set(0, activations.AsSpan(t * K, K));
            QuantizedMatMul.Forward(alone, N, w, bits, N / 32, one, 1, K);
            Assert.Equal(alone, together.AsSpan(t * N, N).ToArray());
        }
    }

    [Fact]
    public void ActivationsAreTheSameInEveryWidth()
    {
        float[] numbers = Draw.Floats(7, 6 * 96, 9f);
        numbers.AsSpan(96, 32).Clear();
        QuantizedRows plain = new(6, 96), wide = new(6, 96);
        for (int row = 0; row < 6; row++)
        {
            plain.Set(row, numbers.AsSpan(row * 96, 96), wide: false);
            wide.Set(row, numbers.AsSpan(row * 96, 96), wide: true);
        }

        Assert.Equal(plain.Kept.Bytes, wide.Kept.Bytes);
        Assert.Equal(plain.Kept.Pairs, wide.Kept.Pairs);
        Assert.Equal(plain.Kept.Scales, wide.Kept.Scales);
        Assert.Equal(plain.Kept.Sums, wide.Kept.Sums);
    }

    [Theory]
    [InlineData(WeightBits.Eight)]
    [InlineData(WeightBits.Four)]
    public void WhatIsPackedComesBack(WeightBits bits)
    {
        const int N = 32, K = 96;
        (ByteBuffer weights, double[] w) = Weights(bits, N, K, seed: 8);
        float[] row = new float[K];
        for (int i = 0; i < N; i++)
        {
            QuantizedMatMul.Unpack(row, weights.Slice(0, (int)weights.Length), bits, i);
            Assert.Equal(w.AsSpan(i * K, K).ToArray(), Draw.Wide(row));
        }
    }

    [Fact]
    public void AWrongShapeIsNamed()
    {
        QuantizedRows x = new(2, 64);
        float[] y = new float[64];
        byte[] w = new byte[QuantizedMatMul.GroupBytes(64, WeightBits.Eight)];
        Near.Refuses("QuantizedMatMul.Forward", "y", () => QuantizedMatMul.Forward(y.AsSpan(0, 63), 32, w, WeightBits.Eight, 1, x, 2, 64));
        Near.Refuses("QuantizedMatMul.Forward", "w", () => QuantizedMatMul.Forward(y, 32, w.AsSpan(1), WeightBits.Eight, 1, x, 2, 64));
        Near.Refuses("QuantizedMatMul.Forward", "x", () => QuantizedMatMul.Forward(new float[640], 32, w, WeightBits.Eight, 1, x, 20, 64));
        Assert.ThrowsAny<ArgumentException>(() => x.Set(0, new float[33]));
        Near.Refuses("QuantizedRows.Set", "x", () => x.Set(4, new float[64]));
    }

    /// <summary>What <see cref="QuantizedRows"/> keeps of numbers, in double.</summary>
    static double[] Rounded(ReadOnlySpan<float> x)
    {
        double[] y = new double[x.Length];
        for (int b = 0; b < x.Length; b += 32)
        {
            float most = 0;
            foreach (float v in x.Slice(b, 32))
            {
                most = MathF.Max(most, MathF.Abs(v));
            }

            float inverse = most > 0 ? 127f / most : 0;
            for (int i = b; i < b + 32; i++)
            {
                y[i] = MathF.Round(x[i] * inverse) * (double)(most / 127f);
            }
        }

        return y;
    }

    /// <summary>Packed weights and what they stand for; scales from far below to above the least normal half.</summary>
    static (ByteBuffer Packed, double[] Values) Weights(WeightBits bits, int n, int k, int seed)
    {
        Random random = new(seed);
        int bytes = QuantizedMatMul.GroupBytes(k, bits), most = bits == WeightBits.Eight ? 256 : 16;
        ByteBuffer packed = new((long)n / 32 * bytes);
        double[] values = new double[n * k];
        byte[] q = new byte[32];
        for (int i = 0; i < n; i++)
        {
            for (int b = 0; b < k / 32; b++)
            {
                Half scale = (Half)(random.NextDouble() * (random.Next(4) == 0 ? 1e-6 : 0.02) * (bits == WeightBits.Four && random.Next(2) == 0 ? -1 : 1));
                for (int c = 0; c < 32; c++)
                {
                    q[c] = (byte)random.Next(most);
                    values[(i * k) + (b * 32) + c] = (double)scale * (q[c] - (most / 2));
                }

                QuantizedMatMul.Pack(packed.Slice((long)i / 32 * bytes, bytes), bits, i % 32, b, scale, q);
            }
        }

        return (packed, values);
    }
}
