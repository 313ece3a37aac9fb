using Retort.Model.Tokenizers;

namespace Retort.Distill;

/// <summary>What a run trains and tests on, as tokens.</summary>
/// <param name="Train">What the student learns from.</param>
/// <param name="Twin">What the twin learns from, where that is other text; null where it is the same.</param>
/// <param name="Validation">What the learning rate is chosen by.</param>
/// <param name="HeldOut">What the verdict rests on: gold answers where an asked teacher's prompts have them.</param>
/// <param name="HeldOutDocuments">The documents in it.</param>
/// <param name="TeacherHeldOut">The teacher's own answers to held-out prompts, where the verdict rests on other text.</param>
/// <param name="TeacherText">The verdict's text is the teacher's: it measures closeness to it.</param>
/// <param name="HasTwin">There is text without the teacher for a twin to learn from.</param>
sealed record RunData(
    Corpus Corpus, Tokenizer Tokenizer, Dataset Train, Dataset? Twin, Dataset Validation, Dataset HeldOut, IReadOnlyList<Document> HeldOutDocuments, Dataset? TeacherHeldOut, bool TeacherText, bool HasTwin);
