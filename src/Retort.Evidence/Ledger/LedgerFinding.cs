namespace Retort.Evidence.Ledger;

/// <summary>One thing the audit found wrong.</summary>
/// <param name="File">Relative to the log's folder, with '/'; <see cref="KnownCheckpoint"/> for the one that was given.</param>
/// <param name="Entry">The first entry it concerns, from 0, or null.</param>
/// <param name="What">A sentence without its full stop.</param>
public sealed record LedgerFinding(string File, long? Entry, string What)
{
    /// <summary>Stands for a file where the fault is in the known checkpoint.</summary>
    public const string KnownCheckpoint = "known checkpoint";
}

/// <summary>What an audit came to.</summary>
/// <param name="Size">Entries that were checked.</param>
/// <param name="Findings">What is wrong; none for a log that is as it was signed.</param>
/// <param name="Unpublished">Files beyond the checkpoint, relative. A process that was killed while it appended leaves such; so does one who puts
/// an older checkpoint back.</param>
public sealed record LedgerAuditReport(long Size, IReadOnlyList<LedgerFinding> Findings, IReadOnlyList<string> Unpublished)
{
    /// <summary>Whether nothing is wrong.</summary>
    public bool Holds => Findings.Count == 0;
}
