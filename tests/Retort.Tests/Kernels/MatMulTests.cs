using Retort.Kernels;

namespace Retort.Tests.Kernels;

public sealed class MatMulTests
{
    const int L = MatMul.L;
    const double Tolerance = 3e-6;

    public static TheoryData<int> Outputs => [.. Draw.Spread];

    [Theory]
    [MemberData(nameof(Outputs))]
    public void TheThreeProductsEqualTheirSums(int n)
    {
        foreach (int k in Draw.Spread)
        {
            int blocks = 1 + ((n + k) % 5);
            Check(n, k, blocks);
        }
    }

    /// <summary>Every width from nothing to one past 256, first as the outputs, then as the inputs.</summary>
    [Fact]
    public void EveryWidthEqualsItsSums()
    {
        for (int width = 0; width <= 257; width++)
        {
            Check(width, 5, 1);
            Check(7, width, 2);
        }
    }

    /// <summary>More token blocks than one pass over the weight gradient takes.</summary>
    [Theory]
    [InlineData(3, 5, 31)]
    [InlineData(9, 33, 32)]
    [InlineData(17, 32, 33)]
    [InlineData(8, 40, 65)]
    public void ManyBlocks(int n, int k, int blocks) => Check(n, k, blocks);

    [Theory]
    [InlineData(0, 0, 1)]
    [InlineData(0, 9, 2)]
    [InlineData(9, 0, 2)]
    [InlineData(9, 9, 0)]
    public void EmptySumsAreZero(int n, int k, int blocks) => Check(n, k, blocks);

    /// <summary>Each product is bilinear; its slopes by central differences pin which transpose is which.</summary>
    [Fact]
    public void BackwardEqualsTheSlopes()
    {
        const int N = 5, K = 3, Blocks = 2;
        float[] w = Draw.Floats(1, N * K), x = Draw.Floats(2, Blocks * K * L), dy = Draw.Floats(3, Blocks * N * L);
        double[] wide = Draw.Wide(w), wideX = Draw.Wide(x), slope = Draw.Wide(dy);
        double Loss()
        {
            double[] y = Forward(wide, wideX, N, K, Blocks);
            return y.Zip(slope, (a, b) => a * b).Sum();
        }

        float[] dx = new float[x.Length], dw = new float[w.Length], xt = new float[MatMul.PanelLength(K, Blocks)];
        MatMul.BackwardInput(dx, w, dy, N, K, Blocks);
        Turn(xt, x, K, Blocks);
        MatMul.BackwardWeight(dw, dy, xt, N, K, Blocks, 0, N);
        Near.Equal(Near.Slopes(wideX, Loss), dx, 1e-5, "dx");
        Near.Equal(Near.Slopes(wide, Loss), dw, 1e-5, "dw");
    }

    [Fact]
    public void RowsDealtOutGiveTheSameBits()
    {
        const int N = 61, K = 70, Blocks = 3;
        float[] dy = Draw.Floats(1, Blocks * N * L), x = Draw.Floats(2, Blocks * K * L), xt = new float[MatMul.PanelLength(K, Blocks)];
        float[] whole = new float[N * K], dealt = new float[N * K];
        Turn(xt, x, K, Blocks);
        MatMul.BackwardWeight(whole, dy, xt, N, K, Blocks, 0, N);
        int[] cuts = [0, 1, 4, 4, 12, 29, 60, 61];
        for (int i = 0; i + 1 < cuts.Length; i++)
        {
            MatMul.BackwardWeight(dealt, dy, xt, N, K, Blocks, cuts[i], cuts[i + 1]);
        }

        Assert.Equal(whole, dealt);
    }

    [Fact]
    public void WrongShapesAreNamed()
    {
        float[] y = new float[2 * 3 * L], w = new float[3 * 4], x = new float[2 * 4 * L], xt = new float[MatMul.PanelLength(4, 2)];
        Near.Refuses("MatMul.Forward", "y", () => MatMul.Forward(y.AsSpan(1), w, x, 3, 4, 2));
        Near.Refuses("MatMul.Forward", "w", () => MatMul.Forward(y, w.AsSpan(1), x, 3, 4, 2));
        Near.Refuses("MatMul.Forward", "x", () => MatMul.Forward(y, w, x.AsSpan(1), 3, 4, 2));
        Near.Refuses("MatMul.BackwardInput", "dx", () => MatMul.BackwardInput(x.AsSpan(1), w, y, 3, 4, 2));
        Near.Refuses("MatMul.BackwardInput", "w", () => MatMul.BackwardInput(x, w.AsSpan(1), y, 3, 4, 2));
        Near.Refuses("MatMul.BackwardInput", "dy", () => MatMul.BackwardInput(x, w, y.AsSpan(1), 3, 4, 2));
        Near.Refuses("MatMul.Panels", "xt", () => MatMul.Panels(xt.AsSpan(1), x, 4, 2, 0));
        Near.Refuses("MatMul.Panels", "x", () => MatMul.Panels(xt, x.AsSpan(0, 100), 4, 2, 0));
        Near.Refuses("MatMul.Panels", "block", () => MatMul.Panels(xt, x, 4, 2, 2));
        Near.Refuses("MatMul.BackwardWeight", "dw", () => MatMul.BackwardWeight(w.AsSpan(1), y, xt, 3, 4, 2, 0, 3));
        Near.Refuses("MatMul.BackwardWeight", "dy", () => MatMul.BackwardWeight(w, y.AsSpan(1), xt, 3, 4, 2, 0, 3));
        Near.Refuses("MatMul.BackwardWeight", "xt", () => MatMul.BackwardWeight(w, y, xt.AsSpan(1), 3, 4, 2, 0, 3));
        Near.Refuses("MatMul.BackwardWeight", "from..to", () => MatMul.BackwardWeight(w, y, xt, 3, 4, 2, 0, 4));
    }

