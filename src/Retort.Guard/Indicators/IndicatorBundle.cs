namespace Retort.Guard.Indicators;

/// <summary>How far a bundle may be passed on (FIRST, Traffic Light Protocol 2.0).</summary>
public enum TrafficLight
{
    Clear,

    Green,

    Amber,

    /// <summary>Within the receiving organisation alone.</summary>
    AmberStrict,

    /// <summary>To named people alone.</summary>
    Red,
}

/// <summary>One template that a campaign was seen with. All numbers are of the steps 1, 2, 5, 10, 20, 50 …</summary>
/// <param name="Hash">Of the template under the bundle's salt, 64 hexadecimal digits.</param>
/// <param name="Accounts">That asked with it, at least <see cref="IndicatorBundle.FewestAccounts"/>.</param>
/// <param name="Requests">Of these accounts.</param>
/// <param name="Days">From the first to the last.</param>
public sealed record TemplateIndicator(string Hash, int Accounts, int Requests, int Days);

/// <summary>What one operator tells others of campaigns it saw, signed by its key.</summary>
/// <param name="Issuer">The name of the signing key.</param>
/// <param name="Sequence">From 1; each bundle of an issuer has a higher one.</param>
/// <param name="Issued">To the second.</param>
/// <param name="Salt">32 random bytes, of this bundle alone.</param>
/// <param name="Templates">In order of their hashes, so that the order tells nothing.</param>
/// <param name="Revokes">Sequences of earlier bundles of the same issuer that no longer hold.</param>
public sealed record IndicatorBundle(
    string Issuer, int Sequence, DateTimeOffset Issued, DateTimeOffset Expires, TrafficLight Light, ReadOnlyMemory<byte> Salt, IReadOnlyList<TemplateIndicator> Templates, IReadOnlyList<int> Revokes)
{
    /// <summary>Accounts that must stand behind a template before it is told: fewer may be one customer.</summary>
    public const int FewestAccounts = 5;

    /// <summary>Most templates of a bundle.</summary>
    public const int MostTemplates = 5000;

    /// <summary>Longest time a bundle holds.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromDays(366);
}
