using System.Diagnostics;
using Retort.Guard.Accounts;

namespace Retort.Guard.Bench;

/// <summary>What checking keys takes, and whether its time tells one kind of key from another.</summary>
/// <param name="Keys">Keys of the store, of which half are given another secret.</param>
/// <param name="Nanoseconds">Mean of one verdict, by kind of key.</param>
/// <param name="T">Welch's t between each two kinds; beyond 4.5 times tell them apart.</param>
/// <param name="BytesEach">Memory taken by one verdict.</param>
public sealed record KeyTimingResult(int Keys, IReadOnlyDictionary<string, double> Nanoseconds, IReadOnlyDictionary<string, double> T, double BytesEach)
{
    public const double Told = 4.5;

    /// <summary>The largest in size.</summary>
    public double MaxT => T.Values.Max(Math.Abs);
}

/// <summary>
/// Times verdicts on keys that are known, on known ids with another secret and on unknown ids, in random order. The slowest tenth of all is left out, which is the
/// system's doing, and what is compared are the means of single keys: where one lies in the caches is a matter of that key and not of its kind. After Reparaz,
/// Balasch and Verbauwhede, "Dude, is my code constant time?", 2017.
/// </summary>
static class KeyTiming
{
    static readonly string[] s_kinds = ["known", "wrong secret", "unknown"];

    public static KeyTimingResult Run(string folder, int keys, int samples, int seed, Action<double> onShare, CancellationToken stop)
    {
        using AccountStore store = AccountStore.Open(folder, Pepper.Of("BENCH", _ => new string('p', 64)), TimeProvider.System);
        store.Add("bench", "bench", new());
        string[] made = [.. store.MakeKeys("bench", 2 * keys).Select(k => k.Text)];
        KeyGate gate = KeyGate.Open(store, null, TimeProvider.System);

        // No id is of two kinds: one that is met twice as often would be nearer in the caches.
        string[][] kinds = [[.. made.Where((_, i) => i % 2 == 0)], [.. made.Where((_, i) => i % 2 == 1).Select(k => KeyText.Reseal(k[..(4 + KeyText.IdLength)] + KeyText.Make()[(4 + KeyText.IdLength)..]))], [.. Enumerable.Range(0, keys).Select(_ => KeyText.Make())]];
        (int Kind, int Key, double Time)[] times = new (int, int, double)[samples];
        char[] same = new char[KeyText.Length];
        Random random = new(seed);
        long bytes = 0;
        for (int i = -samples / 10; i < samples; i++)
        {
            if (i == 0)
            {
                bytes = GC.GetAllocatedBytesForCurrentThread();
            }

            // All are read from the same memory.
            (int kind, int key) = (random.Next(3), random.Next(keys));
            kinds[kind][key].CopyTo(same);
            Thread.MemoryBarrier();
            long began = Stopwatch.GetTimestamp();
            gate.Check(same, KeyScopes.Chat);
            Thread.MemoryBarrier();
            long took = Stopwatch.GetTimestamp() - began;
            times[Math.Max(i, 0)] = (kind, key, took * (1e9 / Stopwatch.Frequency));
        }

        bytes = GC.GetAllocatedBytesForCurrentThread() - bytes;
        stop.ThrowIfCancellationRequested();
        onShare(1);
        double most = Quantile([.. times.Select(t => t.Time)], 0.9);
        double[][] means = [.. Enumerable.Range(0, 3).Select(kind => times.Where(t => t.Kind == kind && t.Time <= most).GroupBy(t => t.Key).Select(g => g.Average(t => t.Time)).ToArray())];
        Dictionary<string, double> welch = [];
        for (int a = 0; a < 3; a++)
        {
            for (int b = a + 1; b < 3; b++)
            {
                welch[$"{s_kinds[a]} / {s_kinds[b]}"] = Welch(means[a], means[b]);
            }
        }

        return new(2 * keys, s_kinds.Zip(means).ToDictionary(k => k.First, k => k.Second.Average()), welch, (double)bytes / samples);
    }

    /// <summary>Welch's t of two samples' means.</summary>
    internal static double Welch(double[] a, double[] b)
    {
        (double meanA, double varianceA) = Moments(a);
        (double meanB, double varianceB) = Moments(b);
        return (meanA - meanB) / Math.Sqrt((varianceA / a.Length) + (varianceB / b.Length));
    }

    static (double Mean, double Variance) Moments(double[] x)
    {
        double mean = x.Average();
        return (mean, x.Sum(v => (v - mean) * (v - mean)) / (x.Length - 1));
    }

    static double Quantile(double[] x, double share)
    {
        Array.Sort(x);
        return x[(int)(share * (x.Length - 1))];
    }
}
