namespace Retort.Evidence.Terms;

/// <summary>A provider's own word that opens what it covers, whatever the public terms say.</summary>
/// <param name="Contract">What the contract calls itself.</param>
/// <param name="Signed">The first day on which it holds.</param>
/// <param name="Expires">The last day on which it holds.</param>
/// <param name="Entries">Ids of the register.</param>
/// <param name="ContractSha256">Of the contract's file.</param>
/// <param name="Sha256">Of the permission file itself, which a verdict records.</param>
public sealed record TermsPermission(
    string Grantor, string Recipient, string Contract, DateOnly Signed, DateOnly Expires, IReadOnlyList<string> Entries, IReadOnlyList<TermsPurpose> Purposes, string ContractSha256, string Sha256)
{
    public bool Covers(string entry, TermsPurpose purpose, DateOnly today) => today >= Signed && today <= Expires && Entries.Contains(entry) && Purposes.Contains(purpose);
}
