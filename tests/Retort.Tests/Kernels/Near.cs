namespace Retort.Tests.Kernels;

/// <summary>The measure of every kernel test: max|difference| / max|reference|, and slopes by central differences in double.</summary>
static class Near
{
    public static void Equal(ReadOnlySpan<double> expected, ReadOnlySpan<float> actual, double tolerance, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        double worst = 0, largest = 0;
        int at = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.True(float.IsFinite(actual[i]), $"{what}: [{i}] is {actual[i]}, expected {expected[i]}");
            largest = Math.Max(largest, Math.Abs(expected[i]));
            double difference = Math.Abs(expected[i] - actual[i]);
            if (difference > worst)
            {
                (worst, at) = (difference, i);
            }
        }

        Assert.True(worst <= tolerance * Math.Max(largest, 1e-30), $"{what}: [{at}] is {(expected.IsEmpty ? 0 : actual[at])}, expected {(expected.IsEmpty ? 0 : expected[at])}; relative to the largest {worst / Math.Max(largest, 1e-30):g3}, allowed {tolerance:g3}");
    }

    public static void Equal(double expected, double actual, double tolerance, string what) =>
        Assert.True(Math.Abs(expected - actual) <= tolerance * Math.Max(1, Math.Abs(expected)), $"{what}: {actual}, expected {expected}");

    /// <summary>∂loss/∂x[i].</summary>
    public static double Slope(double[] x, int i, Func<double> loss)
    {
        const double H = 1e-5;
        double kept = x[i];
        x[i] = kept + H;
        double above = loss();
        x[i] = kept - H;
        double below = loss();
        x[i] = kept;
        return (above - below) / (2 * H);
    }

    /// <summary>∂loss/∂x for every element.</summary>
    public static double[] Slopes(double[] x, Func<double> loss)
    {
        double[] slopes = new double[x.Length];
        for (int i = 0; i < x.Length; i++)
        {
            slopes[i] = Slope(x, i, loss);
        }

        return slopes;
    }

    /// <summary>The message of a refused shape names the operation and the operand.</summary>
    public static void Refuses(string operation, string operand, Action call)
    {
        string message = Assert.ThrowsAny<ArgumentException>(call).Message;
        Assert.StartsWith(operation + ": " + operand + " ", message, StringComparison.Ordinal);
    }
}
