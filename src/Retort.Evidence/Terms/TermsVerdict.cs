namespace Retort.Evidence.Terms;

/// <summary>Whether everything a run uses may be used, and on what that rests: enough to judge it again.</summary>
/// <param name="RegisterSha256">The register as it was read.</param>
/// <param name="MaxAgeDays">How old a reading might be.</param>
public abstract record TermsVerdict(IReadOnlyList<CheckedUse> Uses, string RegisterSha256, DateOnly On, int MaxAgeDays)
{
    /// <param name="Obligations">To be met once what was trained is handed on, each once.</param>
    public sealed record Open(IReadOnlyList<CheckedUse> Uses, string RegisterSha256, DateOnly On, int MaxAgeDays, IReadOnlyList<Obligation> Obligations) : TermsVerdict(Uses, RegisterSha256, On, MaxAgeDays);

    /// <param name="Reasons">At least one.</param>
    public sealed record Closed(IReadOnlyList<CheckedUse> Uses, string RegisterSha256, DateOnly On, int MaxAgeDays, IReadOnlyList<TermsReason> Reasons) : TermsVerdict(Uses, RegisterSha256, On, MaxAgeDays);
}

/// <summary>One use, judged.</summary>
/// <param name="Class">The strictest of the entries' and the endpoint's own; unknown when nothing applies.</param>
/// <param name="Entries">Every entry that applies.</param>
/// <param name="Notes">How entries were found, where that is not plain.</param>
/// <param name="Reasons">Why it is closed; empty when it is open.</param>
public sealed record CheckedUse(TermsUse Use, TermsClass Class, IReadOnlyList<AppliedEntry> Entries, IReadOnlyList<string> Notes, IReadOnlyList<TermsReason> Reasons)
{
    /// <summary>Under what it is used, to be written down with what comes of it: ids and hashes of the entries, then the endpoint's own word and the hash it was read from.</summary>
    public string Basis => string.Join(", ", (IEnumerable<string>)[.. Entries.Select(e => $"{e.Entry.Id} {e.Sha256}"), .. Use.Own is { Says: { } says, Sha256: { } hash } ? [$"{says.Field} {hash}"] : (string[])[]]);
}

/// <param name="Sha256">The entry as it was read.</param>
/// <param name="Permission">What opened it, or null.</param>
public sealed record AppliedEntry(TermsEntry Entry, string Sha256, TermsPermission? Permission);

/// <summary>Why one use is closed.</summary>
/// <param name="Entry">Null when none applies.</param>
/// <param name="Why">A sentence without its full stop.</param>
/// <param name="Kind">What closed it.</param>
public sealed record TermsReason(TermsUse Use, TermsEntry? Entry, TermsReasonKind Kind, string Why)
{
    /// <summary>Names the entry, its document and clause, and what was asked for; ends with a full stop.</summary>
    public string Sentence
    {
        get
        {
            string asked = $"{KebabName.Of(Use.Role).Replace('-', ' ')} {Use.Model.Reference} may not be used to {KebabName.Of(Use.Purpose)}";
            return Entry is null ? $"{asked}: {Why}." : $"{asked}: {Entry.Id} ({Entry.Document}, {Entry.Clause}): {Why}.";
        }
    }
}

public enum TermsReasonKind
{
    /// <summary>No entry applies.</summary>
    NoEntry,

    /// <summary>The entry's class is closed.</summary>
    Class,

    /// <summary>Its class would open, but rests on somebody else's word.</summary>
    Reported,

    /// <summary>The reading is too old, or from a day that has not come.</summary>
    Stale,

    /// <summary>The endpoint itself says no, or that it does not know.</summary>
    Endpoint,
}
