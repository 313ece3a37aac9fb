namespace Retort.Evidence.Terms;

/// <summary>How one register differs from another.</summary>
/// <param name="Added">In the new one alone.</param>
/// <param name="Removed">In the old one alone.</param>
/// <param name="Changed">In both, but not alike.</param>
public sealed record TermsDiff(string OldSha256, string NewSha256, IReadOnlyList<TermsEntry> Added, IReadOnlyList<TermsEntry> Removed, IReadOnlyList<ChangedEntry> Changed)
{
    public bool IsEmpty => Added.Count + Removed.Count + Changed.Count == 0;

    public static TermsDiff Between(TermsRegister old, TermsRegister now) => new(
        old.Sha256, now.Sha256, [.. now.Entries.Where(e => old.Find(e.Id) is null)], [.. old.Entries.Where(e => now.Find(e.Id) is null)],
        [.. old.Entries.Select(o => (Old: o, New: now.Find(o.Id))).Where(p => p.New is not null).Select(p => ChangedEntry.Between(p.Old, p.New!)).Where(c => c.Fields.Count > 0)]);
}

/// <param name="Fields">In ordinal order of their names, as <see cref="CanonicalTerms"/> has them.</param>
public sealed record ChangedEntry(TermsEntry Old, TermsEntry New, IReadOnlyList<ChangedField> Fields)
{
    public bool IsStricter => New.Class > Old.Class;

    public bool IsLooser => New.Class < Old.Class;

    public static ChangedEntry Between(TermsEntry old, TermsEntry now)
    {
        Dictionary<string, IReadOnlyList<string>> before = Values(old), after = Values(now);
        return new(old, now, [
            .. before.Keys.Union(after.Keys).Order(StringComparer.Ordinal).Select(n => (Name: n, Old: before.GetValueOrDefault(n), New: after.GetValueOrDefault(n)))
                .Where(f => f.Old is null || f.New is null || !f.Old.SequenceEqual(f.New)).Select(f => new ChangedField(f.Name, Text(f.Old), Text(f.New))),
        ]);
    }

    static Dictionary<string, IReadOnlyList<string>> Values(TermsEntry entry) => CanonicalTerms.Fields(entry).ToDictionary(f => f.Name, f => f.Values, StringComparer.Ordinal);

    static string? Text(IReadOnlyList<string>? values) => values is null ? null : string.Join("; ", values);
}

/// <summary>Null where the field is absent; a list's values are joined by semicolons.</summary>
public sealed record ChangedField(string Name, string? Old, string? New);
