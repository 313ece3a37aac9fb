namespace Retort.Evidence.Terms;

/// <summary>What somebody else's model or text is to a run.</summary>
public enum TermsRole
{
    Teacher,
    Judge,
    PromptGrower,
    BaseModel,
    SeedData,
}

/// <summary>What is about to be done. Asking is already for the student's sake, so no class opens for it that is closed for training.</summary>
public enum TermsPurpose
{
    Ask,
    Train,
    Export,
}

/// <summary>One use to be judged.</summary>
/// <param name="Declared">The id of an entry that the user says applies, or null.</param>
/// <param name="Own">The reading of the endpoint's own list of models; null where none was made.</param>
public sealed record TermsUse(TermsRole Role, UsedModel Model, TermsPurpose Purpose, string? Declared = null, PolicyReading? Own = null);
