using System.Diagnostics;
using Retort.Kernels;
using Retort.Model;

namespace Retort.Distill.Bench;

/// <summary>The machine's peak and the products beside it, GFLOP/s.</summary>
/// <param name="VectorPath">The path measured, such as "Vector512".</param>
/// <param name="Peak1">Multiply-adds of one thread.</param>
/// <param name="Peak">Multiply-adds of all threads together.</param>
public sealed record KernelBenchResult(string VectorPath, int Threads, double Peak1, double Peak, IReadOnlyList<ProductRate> Products);

/// <summary>The three products of one linear layer, GFLOP/s on all threads.</summary>
/// <param name="BackwardWeight">On panels made before.</param>
/// <param name="BackwardWeightWithPanels">The making of the panels included, as a training step pays for it.</param>
/// <param name="ForwardShare">Of the peak, as the others.</param>
public sealed record ProductRate(
    int Outputs, int Inputs, int Tokens, double Forward, double BackwardInput, double BackwardWeight, double BackwardWeightWithPanels,
    double ForwardShare, double BackwardInputShare, double BackwardWeightShare, double BackwardWeightWithPanelsShare);

/// <summary>Measures matrix products against the fused-multiply-add peak of the same minute: medians of several runs after warm-up.</summary>
public static class KernelBench
{
    const int L = MatMul.L, Runs = 7, SpinRounds = 2_000_000, RowsOfWeights = 32;

    /// <summary>Work of one timed run; the clock and the waking of threads then cost less than a per cent.</summary>
    const double RunFlops = 1.5e9;

    /// <summary>Outputs, inputs and tokens: layers of 64-wide models, of middling ones, and cubes.</summary>
    static readonly (int N, int K, int T)[] s_shapes =
    [
        (64, 64, 4096), (172, 64, 4096), (64, 172, 4096), (512, 64, 4096), (288, 768, 1024),
        (576, 576, 512), (1536, 576, 512), (1024, 1024, 1024), (1536, 1536, 1536), (2048, 2048, 2048),
    ];

    public static KernelBenchResult Run(int threads, Action<RunProgress> progress, CancellationToken stop)
    {
        using Workers workers = new(threads);
        progress(new("bench", 0, "multiply-add peak"));
        double one = Peak(1, workers), all = Peak(threads, workers);
        List<ProductRate> products = [];
        for (int i = 0; i < s_shapes.Length; i++)
        {
            stop.ThrowIfCancellationRequested();
            (int n, int k, int t) = s_shapes[i];
            progress(new("bench", (i + 1.0) / (s_shapes.Length + 1), $"{n} outputs, {k} inputs, {t} tokens"));
            products.Add(Product(n, k, t, workers, all));
        }

        return new(Lanes.Path.ToString(), threads, one, all, products);
    }

    static double Peak(int threads, Workers workers)
    {
        double flops = 0;
        return Median(() => flops, () =>
        {
            double[] done = new double[threads];
            workers.Run(threads, (i, _) => done[i] = PeakRate.Spin(SpinRounds));
            flops = done.Sum();
        });
    }

    static ProductRate Product(int n, int k, int t, Workers workers, double peak)
    {
        int blocks = t / L, parts = Math.Min(blocks, workers.Threads), rowParts = (n + RowsOfWeights - 1) / RowsOfWeights;
        FloatBuffer y = new(n * t), x = new(k * t), dx = new(k * t), w = new(n * k), dw = new(n * k), xt = new(MatMul.PanelLength(k, blocks));
        RandomStream random = new(1);
        foreach (FloatBuffer buffer in (FloatBuffer[])[x, w])
        {
            foreach (ref float value in buffer.Span)
            {
                value = (float)(random.NextDouble() - 0.5);
            }
        }

        int First(int part) => (int)((long)part * blocks / parts);
        int Count(int part) => First(part + 1) - First(part);
        double flops = 2.0 * n * k * t, forward = Rate(flops, () => workers.Run(parts, (i, _) => MatMul.Forward(y.From(First(i) * n * L)[..(Count(i) * n * L)], w.Span, x.From(First(i) * k * L)[..(Count(i) * k * L)], n, k, Count(i))));
        double backward = Rate(flops, () => workers.Run(parts, (i, _) => MatMul.BackwardInput(dx.From(First(i) * k * L)[..(Count(i) * k * L)], w.Span, y.From(First(i) * n * L)[..(Count(i) * n * L)], n, k, Count(i))));
        void Panels() => workers.Run(blocks, (i, _) => MatMul.Panels(xt.Span, x.Slice(i * k * L, k * L), k, blocks, i));
        void Weight() => workers.Run(rowParts, (i, _) => MatMul.BackwardWeight(dw.Span, y.Span, xt.Span, n, k, blocks, i * RowsOfWeights, Math.Min(n, (i + 1) * RowsOfWeights)));
        double both = Rate(flops, () =>
        {
            Panels();
            Weight();
        });
        double weight = Rate(flops, Weight);
        return new(n, k, t, forward, backward, weight, both, forward / peak, backward / peak, weight / peak, both / peak);
    }

    static double Rate(double flops, Action work)
    {
        int repeats = (int)Math.Max(1, Math.Round(RunFlops / flops));
        return Median(() => flops * repeats, () =>
        {
            for (int i = 0; i < repeats; i++)
            {
                work();
            }
        });
    }

    /// <summary>GFLOP/s of the median run; the first two, in which code is compiled and caches fill, are not counted.</summary>
    static double Median(Func<double> flops, Action run)
    {
        run();
        run();
        double[] rates = new double[Runs];
        for (int i = 0; i < Runs; i++)
        {
            long start = Stopwatch.GetTimestamp();
            run();
            rates[i] = flops() / Stopwatch.GetElapsedTime(start).TotalSeconds / 1e9;
        }

        Array.Sort(rates);
        return rates[Runs / 2];
    }
}
