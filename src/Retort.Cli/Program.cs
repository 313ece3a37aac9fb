using Retort.Cli;
using Retort.Distill;
using Retort.Distill.Bench;

if (args is ["dump", var d, var ctx, var b])
{
    var r = TrainBench.RunDump(d, int.Parse(ctx), int.Parse(b), 2);
    Console.WriteLine($"{r.TokensPerS:f0} tok/s {r.PeakMib} MiB {r.GflopPerS:f0} GFLOP/s {string.Join(" ", r.Losses.Select(x => x.ToString("f6")))}");
    return;
}

Recipe recipe = RecipeFile.Read(args[1], [], [.. BundledSamples.All.Keys]);
RunReport report = DistillJob.Run(recipe, new(args[2], true), BundledSamples.All, p => Console.Error.WriteLine($"{DateTime.UtcNow:T} {p.Step} {p.Share:p0} {p.Detail}"), TimeProvider.System, default);
foreach (string line in ReportSummary.Lines(report, []))
{
    Console.WriteLine(line);
}
