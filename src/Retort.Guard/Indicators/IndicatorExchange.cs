using Retort.Evidence.Ledger;

namespace Retort.Guard.Indicators;

/// <summary>A bundle and its envelope.</summary>
public sealed record SignedBundle(IndicatorBundle Bundle, DsseEnvelope Signed);

/// <summary>Bundles from and to files.</summary>
public static class IndicatorExchange
{
    /// <summary>Signs what a file of sightings tells.</summary>
    /// <param name="folder">Of the operator's indicators, where the last sequence is kept.</param>
    /// <param name="light">A mark of the Traffic Light Protocol.</param>
    /// <param name="lightWhere">What errors call it.</param>
    /// <exception cref="UserError">A sighting may not be told or is none, the mark is none, or the time is too long.</exception>
    public static SignedBundle Export(string folder, LedgerKey key, string seen, string light, string lightWhere, TimeSpan holds, DateTimeOffset now)
    {
        if (holds < TimeSpan.FromMinutes(1) || holds > IndicatorBundle.Longest)
        {
            throw new UserError("a bundle holds for a minute at least and 366 days at most", "--expires", "Give a time such as 30d.");
        }

        return IndicatorIssuer.Tell(folder, key, SightingFile.Read(seen), BundleFile.Light(light, lightWhere), now, holds, seen);
    }

    /// <summary>Signs that a bundle of one's own no longer holds.</summary>
    /// <exception cref="UserError">It was never issued.</exception>
    public static SignedBundle Revoke(string folder, LedgerKey key, int sequence, DateTimeOffset now) => IndicatorIssuer.Revoke(folder, key, sequence, now);

    /// <summary>Takes a file.</summary>
    /// <exception cref="UserError">As for <see cref="IndicatorSet.Import"/>, or it cannot be read.</exception>
    public static ImportVerdict Import(string folder, IndicatorPolicy policy, string file, DateTimeOffset now) => IndicatorSet.Import(folder, policy, InputFile.ReadAll(file, BundleFile.MostBytes), file, now);

    /// <summary>A bundle's mark, as the protocol spells it in small letters.</summary>
    public static string Mark(IndicatorBundle bundle) => BundleFile.Light(bundle.Light);
}
