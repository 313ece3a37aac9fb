using System.Text;

namespace Retort.Asking;

/// <summary>Questions that are asked one after another, each with the teacher's own answers before it.</summary>
/// <param name="Later">What the user says after each answer; empty where one question is all.</param>
public sealed record Chain(Question First, IReadOnlyList<string> Later)
{
    /// <summary>The question behind an answer: the first of it where there are several.</summary>
    /// <param name="place">Which of the chain's questions was answered, from 0 on.</param>
    /// <returns>Null at the end, and where nothing is to be built on: no answer, a refusal, or one that was cut off or empty.</returns>
    public Question? After(Question asked, Reply? reply, int place) => place < Later.Count && reply?.Choices[0] is { IsWhole: true } answer
        ? asked with { Turns = [.. asked.Turns, new("assistant", answer.Text), new("user", Later[place])] }
        : null;

    /// <summary>What one of its questions may cost, if every answer before it is as long as it may be.</summary>
    /// <param name="most">Most tokens of one answer.</param>
    internal Usd AtMost(Price price, int place, int most)
    {
        const int EachTurn = 8;
        long before = Later.Take(place).Sum(t => (long)Encoding.UTF8.GetByteCount(t) + EachTurn) + (place * ((long)most + EachTurn));
        return price.Of(Price.PromptTokensAtMost(First) + before, (long)most * First.Parameters.Count);
    }
}
