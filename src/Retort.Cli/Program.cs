using Retort.Distill.Bench;

if (args is ["dump", var d, var ctx, var b])
{
    var r = TrainBench.RunDump(d, int.Parse(ctx), int.Parse(b), 2);
    Console.WriteLine($"{r.TokensPerS:f0} tok/s {r.PeakMib} MiB {r.GflopPerS:f0} GFLOP/s {string.Join(" ", r.Losses.Select(x => x.ToString("f6")))}");
}
