using Retort.Kernels;

namespace Retort.Tests.Kernels;

public sealed class DropoutTests
{
    const double P = 0.3;

    /// <summary>Whatever the length, the same places fall: what a vector draws is what one place at a time would.</summary>
    [Fact]
    public void EveryPlaceIsDrawnByItself()
    {
        float[] x = [.. Enumerable.Repeat(1f, 257)], whole = new float[257];
        Dropout.Forward(whole, x, 0x1234_5678_9ABC_DEF0, P);
        foreach (int length in Draw.Spread)
        {
            Guarded y = new(length);
            Dropout.Forward(y.Span, x.AsSpan(0, length), 0x1234_5678_9ABC_DEF0, P);
            Assert.Equal(whole.AsSpan(0, length), y.Checked());
        }
    }

    [Fact]
    public void TheRightShareFallsAndTheRestMakesUpForIt()
    {
        float[] x = [.. Enumerable.Repeat(1f, 100_000)], y = new float[x.Length], other = new float[x.Length];
        Dropout.Forward(y, x, 1, P);
        Dropout.Forward(other, x, 2, P);
        Assert.All(y, v => Assert.True(v == 0f || v == (float)(1 / (1 - P))));
        Assert.Equal(P, y.Count(v => v == 0f) / 100_000.0, 0.01);

        // Two keys' draws are unrelated: both fall in p² of the places.
        Assert.Equal(P * P, y.Zip(other).Count(v => v.First == 0f && v.Second == 0f) / 100_000.0, 0.01);
        Dropout.Forward(y, x, 1, 0);
        Assert.Equal(x, y);
    }

    [Fact]
    public void TheGradientFallsInTheSamePlaces()
    {
        float[] x = Draw.Floats(1, 200), y = new float[200], dy = Draw.Floats(2, 200), dx = Draw.Floats(3, 200), before = [.. dx];
        Dropout.Forward(y, x, 99, P);
        Dropout.Backward(dx, dy, 99, P);
        for (int i = 0; i < x.Length; i++)
        {
            Assert.Equal(before[i] + (y[i] == 0f ? 0f : dy[i] * (float)(1 / (1 - P))), dx[i], 1e-6f);
        }
    }
}
