using System.Diagnostics;
using System.Globalization;
using Retort.Evidence.Ledger;
using Retort.Guard.Accounts;
using Retort.Guard.Twins;

namespace Retort.Guard.Bench;

/// <summary>What committing to twins takes.</summary>
/// <param name="Twins">Served.</param>
/// <param name="Requests">Under way at once.</param>
/// <param name="TwinsPerS">All together.</param>
/// <param name="MillisecondsP50">From both answers being there to one that may leave.</param>
public sealed record TwinBenchResult(int Twins, int Requests, double TwinsPerS, double MillisecondsP50, double MillisecondsP99);

/// <summary>Twins of made-up answers of 800 characters in a store of its own, which may be killed and goes on the next time.</summary>
public static class TwinBench
{
    /// <summary>No secret: the texts are made up.</summary>
    internal const string Secret = "the pepper of a store that holds nothing but noise";

    const int Characters = 800;

    /// <param name="onServed">Called with a twin's number once one of its answers may leave.</param>
    /// <exception cref="UserError">The folder cannot be written, or another program holds it.</exception>
    public static async Task<TwinBenchResult> Run(string folder, int count, int requests, Action<long> onServed, TimeProvider time, CancellationToken stop)
    {
        using TwinStore twins = Open(folder, time);
        double[] times = new double[count];
        string text = string.Concat(Enumerable.Range(0, Characters / 4).Select(i => (1000 + i).ToString(CultureInfo.InvariantCulture)));
        long begun = Stopwatch.GetTimestamp();
        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = requests, CancellationToken = stop }, async (i, _) =>
        {
            TwinTicket ticket = twins.Reserve(i.ToString(CultureInfo.InvariantCulture), suspected: false)!;
            long start = Stopwatch.GetTimestamp();
            await twins.Serve(ticket, "1", "a prompt", text + "a", text + "b").ConfigureAwait(false);
            times[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            onServed(ticket.Number);
        }).ConfigureAwait(false);
        double seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds;
        Array.Sort(times);
        return new(count, requests, count / seconds, times[count / 2], times[count * 99 / 100]);
    }

    internal static TwinStore Open(string folder, TimeProvider time) => TwinStore.Open(
        folder, new(1, 1, TimeSpan.FromDays(365)), Pepper.Of("the bench", _ => Secret), new LedgerHome(Path.Combine(folder, "home"), Path.Combine(folder, "home", "ledger.key"), "bench"), time);
}
