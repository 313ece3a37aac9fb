using Retort.Evidence.Ledger;
using Retort.Guard.Accounts;
using Retort.Guard.Twins;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Guard.Twins;

/// <summary>A folder of twins under a clock set by hand.</summary>
sealed class TwinWorld : IDisposable
{
    public static readonly TwinPolicy Policy = new(1, 1, TimeSpan.FromDays(365));

    public Scratch Files { get; } = new();

    public GuardClock Clock { get; } = new();

    public string Folder => Files["twins"];

    public LedgerHome Home => new(Files["home"], Path.Combine(Files["home"], "ledger.key"), "retort");

    public LedgerPublicKey Key => LedgerPublicKey.Read(Path.Combine(Folder, "ledger.pub"), Checkpoint.Read(Path.Combine(Folder, "ledger", "checkpoint")).Origin);

    public CommitmentSecret Secret => CommitmentSecret.Read(Path.Combine(Folder, "ledger.secret"));

    public TwinStore Open(TwinPolicy? policy = null, Action<TwinStep>? onStep = null, string pepper = "a-pepper-of-this-test-0123456789abcdef") =>
        TwinStore.Open(Folder, policy ?? Policy, Pepper.Of("P", _ => pepper), Home, Clock, onStep ?? (_ => { }));

    public TwinEntry[] Entries()
    {
        Assert.Empty(LedgerAudit.Run(Path.Combine(Folder, "ledger"), Key).Findings);
        return [.. TileReader.Open(Path.Combine(Folder, "ledger"), Key).Entries().Select(e => TwinEntry.Parse(e.Span, "entry")).OfType<TwinEntry>()];
    }

    public TwinNumbers Numbers() => TwinNumbers.Of(TileReader.Open(Path.Combine(Folder, "ledger"), Key).Entries());

    public void Dispose() => Files.Dispose();
}
