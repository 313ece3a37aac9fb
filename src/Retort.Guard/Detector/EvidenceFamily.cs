namespace Retort.Guard.Detector;

/// <summary>
/// What accounts may have in common by being one operator's. Families look at different things: under the null hypothesis, accounts of owners who do not know
/// of each other, what one shows says nothing of another.
/// </summary>
public enum EvidenceFamily
{
    /// <summary>Rare templates that are filled differently by few of them each: a list that is divided.</summary>
    Content,

    /// <summary>Requests within the same minutes, beyond the hours that everybody keeps.</summary>
    Timing,

    /// <summary>Payment, organisation, address, network, client.</summary>
    Identity,

    /// <summary>The rhythm and parameters of requests.</summary>
    Shape,
}
