namespace Retort.Guard.Detector;

/// <summary>An account of a group, and what there is against it in particular.</summary>
/// <param name="Log">The natural logarithm of how much likelier its requests are as a member's than as a stranger's.</param>
public sealed record GroupMember(long Account, double Log);

/// <summary>Accounts that may be one operator's, and the evidence.</summary>
/// <param name="Prior">The natural logarithm of the group's share of the prior.</param>
/// <param name="Families">Of each family, the natural logarithm of the likelihood ratio.</param>
/// <param name="List">What the content is about.</param>
public sealed record GroupFinding(IReadOnlyList<GroupMember> Members, double Prior, IReadOnlyDictionary<EvidenceFamily, double> Families, DividedList List)
{
    /// <summary>The natural logarithm of an e-value that holds for all groups and all times together: above ln(1/α) with a probability of at most α where nobody is linked.</summary>
    public double LogE => Prior + Families.Values.Sum();
}
