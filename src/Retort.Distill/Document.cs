namespace Retort.Distill;

/// <summary>One text to train or test on.</summary>
/// <param name="Prompt">What the model is given, laid out as it will see it; empty for plain text.</param>
/// <param name="Answer">What it should write, with the mark that ends it.</param>
/// <param name="Kind">Kind of task, for scores by kind.</param>
/// <param name="Score">Judges an answer in [0, 1]; null where there is no gold score.</param>
/// <param name="Gold">The right answer as shown to people; null where there is none.</param>
public sealed record Document(string Prompt, string Answer, string Kind = "text", Func<string, double>? Score = null, string? Gold = null)
{
    /// <summary>A chat template laid the prompt out, its special tokens spelled: none are added.</summary>
    public bool Laid { get; init; }

    /// <summary>The answer without the mark that ends it.</summary>
    public string Said => Answer.EndsWith(Corpus.End, StringComparison.Ordinal) ? Answer[..^Corpus.End.Length] : Answer;

    /// <summary>The stored answer it was made of, "question/place"; null where no teacher was asked.</summary>
    public string? Id { get; init; }

    /// <summary>Who wrote that answer, by the model reference; null where no teacher was asked.</summary>
    public string? Teacher { get; init; }

    /// <summary>Reasoning before the answer that is read and not learned; empty for none.</summary>
    public string Trace { get; init; } = "";

    /// <summary>What a file of prompts says it belongs to, by which a task's failures are sorted; null where it says nothing.</summary>
    public string? Slice { get; init; }

    /// <summary>The teacher's answer is not one to learn from: it is held out, for what its right answer tells of teacher and student.</summary>
    public bool Untaught { get; init; }

    /// <summary>The same with the right answer in place of the teacher's; null where there is none.</summary>
    public Document? AsGold => Gold is null ? null : this with { Answer = Gold + Corpus.End, Id = null, Teacher = null, Trace = "" };
}

/// <summary>A source of documents that a recipe names with <c>data.sample</c>; the door registers those that ship.</summary>
/// <param name="Documents">seed, count, held out → documents; the two splits never share a document.</param>
/// <param name="SpecialTokens">Spellings the tokenizer must keep whole.</param>
public sealed record SampleSource(Func<ulong, int, bool, IEnumerable<Document>> Documents, IReadOnlyList<string> SpecialTokens, string EndToken);
