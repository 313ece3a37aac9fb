using Retort.Kernels;

namespace Retort.Tests.Kernels;

public sealed class BiasTests
{
    const int L = MatMul.L;

    [Fact]
    public void IsAddedForwardAndSummedBackward()
    {
        for (int channels = 0; channels <= 257; channels++)
        {
            int blocks = 1 + (channels % 5);
            float[] b = Draw.Floats(1, channels), y = Draw.Floats(2, channels * L), dy = Draw.Floats(3, blocks * channels * L), start = Draw.Floats(4, channels);
            double[] expected = Draw.Wide(y), sums = Draw.Wide(start);
            for (int i = 0; i < expected.Length; i++)
            {
                expected[i] += b[i / L];
            }

            for (int i = 0; i < dy.Length; i++)
            {
                sums[i / L % channels] += dy[i];
            }

            Guarded forward = new(y), backward = new(start);
            Bias.Forward(forward.Span, b);
            Bias.Backward(backward.Span, dy, blocks);
            Near.Equal(expected, forward.Checked(), 1e-7, $"y of {channels}");
            Near.Equal(sums, backward.Checked(), 5e-6, $"db of {channels}");
        }
    }

    [Fact]
    public void BackwardEqualsTheSlopes()
    {
        const int Channels = 5, Blocks = 3;
        float[] b = Draw.Floats(1, Channels), dy = Draw.Floats(2, Blocks * Channels * L), gradient = new float[Channels];
        double[] wide = Draw.Wide(b);
        Bias.Backward(gradient, dy, Blocks);
        Near.Equal(Near.Slopes(wide, () => dy.Select((d, i) => d * wide[i / L % Channels]).Sum()), gradient, 2e-6, "db");
    }

    [Fact]
    public void WrongShapesAreNamed()
    {
        Near.Refuses("Bias.Forward", "y", () => Bias.Forward(new float[(2 * L) - 1], new float[2]));
        Near.Refuses("Bias.Backward", "dy", () => Bias.Backward(new float[2], new float[(4 * L) - 1], 2));
    }
}
