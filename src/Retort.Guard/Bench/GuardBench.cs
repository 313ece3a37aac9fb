namespace Retort.Guard.Bench;

/// <summary>What the guard's decisions take.</summary>
public sealed record GuardBenchResult(KeyTimingResult Keys, LimitBenchResult Limits);

/// <summary>Measures the guard without its server.</summary>
public static class GuardBench
{
    const int Seed = 1;

    /// <param name="folder">For stores that are made now.</param>
    public static GuardBenchResult Run(string folder, int keys, int samples, int pairs, int threads, Action<string, double> onStep, CancellationToken stop) => new(
        KeyTiming.Run(Path.Combine(folder, "keys"), keys, samples, Seed, share => onStep("keys", share), stop),
        LimitBench.Run(Path.Combine(folder, "limits"), threads, pairs, share => onStep("limits", share), stop));

    /// <summary>Uses up a limit as one of several workers on a store.</summary>
    public static Task<LimitDrainResult> Drain(string folder, long tokensPerDay, int seed, Action<long> onSettled, TimeProvider time, CancellationToken stop) => LimitDrain.Run(folder, tokensPerDay, seed, onSettled, time, stop);
}
