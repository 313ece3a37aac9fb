using System.Diagnostics;
using System.Globalization;
using Retort.Evidence.Ledger;
using Retort.Guard.Bench;
using Retort.Guard.Twins;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Cli;

/// <summary>A program that serves twins is killed again and again: what it served is in the ledger and can be shown, and every number is a twin or void.</summary>
public sealed class KilledTwinsTests : IDisposable
{
    readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void WhatWasServedIsInTheLedger()
    {
        string folder = _scratch["twins"];
        List<long> served = [];
        for (int kill = 0; kill < 4; kill++)
        {
            using Process process = ProcessRun.Begin("bench", "twins", folder, "--count", "1000000", "--requests", "8");
            for (int lines = 0; lines < 30 + (17 * kill); lines++)
            {
                served.Add(Number(process.StandardError.ReadLine()!));
            }

            process.Kill();

            // What it had said before it died was served too; the last line may be cut off.
            string[] rest = process.StandardError.ReadToEnd().Split('\n')[..^1];
            served.AddRange(rest.Select(Number));
            process.WaitForExit();
        }

        Assert.Equal(served.Count, served.Distinct().Count());
        using TwinStore twins = TwinBench.Open(folder, TimeProvider.System);
        LedgerPublicKey key = LedgerPublicKey.Read(Path.Combine(folder, "ledger.pub"), Checkpoint.Read(Path.Combine(folder, "ledger", "checkpoint")).Origin);
        Assert.Empty(LedgerAudit.Run(Path.Combine(folder, "ledger"), key).Findings);
        Assert.All(served.TakeLast(20).Concat(served.Take(20)), n => Assert.Equal(TwinVerdict.Holds, twins.Show(n)!.Verify(key)));
        TwinNumbers numbers = TwinNumbers.Of(TileReader.Open(Path.Combine(folder, "ledger"), key).Entries());
        Assert.Superset(served.ToHashSet(), numbers.Twins.ToHashSet());
        Assert.Empty(numbers.Twins.Intersect(numbers.Voids));
        Assert.Equal(TwinStore.Block, numbers.Open().Count());
    }

    static long Number(string line) => line.EndsWith(" served", StringComparison.Ordinal) ? long.Parse(line.AsSpan(0, line.IndexOf(' ', StringComparison.Ordinal)), CultureInfo.InvariantCulture) : throw new InvalidOperationException(line);
}
