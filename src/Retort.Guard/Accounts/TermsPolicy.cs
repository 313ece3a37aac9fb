namespace Retort.Guard.Accounts;

/// <summary>What is asked of owners when terms change.</summary>
/// <param name="File">The document; null where its version alone is named.</param>
/// <param name="Version">The version that must be in force.</param>
/// <param name="Grace">How long keys under the version before go on once a new one is published.</param>
/// <param name="AcceptAt">Where an owner accepts: an address, or what to do in words.</param>
public sealed record TermsPolicy(string? File, string Version, TimeSpan Grace, string AcceptAt);

/// <summary>What an owner has to accept, as data.</summary>
/// <param name="Accepted">The version accepted last; null for none.</param>
/// <param name="GraceEnds">When keys stop to work; null where they do not work now.</param>
public sealed record TermsDemand(string Version, string Sha256, string? Accepted, DateTimeOffset? GraceEnds, string AcceptAt)
{
    /// <summary>The header of an answer within the grace.</summary>
    public const string Header = "x-retort-terms";

    /// <summary>Its value: superseded; accepted="1"; current="2"; sha256=…; until=2026-12-01T00:00:00Z; accept="…".</summary>
    public string HeaderValue => $"superseded; accepted=\"{Plain(Accepted)}\"; current=\"{Plain(Version)}\"; sha256={Sha256}; until={GraceEnds?.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'}; accept=\"{Plain(AcceptAt)}\"";

    static string Plain(string? text) => string.Concat((text ?? "").Where(c => c is >= ' ' and <= '~' and not '"' and not '\\'));
}
