using Retort.Kernels;

namespace Retort.Tests.Kernels;

public sealed class EmbeddingTests
{
    const int L = MatMul.L, Vocabulary = 11;

    [Fact]
    public void RowsBecomeChannelsAndTheirGradientsAreSummed()
    {
        for (int channels = 0; channels <= 257; channels++)
        {
            int blocks = 1 + (channels % 5);
            float[] table = Draw.Floats(1, Vocabulary * channels), dx = Draw.Floats(2, blocks * channels * L), start = Draw.Floats(3, table.Length);
            int[] tokens = Draw.Whole(channels, blocks * L, Vocabulary);
            double[] expected = Draw.Wide(start);
            Guarded x = new(channels * L), gradient = new(start);
            for (int b = 0; b < blocks; b++)
            {
                Embedding.Forward(x.Span, table, tokens.AsSpan(b * L, L), channels);
                ReadOnlySpan<float> columns = x.Checked();
                for (int c = 0; c < channels; c++)
                {
                    for (int l = 0; l < L; l++)
                    {
                        int token = tokens[(b * L) + l];
                        Assert.True(table[(token * channels) + c] == columns[(c * L) + l], $"x[{c}, {l}] of {channels}");
                        expected[(token * channels) + c] += dx[(((b * channels) + c) * L) + l];
                    }
                }
            }

            for (int part = 0; part < 3; part++)
            {
                Embedding.Backward(gradient.Span, dx, tokens, channels, part, 3);
            }

            Near.Equal(expected, gradient.Checked(), 2e-6, $"de of {channels}");
            Guarded whole = new(start);
            Embedding.Backward(whole.Span, dx, tokens, channels, 0, 1);
            Assert.True(whole.Checked().SequenceEqual(gradient.Span));
        }
    }

    [Fact]
    public void BackwardEqualsTheSlopes()
    {
        const int Channels = 3, Blocks = 2;
        float[] table = Draw.Floats(1, Vocabulary * Channels), dx = Draw.Floats(2, Blocks * Channels * L), gradient = new float[table.Length];
        int[] tokens = Draw.Whole(4, Blocks * L, Vocabulary);
        double[] wide = Draw.Wide(table);
        double Loss()
        {
            double sum = 0;
            for (int i = 0; i < dx.Length; i++)
            {
                sum += dx[i] * wide[(tokens[(i / (Channels * L) * L) + (i % L)] * Channels) + (i / L % Channels)];
            }

            return sum;
        }

        Embedding.Backward(gradient, dx, tokens, Channels, 0, 1);
        Near.Equal(Near.Slopes(wide, Loss), gradient, 1e-6, "de");
    }

    [Fact]
    public void WrongShapesAreNamed()
    {
        float[] table = new float[3 * 4], x = new float[4 * L];
        int[] tokens = new int[L], wrong = new int[L];
        wrong[7] = 3;
        Near.Refuses("Embedding.Forward", "x", () => Embedding.Forward(x.AsSpan(1), table, tokens, 4));
        Near.Refuses("Embedding.Forward", "tokens", () => Embedding.Forward(x, table, tokens.AsSpan(1), 4));
        Near.Refuses("Embedding.Backward", "dx", () => Embedding.Backward(table, x.AsSpan(1), tokens, 4, 0, 1));
        Assert.ThrowsAny<ArgumentException>(() => Embedding.Forward(x, table, wrong, 4));
        Assert.ThrowsAny<ArgumentException>(() => Embedding.Backward(table, x, wrong, 4, 0, 1));
    }
}
