using Retort.Asking;

namespace Retort.Distill;

/// <summary>What asking a teacher behind an interface came to.</summary>
/// <param name="Usage">Of the answers.</param>
public sealed record AskedFacts(StoreFacts Store, StoreUsage Usage)
{
    /// <summary>Each teacher's part, in the recipe's order.</summary>
    public IReadOnlyList<TeacherPart> Teachers { get; init; } = [];

    /// <summary>What a million tokens of answers cost, their questions included; null where nothing was paid.</summary>
    public double? PerMillion => Paid > 0 && Usage.CompletionTokens > 0 ? Paid / Usage.CompletionTokens * 1e6 : null;

    /// <summary>What one answered call cost; null where nothing was paid.</summary>
    public double? PerCall => Paid > 0 && Store.Answers > 0 ? Paid / Store.Answers : null;

    /// <summary>What answers cost, in dollars; what may have been paid for nothing is left out.</summary>
    double Paid => (double)(Store.Spent - Store.PossiblyPaid).Dollars;
}

/// <summary>What one teacher's answers were and cost.</summary>
/// <param name="Teacher">The model reference.</param>
/// <param name="Questions">Asked of it for data, answered or not.</param>
/// <param name="Answered">Of them answered.</param>
/// <param name="Admitted">Answers trained or tested on.</param>
/// <param name="Spent">On all it was asked; a judge that is the same model counts with it.</param>
public sealed record TeacherPart(string Teacher, long Questions, long Answered, long Admitted, Usd Spent);

/// <summary>How close the models come to an asked teacher's held-out answers: fidelity, where the results are measured on text it did not write.</summary>
/// <param name="Student">Cross entropy, nats per token, mean over seeds.</param>
/// <param name="Twin">The same; null without a twin.</param>
public sealed record TeacherAnswers(long Documents, long Tokens, double Student, double? Twin);
