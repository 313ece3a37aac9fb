using Retort.Asking;

namespace Retort.Distill;

/// <summary>Why an answer is not trained on, in the order in which it is looked for.</summary>
public enum Exclusion
{
    /// <summary>The model refused, or the endpoint filtered it.</summary>
    Refused,

    /// <summary>More answers came than were asked for.</summary>
    Surplus,

    /// <summary>The endpoint gave it the name of an answer to another question.</summary>
    NotItsOwn,

    /// <summary>The endpoint named another model than the one asked; a dated name of the same model is not another.</summary>
    OtherModel,

    /// <summary>There is no text, or none after the reasoning.</summary>
    Empty,

    /// <summary>It was cut off, or ended in a way that is not its own.</summary>
    Unfinished,

    /// <summary>It begins as refusals do: a guess by its words.</summary>
    RefusedInWords,

    /// <summary>It is shorter or longer than wanted.</summary>
    Length,

    /// <summary>It is no JSON, or not what the schema asks for.</summary>
    Schema,

    /// <summary>It is no answer to the recipe's task: none of the labels, or not what its schema allows.</summary>
    OutsideTask,

    /// <summary>A pattern that must match does not, or one that must not does.</summary>
    Pattern,

    /// <summary>Question or answer shares words with an evaluation set.</summary>
    Contaminated,

    /// <summary>It is to be checked, and its question has no right answer to check it by.</summary>
    NoGold,

    /// <summary>It is not the right answer.</summary>
    Wrong,

    /// <summary>It is right, as one before it to the same question.</summary>
    NotFirst,

    /// <summary>No verdict on it could be had or read.</summary>
    Unjudged,

    /// <summary>The judge's score is below the threshold.</summary>
    BelowThreshold,

    /// <summary>The judge's score is good, and another answer to the same question has a better one.</summary>
    NotBest,

    /// <summary>It repeats one before it.</summary>
    NearDuplicate,

    /// <summary>Question or answer shares words with what the run itself tests on.</summary>
    SharedWithHeldOut,
}

/// <summary>An answer that is left out.</summary>
/// <param name="Detail">What it repeats, breaks or shares, in short; null where the reason says it all.</param>
public sealed record Excluded(StoredAnswer Answer, Exclusion Why, string? Detail = null);

/// <summary>An answer that is trained on.</summary>
/// <param name="Trace">The reasoning that goes before the reply, tags and all; empty where there is none, or it is dropped.</param>
/// <param name="Reply">The rest.</param>
/// <param name="MaskTrace">Whether the trace is read and no loss is taken for it.</param>
/// <param name="Score">The judge's; null without one.</param>
public sealed record AdmittedAnswer(StoredAnswer Answer, AskedQuestion Asked, string Trace, string Reply, bool MaskTrace, double? Score = null)
{
    /// <summary>What the student is to write.</summary>
    public string Text => Trace + Reply;
}
