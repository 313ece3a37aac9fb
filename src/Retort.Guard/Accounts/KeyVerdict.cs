namespace Retort.Guard.Accounts;

/// <summary>Why a key does not pass.</summary>
public enum KeyRefusal
{
    Missing,
    Malformed,
    Mistyped,

    /// <summary>No such id, or another secret: nothing tells which.</summary>
    Unknown,
    Revoked,
    Expired,

    /// <summary>It was made for other uses.</summary>
    OutOfScope,

    /// <summary>Accounts changed and cannot be read: nothing passes until they can.</summary>
    Unavailable,
}

/// <summary>Whether a request's key passes; a value that travels the path, made when accounts change and not when one asks.</summary>
public abstract record KeyVerdict
{
    KeyVerdict()
    {
    }

    /// <param name="Grace">What the owner has to accept before the grace ends; null where nothing is asked.</param>
    public sealed record Passes(Account Account, ApiKey Key, TermsDemand? Grace) : KeyVerdict;

    public sealed record Refused(KeyRefusal Why) : KeyVerdict
    {
        /// <summary>HTTP's status.</summary>
        public int Status => Why switch { KeyRefusal.OutOfScope => 403, KeyRefusal.Unavailable => 503, _ => 401 };

        /// <summary>What a program goes by.</summary>
        public string Code => Why switch
        {
            KeyRefusal.Missing => "missing_api_key",
            KeyRefusal.Malformed => "malformed_api_key",
            KeyRefusal.Mistyped => "mistyped_api_key",
            KeyRefusal.Unknown => "invalid_api_key",
            KeyRefusal.Revoked => "revoked_api_key",
            KeyRefusal.Expired => "expired_api_key",
            KeyRefusal.OutOfScope => "scope_not_granted",
            _ => "accounts_unavailable",
        };

        /// <summary>One sentence for the client.</summary>
        public string Message => Why switch
        {
            KeyRefusal.Missing => "There is no API key; send it as Authorization: Bearer rt_….",
            KeyRefusal.Malformed => "This is no API key of this server; keys begin with rt_ and have 65 characters.",
            KeyRefusal.Mistyped => "The API key was mistyped or cut: its last characters do not fit the rest.",
            KeyRefusal.Unknown => "The API key is not known here.",
            KeyRefusal.Revoked => "The API key was revoked.",
            KeyRefusal.Expired => "The API key has expired.",
            KeyRefusal.OutOfScope => "The API key was not made for this use.",
            _ => "Accounts cannot be read now; nothing was begun.",
        };
    }

    /// <summary>The key is good, and its owner has to accept terms first.</summary>
    public sealed record TermsOutstanding(Account Account, ApiKey Key, TermsDemand Demand) : KeyVerdict
    {
        public int Status => 403;

        public string Code => Demand.Accepted is null ? "terms_not_accepted" : "terms_superseded";

        public string Message => $"{(Demand.Accepted is { } old ? $"Version {old} of the terms, which this account accepted, is superseded" : "This account has accepted no terms")}: accept version {Demand.Version} ({Demand.AcceptAt}).";
    }
}
