namespace Retort.Guard.Twins;

/// <summary>Which requests get a second answer that is never served.</summary>
/// <param name="Share">Of all requests.</param>
/// <param name="SuspectedShare">Of the requests of accounts the detector suspects.</param>
/// <param name="Keep">How long the texts are kept; what stands in the ledger stays.</param>
public sealed record TwinPolicy(double Share, double SuspectedShare, TimeSpan Keep);
