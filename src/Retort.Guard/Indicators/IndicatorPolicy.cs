namespace Retort.Guard.Indicators;

/// <summary>Whose bundles are taken.</summary>
/// <param name="Issuer">The name its bundles carry.</param>
/// <param name="Key">A file with its P-256 public key in PEM.</param>
public sealed record TrustedIssuer(string Issuer, string Key);

/// <summary>Indicators in a policy.</summary>
/// <param name="Issuer">The name under which this operator signs bundles; null where it tells others nothing.</param>
/// <param name="Trust">An issuer may have several keys, while it changes them.</param>
public sealed record IndicatorPolicy(string? Issuer, IReadOnlyList<TrustedIssuer> Trust)
{
    public static IndicatorPolicy None { get; } = new(null, []);
}
