namespace Retort.Tests.Kernels;

/// <summary>Inputs of kernel tests: uniform numbers that depend on the seed alone, and the sizes at which tiles and tails change.</summary>
static class Draw
{
    /// <summary>One below, at and above every tile, vector and pass length up to 257.</summary>
    public static readonly int[] Spread = [1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 48, 63, 64, 65, 100, 127, 128, 129, 172, 255, 256, 257];

    /// <summary>Uniform in ±<paramref name="scale"/>.</summary>
    public static float[] Floats(int seed, int length, float scale = 1f)
    {
        Random random = new(seed);
        float[] x = new float[length];
        for (int i = 0; i < length; i++)
        {
            x[i] = ((2f * random.NextSingle()) - 1f) * scale;
        }

        return x;
    }

    public static int[] Whole(int seed, int length, int below)
    {
        Random random = new(seed);
        int[] x = new int[length];
        for (int i = 0; i < length; i++)
        {
            x[i] = random.Next(below);
        }

        return x;
    }

    public static double[] Wide(ReadOnlySpan<float> x)
    {
        double[] y = new double[x.Length];
        for (int i = 0; i < y.Length; i++)
        {
            y[i] = x[i];
        }

        return y;
    }

    /// <summary>Token l of a block [channels, 32].</summary>
    public static double[] Token(ReadOnlySpan<float> x_CL, int channels, int l)
    {
        double[] y = new double[channels];
        for (int c = 0; c < channels; c++)
        {
            y[c] = x_CL[(c * 32) + l];
        }

        return y;
    }
}
