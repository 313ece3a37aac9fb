namespace Retort.Guard.Accounts;

/// <summary>What an account says it uses the model for; a narrow heavy user is compared with what it declared.</summary>
[Flags]
public enum Purposes
{
    None = 0,
    Evaluation = 1,
    Batch = 2,
    Judge = 4,
    Agent = 8,
}

/// <summary>What a key may be used for. The numbers are stored: a use that comes later is granted to no key made before.</summary>
[Flags]
public enum KeyScopes
{
    None = 0,
    Chat = 1,
    Completions = 2,
    Models = 4,
    Logprobs = 8,
    Embeddings = 16,
    Responses = 32,
    All = Chat | Completions | Models | Logprobs | Embeddings | Responses,
}

/// <summary>What accounts of one operator may share.</summary>
public enum TraitKind
{
    Payment,
    Organisation,
    Address,
}

/// <summary>Which terms an owner accepted.</summary>
/// <param name="Sha256">Of the document, in hexadecimal.</param>
/// <param name="Who">Who accepted, as was said.</param>
public sealed record Acceptance(string Version, string Sha256, DateTimeOffset At, string Who);

/// <summary>An account.</summary>
/// <param name="ResearcherSince">When it was verified as a researcher's; null where it was not.</param>
/// <param name="Linked">The group of accounts it is linked to; null for none.</param>
/// <param name="Accepted">The terms accepted last; null for none.</param>
public sealed record Account(long Id, string Name, string Tier, Purposes Purposes, DateTimeOffset? ResearcherSince, long? Linked, DateTimeOffset Made, Acceptance? Accepted);

/// <summary>A key, without its secret.</summary>
/// <param name="Expires">When it stops; null for never.</param>
/// <param name="Replaced">When it stops because another took its place; null where none did.</param>
/// <param name="Revoked">When it was revoked.</param>
/// <param name="Successor">The key that took its place.</param>
public sealed record ApiKey(string Id, long Account, KeyScopes Scopes, DateTimeOffset Made, DateTimeOffset? Expires, DateTimeOffset? Replaced, DateTimeOffset? Revoked, string? Successor)
{
    /// <summary>When it stops by itself; null for never.</summary>
    public DateTimeOffset? Ends => Expires is { } e && Replaced is { } r ? (e < r ? e : r) : Expires ?? Replaced;

    /// <summary>In a word.</summary>
    public string State(DateTimeOffset now) => Revoked is not null ? "revoked" : Ends is { } ends && now >= ends ? (Replaced == ends ? "replaced" : "expired") : Replaced is not null ? "rotating" : "active";
}

/// <summary>A document of terms that was published; the last one is in force.</summary>
/// <param name="Sha256">In hexadecimal.</param>
/// <param name="File">Its name then.</param>
public sealed record PublishedTerms(string Version, string Sha256, string File, DateTimeOffset At);

/// <summary>A key that was just made.</summary>
/// <param name="Text">Shown to its owner once, and kept nowhere.</param>
public sealed record MadeKey(ApiKey Key, string Text)
{
    /// <summary>Without the secret.</summary>
    public override string ToString() => $"{nameof(MadeKey)} {Key.Id}";
}

/// <summary>Something that happened to accounts.</summary>
public enum AccountEventKind
{
    AccountAdded,
    AccountChanged,
    KeyMade,
    KeyRotated,
    KeyRevoked,
    TermsPublished,
    TermsAccepted,
}

/// <summary>An event, written with the change that it tells of.</summary>
/// <param name="Number">From 1, without gaps.</param>
/// <param name="Account">The account's number; null where it is about none.</param>
/// <param name="Subject">The key's id or the terms' version.</param>
/// <param name="Detail">JSON.</param>
public sealed record AccountEvent(long Number, AccountEventKind Kind, DateTimeOffset At, long? Account, string? Subject, string Detail);
