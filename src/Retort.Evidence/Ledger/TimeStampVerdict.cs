namespace Retort.Evidence.Ledger;

/// <summary>What became of the verification of a time stamp: an expected outcome, not an error.</summary>
public enum TimeStampVerdict
{
    /// <summary>It is for this checkpoint, by an authority that is trusted.</summary>
    Holds,

    /// <summary>It is for something else.</summary>
    OtherContent,

    /// <summary>Its signature does not hold, or the certificate may not sign time stamps.</summary>
    BadSignature,

    /// <summary>The signer's certificate does not lead to the trusted one, or was not valid at that time.</summary>
    OtherAuthority,
}
