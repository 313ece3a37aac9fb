using Retort.Evidence.Ledger;

namespace Retort.Asking.Runs;

/// <summary>One thing that an audit of a run found wrong.</summary>
/// <param name="File">By its path in the run folder, with '/'.</param>
/// <param name="Row">The line of transcripts.jsonl or the answer of the store it concerns, or the log's entry; null for the whole file.</param>
/// <param name="What">A sentence without its full stop.</param>
public sealed record RunFinding(string File, string? Row, string What)
{
    public override string ToString() => Row is null ? $"{File}: {What}" : $"{File}, {Row}: {What}";
}

/// <summary>What an audit of a run came to.</summary>
/// <param name="Origin">Which log it is by its checkpoint; null where that cannot be read.</param>
/// <param name="Size">Entries that were checked.</param>
/// <param name="Transcripts">Of them answers.</param>
/// <param name="Files">Files that were compared.</param>
/// <param name="Findings">What is wrong; none for a run that is as it was recorded.</param>
/// <param name="Notes">What a reader should know and is no fault.</param>
/// <param name="Binds">What beyond the owner's reach binds the owner: kept checkpoints, witnesses, time stamps.</param>
public sealed record RunAuditReport(string? Origin, long Size, int Transcripts, int Files, IReadOnlyList<RunFinding> Findings, IReadOnlyList<string> Notes, IReadOnlyList<string> Binds)
{
    /// <summary>What no ledger can show whose owner holds the only key; said wherever one is verified.</summary>
    public const string Limits =
        "A log whose owner holds the only key proves that nothing was changed since it was signed. It does not prove when that was, that nothing was left out, or that it is the first such log: "
        + "its owner can write it anew and sign it. A checkpoint kept elsewhere, a witness' signature or a time stamp binds the owner, to what was logged before it.";

    /// <summary>Whether nothing is wrong.</summary>
    public bool Holds => Findings.Count == 0;
}

/// <summary>What an audit is given from outside of the run folder.</summary>
/// <param name="Key">PEM file of the log's public key; null takes the one in the folder on trust.</param>
/// <param name="Known">A checkpoint kept elsewhere, earlier or later than the folder's.</param>
/// <param name="Last">The last one that was signed on this machine, if it was.</param>
/// <param name="Witnesses">PEM files of public keys that must have signed the checkpoint too.</param>
public sealed record RunAuditOptions(string? Key = null, Checkpoint? Known = null, Func<LedgerPublicKey, Checkpoint?>? Last = null, IReadOnlyList<string>? Witnesses = null);
