namespace Retort.Evidence.Terms;

/// <summary>
/// What a document lets one do with outputs, the strictest last. From <see cref="Unknown"/> on the gate is closed; not knowing comes before what is
/// known to be barred, so that the stricter of the two is the one that is known.
/// </summary>
public enum TermsClass
{
    Allow,

    /// <summary>Allowed; whoever hands on what was trained names it, or gives a notice, as the document says.</summary>
    AllowWithNaming,

    /// <summary>Allowed; the document's own terms bind whoever gets what was trained.</summary>
    FlowDown,

    Unknown,
    NonCommercial,
    NoCompetingModelsWithException,
    NoCompetingModels,
    PriorAuthorisation,
    TrainingBanned,

    /// <summary>Programs may not ask at all.</summary>
    AccessBanned,
}

public static class TermsClasses
{
    public static bool Opens(this TermsClass c) => c < TermsClass.Unknown;

    public static TermsClass Stricter(TermsClass a, TermsClass b) => a > b ? a : b;

    /// <summary>What a class means for asking and training, as the end of a sentence.</summary>
    public static string Meaning(this TermsClass c) => c switch
    {
        TermsClass.Allow => "outputs may train models",
        TermsClass.AllowWithNaming => "outputs may train models, which must be named or noticed as the document says",
        TermsClass.FlowDown => "outputs may train models, and the document's terms go along with them",
        TermsClass.Unknown => "nobody has read what it says of training on outputs",
        TermsClass.NonCommercial => "use is for research or other non-commercial ends",
        TermsClass.NoCompetingModelsWithException => "outputs may not build competing models, with narrow exceptions",
        TermsClass.NoCompetingModels => "outputs may not build competing models",
        TermsClass.PriorAuthorisation => "training on outputs needs the provider's word beforehand",
        TermsClass.TrainingBanned => "outputs may not train models",
        TermsClass.AccessBanned => "programs may not use it",
        _ => throw new ArgumentOutOfRangeException(nameof(c)),
    };
}
