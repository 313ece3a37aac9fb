namespace Retort.Evidence.Ledger;

/// <summary>What became of a verification: an expected outcome, not an error.</summary>
public enum LedgerVerdict
{
    /// <summary>Everything that was asked holds.</summary>
    Holds,

    /// <summary>The checkpoint names another log than the key.</summary>
    OtherLog,

    /// <summary>No signature is by the log's key.</summary>
    Unsigned,

    /// <summary>A signature says it is by the log's key and is not.</summary>
    BadSignature,

    /// <summary>A witness that was asked for has not signed.</summary>
    WitnessAbsent,

    /// <summary>A signature says it is by a witness' key and is not.</summary>
    BadWitness,

    /// <summary>The entry is not at this index of the signed tree.</summary>
    NotIncluded,

    /// <summary>The later tree does not begin with the earlier one.</summary>
    Inconsistent,
}
