using Retort.Evidence.Ledger;

namespace Retort.Guard.Indicators;

/// <summary>How closely an account is looked at. There is no level at which anything is done to it.</summary>
public enum ScrutinyLevel
{
    Usual,

    /// <summary>The detector's own tests look at it sooner and at more of it.</summary>
    Raised,
}

/// <summary>A bundle that tells of a template.</summary>
public sealed record IndicatorMatch(string Issuer, int Sequence, TemplateIndicator Indicator);

/// <summary>Why an account is looked at more closely: the answer to a template, and all that indicators can say.</summary>
public sealed record Scrutiny(ScrutinyLevel Level, IReadOnlyList<IndicatorMatch> Matches);

/// <summary>
/// The indicators of other operators that hold, of issuers the policy trusts now. Their word can raise scrutiny and nothing else: it returns a level, holds no
/// account, and nothing that could refuse, slow or end one. Never changed; a new import makes a new set.
/// </summary>
public sealed class IndicatorSet
{
    /// <summary>Clocks may differ by so much.</summary>
    static readonly TimeSpan s_skew = TimeSpan.FromMinutes(10);

    readonly (IndicatorBundle Bundle, Dictionary<string, TemplateIndicator> Templates)[] _bundles;

    IndicatorSet(IEnumerable<IndicatorBundle> bundles) => _bundles = [.. bundles.Select(b => (b, b.Templates.ToDictionary(t => t.Hash, StringComparer.Ordinal)))];

    /// <summary>Every bundle that was taken and neither revoked nor signed by a key that is trusted no more.</summary>
    public IEnumerable<IndicatorBundle> Bundles => _bundles.Select(b => b.Bundle);

    /// <summary>What holds of a folder's imports.</summary>
    /// <exception cref="UserError">A trusted key or an import cannot be read.</exception>
    public static IndicatorSet Open(string folder, IndicatorPolicy policy) => new(
        from issuer in policy.Trust.Select(t => t.Issuer).Distinct(StringComparer.Ordinal)
        let imported = ImportedIssuer.Read(folder, issuer)
        from bytes in imported.Envelopes
        let bundle = Verified(bytes, folder, [.. Keys(policy).Where(k => k.Name == issuer)])
        where bundle is not null && bundle.Issuer == issuer && !imported.Revoked.Contains(bundle.Sequence)
        select bundle);

    /// <summary>Whether other operators tell of a template.</summary>
    /// <param name="template">What prompts share once their slots are taken out.</param>
    public Scrutiny Scrutiny(string template, DateTimeOffset now)
    {
        List<IndicatorMatch> matches = [];
        foreach ((IndicatorBundle bundle, Dictionary<string, TemplateIndicator> templates) in _bundles)
        {
            if (now < bundle.Expires && templates.Count > 0 && templates.TryGetValue(TemplateHash.Of(bundle.Salt.Span, template), out TemplateIndicator? told))
            {
                matches.Add(new(bundle.Issuer, bundle.Sequence, told));
            }
        }

        return new(matches.Count == 0 ? ScrutinyLevel.Usual : ScrutinyLevel.Raised, matches);
    }

    /// <summary>1 is it signed by a trusted key, in its own name · 2 is it newer than the last · 3 does it hold now · 4 keep it, the last sequence and what it revokes, in one write.</summary>
    /// <exception cref="UserError">It is no bundle, or too large; a trusted key or the folder cannot be read or written.</exception>
    public static ImportVerdict Import(string folder, IndicatorPolicy policy, ReadOnlyMemory<byte> envelope, string where, DateTimeOffset now)
    {
        if (envelope.Length > BundleFile.MostBytes)
        {
            throw new UserError($"the bundle has more than {BundleFile.MostBytes} bytes", where, "Ask its issuer for smaller ones.");
        }

        LedgerPublicKey[] trusted = Keys(policy);
        DsseEnvelope signed = DsseEnvelope.Parse(envelope.Span, where);
        LedgerPublicKey[] signers = [.. trusted.Where(k => signed.PayloadType == BundleFile.PayloadType && signed.IsSignedBy(k))];
        if (signers.Length == 0)
        {
            return new ImportVerdict.Untrusted();
        }

        IndicatorBundle bundle = BundleFile.Parse(signed.Payload.Span, where);
        if (!signers.Any(k => k.Name == bundle.Issuer))
        {
            return new ImportVerdict.AnothersName(bundle.Issuer);
        }

        StoreFile.MakeFolder(folder);
        using FileStream alone = FolderLock.Hold(folder);
        ImportedIssuer before = ImportedIssuer.Read(folder, bundle.Issuer);
        if (bundle.Sequence <= before.Last)
        {
            return new ImportVerdict.Replayed(bundle.Sequence, before.Last);
        }

        if (now >= bundle.Expires || bundle.Issued > now + s_skew)
        {
            return now >= bundle.Expires ? new ImportVerdict.Expired(bundle.Expires) : new ImportVerdict.FromTheFuture(bundle.Issued);
        }

        int[] revoked = [.. before.Revoked.Union(bundle.Revokes)];
        byte[][] kept = [.. before.Envelopes.Where(e => Verified(e, where, trusted) is { } b && b.Expires > now && !revoked.Contains(b.Sequence)).TakeLast(ImportedIssuer.MostBundles - 1)];
        new ImportedIssuer(bundle.Issuer, bundle.Sequence, revoked, [.. kept, envelope.ToArray()]).Write(folder);
        return new ImportVerdict.Accepted(bundle);
    }

    /// <summary>Lets a bundle no longer hold here, whatever its issuer says.</summary>
    /// <returns>Whether there was such a bundle.</returns>
    /// <exception cref="UserError">The folder cannot be read or written.</exception>
    public static bool Ignore(string folder, string issuer, int sequence)
    {
        StoreFile.MakeFolder(folder);
        using FileStream alone = FolderLock.Hold(folder);
        ImportedIssuer imported = ImportedIssuer.Read(folder, issuer);
        if (sequence < 1 || sequence > imported.Last)
        {
            return false;
        }

        (imported with { Revoked = [.. imported.Revoked.Union([sequence])] }).Write(folder);
        return true;
    }

    static LedgerPublicKey[] Keys(IndicatorPolicy policy) => [.. policy.Trust.Select(t => LedgerPublicKey.Read(t.Key, t.Issuer))];

    /// <summary>A kept bundle; null where no trusted key has signed it.</summary>
    static IndicatorBundle? Verified(byte[] envelope, string where, LedgerPublicKey[] trusted)
    {
        DsseEnvelope signed = DsseEnvelope.Parse(envelope, where);
        return signed.PayloadType == BundleFile.PayloadType && trusted.Any(signed.IsSignedBy) ? BundleFile.Parse(signed.Payload.Span, where) : null;
    }
}
