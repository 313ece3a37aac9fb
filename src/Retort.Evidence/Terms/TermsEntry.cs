namespace Retort.Evidence.Terms;

/// <summary>What one document says of one teacher reached by one path, as somebody read it on a day.</summary>
/// <param name="Id">Small letters, digits, dots and dashes; what recipes and permissions name.</param>
/// <param name="Provider">Whose document it is.</param>
/// <param name="Teacher">The models, in words.</param>
/// <param name="Covers">Which endpoints, names and files are this teacher's.</param>
/// <param name="Document">The document's title.</param>
/// <param name="Version">As the document calls it; null when it does not.</param>
/// <param name="Effective">The day from which it holds, when it says so.</param>
/// <param name="Read">The day on which its text was last fetched from the provider, which is what readings grow old from.</param>
/// <param name="IsFixed">The licence was given once for what is covered and goes with it, so that a reading does not grow old.</param>
/// <param name="Link">Where the provider keeps it; null when not known for certain.</param>
/// <param name="Clause">Where in the document the answer stands.</param>
/// <param name="Licence">An SPDX licence id, or LicenseRef- and a name where SPDX has none.</param>
/// <param name="TextSha256">Hash of the document's text as read, when one was kept.</param>
/// <param name="Region">Whose edition was read, when it differs by region.</param>
/// <param name="Evidence">Whether the document itself was read.</param>
/// <param name="Obligations">What must be done once something trained under it is handed on.</param>
/// <param name="Note">The reviewer's.</param>
public sealed record TermsEntry(
    string Id,
    string Provider,
    string Teacher,
    AccessPath Path,
    Coverage Covers,
    string Document,
    string? Version,
    DateOnly? Effective,
    DateOnly Read,
    bool IsFixed,
    string? Link,
    string Clause,
    string Licence,
    string? TextSha256,
    string? Region,
    TermsEvidence Evidence,
    TermsStatements Says,
    TermsClass Class,
    TermsObligations Obligations,
    string? Note)
{
    /// <summary>Whether the reading is older than that many days, or from a day that has not come yet.</summary>
    public bool IsStale(DateOnly today, int maxAgeDays) => Read > today || (!IsFixed && today.DayNumber - Read.DayNumber > maxAgeDays);
}

/// <summary>What a reading rests on.</summary>
public enum TermsEvidence
{
    /// <summary>The document's own text.</summary>
    Original,

    /// <summary>Somebody else's word for it, which may close the gate but never opens it.</summary>
    Reported,
}

/// <summary>What the document says, a short sentence each; "not read" where nobody looked.</summary>
public sealed record TermsStatements(string Training, string Collection, string Benchmarking, string SyntheticData, string Indemnity);

/// <param name="NamePrefix">What the name of a model trained under the document begins with.</param>
/// <param name="Notices">Texts that are shown or handed on beside it; a bar stands between texts of which one will do.</param>
/// <param name="FlowsDown">Titles of documents whose terms bind whoever gets it.</param>
/// <param name="WithWeights">Titles of licences that go along with a student that begins from these weights, whatever they say of outputs.</param>
/// <param name="Conditions">What only a reader can judge.</param>
public sealed record TermsObligations(string? NamePrefix, IReadOnlyList<string> Notices, IReadOnlyList<string> FlowsDown, IReadOnlyList<string> WithWeights, IReadOnlyList<string> Conditions);