    static void Check(int n, int k, int blocks)
    {
        string what = $"n {n}, k {k}, blocks {blocks}";
        float[] w = Draw.Floats(n + k, n * k), x = Draw.Floats(n + (3 * k), blocks * k * L), dy = Draw.Floats((5 * n) + k, blocks * n * L);
        float[] yStart = Draw.Floats(1, blocks * n * L), xStart = Draw.Floats(2, blocks * k * L), wStart = Draw.Floats(3, n * k);
        double[] wide = Draw.Wide(w), wideX = Draw.Wide(x), slope = Draw.Wide(dy);

        Guarded y = new(blocks * n * L), yMore = new(yStart);
        MatMul.Forward(y.Span, w, x, n, k, blocks);
        MatMul.Forward(yMore.Span, w, x, n, k, blocks, accumulate: true);
        double[] expected = Forward(wide, wideX, n, k, blocks);
        Near.Equal(expected, y.Checked(), Tolerance, "y, " + what);
        Near.Equal(Plus(expected, yStart), yMore.Checked(), Tolerance, "y accumulated, " + what);

        Guarded dx = new(blocks * k * L), dxMore = new(xStart);
        MatMul.BackwardInput(dx.Span, w, dy, n, k, blocks);
        MatMul.BackwardInput(dxMore.Span, w, dy, n, k, blocks, accumulate: true);
        expected = BackwardInput(wide, slope, n, k, blocks);
        Near.Equal(expected, dx.Checked(), Tolerance, "dx, " + what);
        Near.Equal(Plus(expected, xStart), dxMore.Checked(), Tolerance, "dx accumulated, " + what);

        Guarded xt = new(MatMul.PanelLength(k, blocks)), dw = new(wStart);
        Turn(xt.Span, x, k, blocks);
        int cut = (n + 2) / 3;
        MatMul.BackwardWeight(dw.Span, dy, xt.Checked(), n, k, blocks, cut, n);
        MatMul.BackwardWeight(dw.Span, dy, xt.Checked(), n, k, blocks, 0, cut);
        Near.Equal(Plus(BackwardWeight(wideX, slope, n, k, blocks), wStart), dw.Checked(), Tolerance, "dw, " + what);
    }

    static void Turn(Span<float> xt, float[] x, int k, int blocks)
    {
        for (int b = 0; b < blocks; b++)
        {
            MatMul.Panels(xt, x.AsSpan(b * k * L, k * L), k, blocks, b);
        }
    }

    static double[] Plus(double[] a, float[] b) => [.. a.Zip(b, (p, q) => p + q)];

    static double[] Forward(double[] w, double[] x, int n, int k, int blocks)
    {
        double[] y = new double[blocks * n * L];
        for (int b = 0; b < blocks; b++)
        {
            for (int i = 0; i < n; i++)
            {
                for (int j = 0; j < k; j++)
                {
                    AddScaled(y, ((b * n) + i) * L, w[(i * k) + j], x, ((b * k) + j) * L);
                }
            }
        }

        return y;
    }

    static double[] BackwardInput(double[] w, double[] dy, int n, int k, int blocks)
    {
        double[] dx = new double[blocks * k * L];
        for (int b = 0; b < blocks; b++)
        {
            for (int i = 0; i < n; i++)
            {
                for (int j = 0; j < k; j++)
                {
                    AddScaled(dx, ((b * k) + j) * L, w[(i * k) + j], dy, ((b * n) + i) * L);
                }
            }
        }

        return dx;
    }

    static double[] BackwardWeight(double[] x, double[] dy, int n, int k, int blocks)
    {
        double[] dw = new double[n * k];
        for (int b = 0; b < blocks; b++)
        {
            for (int i = 0; i < n; i++)
            {
                for (int j = 0; j < k; j++)
                {
                    double sum = 0;
                    for (int l = 0; l < L; l++)
                    {
                        sum += dy[(((b * n) + i) * L) + l] * x[(((b * k) + j) * L) + l];
                    }

                    dw[(i * k) + j] += sum;
                }
            }
        }

        return dw;
    }

    static void AddScaled(double[] to, int toStart, double factor, double[] from, int fromStart)
    {
        for (int l = 0; l < L; l++)
        {
            to[toStart + l] += factor * from[fromStart + l];
        }
    }
}
