using System.Diagnostics;
using Retort.Kernels;
using Retort.Model;

namespace Retort.Distill.Bench;

/// <summary>The machine's peak and the products beside it, GFLOP/s.</summary>
/// <param name="VectorPath">The path measured, such as "Vector512".</param>
/// <param name="Peak1">Multiply-adds of one thread.</param>
/// <param name="Peak">Multiply-adds of all threads together, the median of the measurements beside the products.</param>
public sealed record KernelBenchResult(string VectorPath, int Threads, double Peak1, double Peak, IReadOnlyList<ProductRate> Products);

/// <summary>The three products of one linear layer, GFLOP/s on all threads.</summary>
/// <param name="BackwardWeight">On panels made before.</param>
/// <param name="BackwardWeightWithPanels">The making of the panels included, as a training step pays for it.</param>
/// <param name="ForwardShare">Of <paramref name="Peak"/>, as the others.</param>
/// <param name="Peak">Multiply-adds of all threads together, measured before and after.</param>
public sealed record ProductRate(
    int Outputs, int Inputs, int Tokens, double Peak, double Forward, double BackwardInput, double BackwardWeight, double BackwardWeightWithPanels,
    double ForwardShare, double BackwardInputShare, double BackwardWeightShare, double BackwardWeightWithPanelsShare);

/// <summary>Measures matrix products against the fused-multiply-add peak of the same minute: medians of several runs after warm-up.</summary>
public static class KernelBench
{
    const int L = MatMul.L, Runs = 11, SpinRounds = 1_000_000, RowsOfWeights = 32;

    /// <summary>A run of products takes about as long at the peak: the clock and the waking of threads then cost less than a per cent.</summary>
    const double RunSeconds = 0.02;

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
        double one = Peak(1, workers);
        List<ProductRate> products = [];
        for (int i = 0; i < s_shapes.Length; i++)
        {
            stop.ThrowIfCancellationRequested();
            (int n, int k, int t) = s_shapes[i];
            progress(new("bench", (i + 1.0) / (s_shapes.Length + 1), $"{n} outputs, {k} inputs, {t} tokens"));
            products.Add(Product(n, k, t, workers));
        }

        return new(Lanes.Path.ToString(), threads, one, products.Select(p => p.Peak).Order().ElementAt(products.Count / 2), products);
    }

    static double Peak(int threads, Workers workers)
    {
        Spin(threads, workers);
        return Enumerable.Range(0, Runs).Select(_ => Spin(threads, workers)).Order().ElementAt(Runs / 2);
    }

    /// <summary>GFLOP/s of multiply-adds alone.</summary>
    static double Spin(int threads, Workers workers)
    {
        double[] done = new double[threads];
        long start = Stopwatch.GetTimestamp();
        workers.Run(threads, (i, _) => done[i] = PeakRate.Spin(SpinRounds));
        return done.Sum() / Stopwatch.GetElapsedTime(start).TotalSeconds / 1e9;
    }

    static ProductRate Product(int n, int k, int t, Workers workers)
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
        double flops = 2.0 * n * k * t, repeats = Math.Max(1, Math.Round(RunSeconds * Peak(workers.Threads, workers) * 1e9 / flops));
        List<double> peaks = [];
        (double Rate, double Share) Measure(Action work) => Paired(flops * repeats, repeats, work, () => Spin(workers.Threads, workers), peaks);
        (double forward, double forwardShare) = Measure(() => workers.Run(parts, (i, _) => MatMul.Forward(y.From(First(i) * n * L)[..(Count(i) * n * L)], w.Span, x.From(First(i) * k * L)[..(Count(i) * k * L)], n, k, Count(i))));
        (double backward, double backwardShare) = Measure(() => workers.Run(parts, (i, _) => MatMul.BackwardInput(dx.From(First(i) * k * L)[..(Count(i) * k * L)], w.Span, y.From(First(i) * n * L)[..(Count(i) * n * L)], n, k, Count(i))));
        void Panels() => workers.Run(blocks, (i, _) => MatMul.Panels(xt.Span, x.Slice(i * k * L, k * L), k, blocks, i));
        void Weight() => workers.Run(rowParts, (i, _) => MatMul.BackwardWeight(dw.Span, y.Span, xt.Span, n, k, blocks, i * RowsOfWeights, Math.Min(n, (i + 1) * RowsOfWeights)));
        (double both, double bothShare) = Measure(() =>
        {
            Panels();
            Weight();
        });
        (double weight, double weightShare) = Measure(Weight);
        return new(n, k, t, peaks.Order().ElementAt(peaks.Count / 2), forward, backward, weight, both, forwardShare, backwardShare, weightShare, bothShare);
    }

    /// <summary>Runs of the work, each between two measurements of the peak, for on a machine that is shared both change from one moment to
    /// the next: the median rate, and the median share of the peak around it.</summary>
    static (double Rate, double Share) Paired(double flops, double repeats, Action work, Func<double> peak, List<double> peaks)
    {
        work();
        work();
        double[] rates = new double[Runs], shares = new double[Runs];
        double before = peak();
        for (int i = 0; i < Runs; i++)
        {
            long start = Stopwatch.GetTimestamp();
            for (int r = 0; r < repeats; r++)
            {
                work();
            }

            rates[i] = flops / Stopwatch.GetElapsedTime(start).TotalSeconds / 1e9;
            double after = peak();
            peaks.Add((before + after) / 2);
            shares[i] = rates[i] / peaks[^1];
            before = after;
        }

        Array.Sort(rates);
        Array.Sort(shares);
        return (rates[Runs / 2], shares[Runs / 2]);
    }
}
