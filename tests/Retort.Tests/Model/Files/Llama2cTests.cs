using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Retort.Model.Files;
using Retort.Model.Llama;

namespace Retort.Tests.Model.Files;

public sealed class Llama2cTests : IDisposable
{
    readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    /// <summary>A file whose float number i is i/1000; dim 8, hidden 12, 2 layers, 2 heads of 4, 1 key-value head, 10 tokens, 6 positions.</summary>
    internal static byte[] Model(int vocabulary)
    {
        const int Layer = 8 + 64 + 32 + 32 + 64 + 8 + (3 * 96);
        int floats = 80 + (2 * Layer) + 8 + (6 * 4) + (vocabulary < 0 ? 80 : 0);
        byte[] file = new byte[28 + (4 * floats)];
        MemoryMarshal.AsBytes<int>(new[] { 8, 12, 2, 2, 1, vocabulary, 6 }).CopyTo(file);
        for (int i = 0; i < floats; i++)
        {
            BinaryPrimitives.WriteSingleLittleEndian(file.AsSpan(28 + (4 * i)), i / 1000f);
        }

        return file;
    }

    [Theory]
    [InlineData(10)]
    [InlineData(-10)]
    public void EveryTensorIsWhereRunCReadsIt(int vocabulary)
    {
        LlamaWeights w = Llama2c.Read(_scratch.Write("m.bin", Model(vocabulary)));
        int at = 80;
        int Next(int each)
        {
            int start = at;
            at += 2 * each;
            return start;
        }

        Assert.Equal(vocabulary > 0, w.Config.TiedHead);
        Assert.Equal((10, 6, 4), (w.Config.Vocabulary, w.Config.Context, w.Config.HeadSize));
        Assert.Equal(0.079f, w.Embedding.Span[79]);
        Check(w, l => l.AttentionNorm, Next(8), 8);
        int query = Next(64), key = Next(32);
        Check(w, l => l.Value, Next(32), 32);
        Check(w, l => l.Output, Next(64), 64);
        Check(w, l => l.FeedForwardNorm, Next(8), 8);
        Check(w, l => l.Gate, Next(96), 96);
        Check(w, l => l.Down, Next(96), 96);
        Check(w, l => l.Up, Next(96), 96);
        Assert.Equal(at / 1000f, w.FinalNorm.Span[0]);
        Assert.Equal(vocabulary > 0 ? 0f : (at + 8 + 24) / 1000f, w.Head.Span[0]);

        // Rows of a head of four: 0 2 1 3.
        Assert.Equal([query, query + 16, query + 8, query + 24, query + 32, query + 48], Rows(w.Layers[0].Query)[..6]);
        Assert.Equal([key + 32, key + 48, key + 40, key + 56], Rows(w.Layers[1].Key));
    }

    static void Check(LlamaWeights w, Func<LayerWeights, WeightSlice> part, int start, int each)
    {
        Assert.Equal((start / 1000f, (start + each - 1) / 1000f), (part(w.Layers[0]).Span[0], part(w.Layers[0]).Span[^1]));
        Assert.Equal((start + each) / 1000f, part(w.Layers[1]).Span[0]);
    }

    static int[] Rows(WeightSlice matrix) => [.. Enumerable.Range(0, matrix.Shape[0]).Select(r => (int)MathF.Round(matrix.Span[r * 8] * 1000))];

    /// <summary>Rotating the file's rows in neighbouring pairs, as llama2.c does, scores as rotating ours in halves.</summary>
    [Fact]
    public void MovedRowsScoreAsLlama2cDoes()
    {
        byte[] file = Model(10);
        Random random = new(3);
        float[] query = new float[64], key = new float[32], x = new float[8];
        foreach (float[] a in new[] { query, key, x })
        {
            for (int i = 0; i < a.Length; i++)
            {
                a[i] = random.NextSingle() - 0.5f;
            }
        }

        MemoryMarshal.AsBytes<float>(query).CopyTo(file.AsSpan(28 + (4 * 96)));
        MemoryMarshal.AsBytes<float>(key).CopyTo(file.AsSpan(28 + (4 * (96 + 128))));
        LlamaWeights w = Llama2c.Read(_scratch.Write("m.bin", file));
        for (int head = 0; head < 2; head++)
        {
            double theirs = Score(query.AsSpan(head * 32, 32), key, x, (i, _) => (2 * i, (2 * i) + 1));
            double ours = Score(w.Layers[0].Query.Span.Slice(head * 32, 32), w.Layers[0].Key.Span, x, (i, half) => (i, i + half));
            Assert.Equal(theirs, ours, 1e-9);
        }
    }

    static double Score(ReadOnlySpan<float> query, ReadOnlySpan<float> key, float[] x, Func<int, int, (int A, int B)> pair)
    {
        double[] q = Rotate(query, x, 5, pair), k = Rotate(key, x, 2, pair);
        return q.Zip(k, (a, b) => a * b).Sum();
    }

    static double[] Rotate(ReadOnlySpan<float> rows, float[] x, int position, Func<int, int, (int A, int B)> pair)
    {
        double[] y = new double[4];
        for (int i = 0; i < 32; i++)
        {
            y[i / 8] += rows[i] * (double)x[i % 8];
        }

        for (int i = 0; i < 2; i++)
        {
            (int a, int b) = pair(i, 2);
            (double sin, double cos) = Math.SinCos(position * Math.Pow(10000, -2.0 * i / 4));
            (y[a], y[b]) = ((y[a] * cos) - (y[b] * sin), (y[a] * sin) + (y[b] * cos));
        }

        return y;
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0, -8)]
    [InlineData(0, 9)]
    [InlineData(0, 0x616b3432)]
    [InlineData(1, int.MaxValue)]
    [InlineData(2, 0)]
    [InlineData(2, int.MinValue)]
    [InlineData(3, 0)]
    [InlineData(3, 8)]
    [InlineData(4, 0)]
    [InlineData(4, 3)]
    [InlineData(5, 0)]
    [InlineData(5, int.MinValue)]
    [InlineData(5, 1 << 22)]
    [InlineData(6, -1)]
    [InlineData(6, 1 << 24)]
    public void AHostileHeaderIsRefused(int field, int value)
    {
        byte[] file = Model(10);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(4 * field), value);
        Assert.Throws<UserError>(() => Llama2c.Read(_scratch.Write("m.bin", file)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(27)]
    [InlineData(28)]
    [InlineData(-1)]
    [InlineData(1)]
    public void ALengthOtherThanTheHeadersIsRefused(int length)
    {
        byte[] file = Model(10);
        Array.Resize(ref file, length is 1 or -1 ? file.Length + length : length);
        Assert.Throws<UserError>(() => Llama2c.Read(_scratch.Write("m.bin", file)));
    }

    [Fact]
    public void ANumberThatIsNoneIsNamed()
    {
        byte[] file = Model(10);
        BinaryPrimitives.WriteSingleLittleEndian(file.AsSpan(28), float.NaN);
        Assert.Equal("model.embed_tokens.weight holds NaN at position 0", Assert.Throws<UserError>(() => Llama2c.Read(_scratch.Write("m.bin", file))).What);
    }
}
