using System.Text;
using Retort.Guard.OpenAi;
using Retort.Model.Inference;

namespace Retort.Guard;

/// <summary>Answers under way, with how they are written.</summary>
/// <param name="AnsweredBy">Who answers where there are two; null otherwise.</param>
sealed record BegunAnswers(LaidOutRequest Request, Reply Reply, Answering Answers, IAsyncEnumerable<IndexedPart> Parts, string? AnsweredBy)
{
    bool HasProbabilities => Request.Probabilities is not null;

    Usage Usage => Answers.Usage(Request.Prompts.Length);

    /// <summary>Writes the whole reply once all answers have ended.</summary>
    /// <exception cref="RequestException">An answer ended in an error.</exception>
    public async Task Write(Stream to)
    {
        StringBuilder[] texts = [.. Enumerable.Range(0, Answers.Count).Select(_ => new StringBuilder())];
        List<ReportedToken>[] tokens = [.. Enumerable.Range(0, Answers.Count).Select(_ => new List<ReportedToken>())];
        string[] finish = new string[Answers.Count];
        await foreach ((int i, AnswerPart part) in Parts.ConfigureAwait(false))
        {
            texts[i].Append(part.Text);
            tokens[i].AddRange(Reported(part));
            finish[i] = part.Finish ?? finish[i];
        }

        Reply.Write(to, [.. texts.Select((t, i) => new WholeAnswer(t.ToString(), HasProbabilities ? tokens[i] : null, finish[i]))], Usage);
    }

    /// <summary>The JSON of each part as it comes.</summary>
    /// <exception cref="RequestException">An answer ended in an error.</exception>
    public async IAsyncEnumerable<byte[]> Events()
    {
        bool[] begun = new bool[Answers.Count];
        await foreach ((int i, AnswerPart part) in Parts.ConfigureAwait(false))
        {
            ReportedToken[] tokens = [.. Reported(part)];
            if (part.Text.Length == 0 && part.Finish is null && (tokens.Length == 0 || !HasProbabilities))
            {
                continue;
            }

            yield return Reply.Part(i, part.Text, HasProbabilities ? tokens : null, part.Finish, !begun[i]);
            begun[i] = true;
        }
    }

    /// <summary>The JSON of the part that says what was used.</summary>
    public byte[] UsageEvent() => Reply.UsagePart(Usage);

    static IEnumerable<ReportedToken> Reported(AnswerPart part) => part.Drawn is { } drawn ? [new(drawn, part.Top)] : [];
}
