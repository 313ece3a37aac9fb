namespace Retort.Guard.Detector;

/// <summary>What is done about an account, from the mildest; every step can be taken back.</summary>
public enum ResponseStep
{
    None,

    /// <summary>Looked at; the account notices nothing.</summary>
    Observe,

    /// <summary>Answers without log-probabilities and without reasoning.</summary>
    Withhold,

    /// <summary>And fewer of them: the account counts against the limits of its group.</summary>
    Slow,

    /// <summary>None until its owner has shown who they are and what for.</summary>
    Verify,

    /// <summary>None until a person has looked.</summary>
    Review,

    /// <summary>None. Only a person comes to this.</summary>
    Suspend,
}

/// <summary>What is done about one account.</summary>
/// <param name="IsShadow">Only said, and not done.</param>
/// <param name="Case">The case it belongs to, which its owner may appeal against.</param>
/// <param name="Reason">One sentence for the owner.</param>
/// <param name="Group">The group of linked accounts whose limits count with <see cref="ResponseStep.Slow"/>; null for none.</param>
public sealed record AccountResponse(ResponseStep Step, bool IsShadow, string Case, string Reason, DateTimeOffset Since, long? Group)
{
    /// <summary>What is in force now.</summary>
    public ResponseStep InForce => IsShadow ? ResponseStep.None : Step;
}
