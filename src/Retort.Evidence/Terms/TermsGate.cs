using System.Globalization;

namespace Retort.Evidence.Terms;

/// <summary>
/// Whether a run may use what it is about to use. Closed unless every use is open: each entry that applies to it must open, be read in the original
/// and be fresh, or be covered by a permission. What applies is every entry that covers the endpoint's host, the hub's name or the weights' content,
/// and the declared one; where any of these is found, entries that know the endpoint's model by its name apply too. A name alone opens nothing.
/// </summary>
public static class TermsGate
{
    /// <summary>Days a reading counts for.</summary>
    public const int DefaultMaxAgeDays = 180;

    /// <param name="today">The day on which readings are old or fresh and permissions hold.</param>
    /// <param name="maxAgeDays">Days since an entry was read.</param>
    /// <exception cref="UserError">A declared id is not in the register.</exception>
    public static TermsVerdict Check(TermsRegister register, IReadOnlyList<TermsUse> uses, DateOnly today, int maxAgeDays = DefaultMaxAgeDays, IReadOnlyList<TermsPermission>? permissions = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxAgeDays);
        CheckedUse[] all = [.. uses.Select(u => Judge(register, u, today, maxAgeDays, permissions ?? []))];
        TermsReason[] reasons = [.. all.SelectMany(u => u.Reasons)];
        return reasons.Length > 0
            ? new TermsVerdict.Closed(all, register.Sha256, today, maxAgeDays, reasons)
            : new TermsVerdict.Open(all, register.Sha256, today, maxAgeDays, [.. all.SelectMany(u => u.Entries.SelectMany(e => Obligation.Of(e.Entry, u.Use.Role))).Distinct()]);
    }

    static CheckedUse Judge(TermsRegister register, TermsUse use, DateOnly today, int maxAgeDays, IReadOnlyList<TermsPermission> permissions)
    {
        TermsEntry? declared = use.Declared is { } id ? register.Get(id, use.Model.Reference) : null;
        TermsEntry[] covering = [.. register.Entries.Where(e => Covers(e, use.Model))];
        if (declared is null && covering.Length == 0)
        {
            return new(use, TermsClass.Unknown, [], [], [new(use, null, TermsReasonKind.NoEntry, Nobody(register, use.Model))]);
        }

        TermsEntry[] named = use.Model is UsedModel.Endpoint { Model: { Length: > 0 } model } ? [.. register.Entries.Where(e => e.Covers.HasModel(model))] : [];
        IEnumerable<TermsEntry> first = declared is null ? [] : [declared];
        AppliedEntry[] applied = [.. first.Concat(covering).Concat(named).DistinctBy(e => e.Id).Select(e => new AppliedEntry(e, CanonicalTerms.Sha256(e), permissions.FirstOrDefault(p => p.Covers(e.Id, use.Purpose, today))))];
        List<TermsReason> reasons = [.. applied.Where(a => a.Permission is null).SelectMany(a => Faults(use, a.Entry, today, maxAgeDays))];
        if (use.Own is { Says: { } says } own && !says.Class.Opens() && applied.Any(a => a.Permission is null))
        {
            reasons.Add(new(use, applied[0].Entry, TermsReasonKind.Endpoint, Own(says, own.Address)));
        }

        TermsClass strictest = applied.Select(a => a.Entry.Class).Append(use.Own?.Says?.Class ?? TermsClass.Allow).Max();
        return new(use, strictest, applied, [.. Contradictions(declared, covering, named)], reasons);
    }

    static bool Covers(TermsEntry entry, UsedModel model) => model switch
    {
        UsedModel.Endpoint e => entry.Covers.HasHost(e.Host),
        UsedModel.Named n => entry.Covers.HasModel(n.Name),
        UsedModel.Stored s => entry.Covers.HasFiles(s.Files),
        _ => throw new ArgumentOutOfRangeException(nameof(model)),
    };

    static IEnumerable<TermsReason> Faults(TermsUse use, TermsEntry entry, DateOnly today, int maxAgeDays)
    {
        if (!entry.Class.Opens())
        {
            yield return new(use, entry, TermsReasonKind.Class, $"{entry.Class.Meaning()} ({KebabName.Of(entry.Class)})");
        }
        else if (entry.Evidence == TermsEvidence.Reported)
        {
            yield return new(use, entry, TermsReasonKind.Reported, "the document itself was not read, and somebody else's word for it opens nothing");
        }

        if (entry.IsStale(today, maxAgeDays))
        {
            yield return new(use, entry, TermsReasonKind.Stale, entry.Read > today
                ? $"it is said to be read on {Day(entry.Read)}, which has not come yet"
                : string.Create(CultureInfo.InvariantCulture, $"it was read on {Day(entry.Read)}, {today.DayNumber - entry.Read.DayNumber} days ago, and counts for {maxAgeDays}"));
        }
    }

    static IEnumerable<string> Contradictions(TermsEntry? declared, IEnumerable<TermsEntry> covering, IEnumerable<TermsEntry> named)
    {
        if (declared is null)
        {
            yield break;
        }

        foreach ((TermsEntry other, string how) in covering.Select(e => (e, "covers it")).Concat(named.Select(e => (e, "knows the model by its name"))).DistinctBy(o => o.e.Id).Where(o => o.e.Class > declared.Class))
        {
            yield return $"{declared.Id} was declared, but {other.Id} {how} and is stricter, so {other.Id} holds";
        }
    }

    static string Nobody(TermsRegister register, UsedModel model) => model switch
    {
        UsedModel.Endpoint e when Coverage.IsPrivate(e.Host) => $"'{e.Host}' is this machine or a private network, where an address says nothing of the model that answers; declare its terms",
        UsedModel.Endpoint e when register.Entries.FirstOrDefault(x => x.Covers.HasModel(e.Model)) is { } like => $"no entry covers the host '{e.Host}', and the name '{e.Model}', which {like.Id} knows, shows nothing by itself; declare its terms",
        UsedModel.Endpoint e => $"no entry covers the host '{e.Host}'; declare its terms",
        UsedModel.Named n => $"no entry covers the name '{n.Name}'; declare its terms",
        _ => "no entry knows weights of this content; declare their terms",
    };

    static string Own(EndpointPolicy says, string address)
    {
        string said = says.Class == TermsClass.Unknown ? "the endpoint itself does not say that the model's answers may train others" : "the endpoint itself says that the model's answers may not train others";
        return $"{said} ({string.Join("; ", (IEnumerable<string>)[$"{says.Field} at {address}", .. new[] { says.Label, says.Note, says.Link }.OfType<string>()]).TrimEnd('.')})";
    }

    static string Day(DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
