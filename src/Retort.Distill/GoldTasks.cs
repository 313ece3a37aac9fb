using Retort.Kernels;
using Retort.Model.Llama;
using Retort.Model.Tokenizers;

namespace Retort.Distill;

/// <summary>One model's answers to the gold tasks, in the order of the tasks.</summary>
public sealed record GoldAnswers(IReadOnlyList<string> Answers, double[] Scores)
{
    /// <summary>Mean score of each kind of task.</summary>
    public IReadOnlyList<GoldScore> ByKind(IReadOnlyList<Document> tasks) =>
        [.. tasks.Select((t, i) => (t.Kind, Score: Scores[i])).GroupBy(x => x.Kind).OrderBy(g => g.Key, StringComparer.Ordinal).Select(g => new GoldScore(g.Key, g.Average(x => x.Score), g.Count()))];
}

/// <summary>Held-out tasks with gold answers, answered greedily and judged by the task's own score.</summary>
public static class GoldTasks
{
    /// <summary>The first <paramref name="count"/> documents that have a score.</summary>
    public static IReadOnlyList<Document> Choose(IReadOnlyList<Document> heldOut, int count) => [.. heldOut.Where(d => d.Score is not null).Take(count)];

    public static GoldAnswers Answer(LlamaWeights model, Tokenizer tokenizer, IReadOnlyList<Document> tasks, int maxTokens, Workers workers, CancellationToken stop)
    {
        if (tasks.Count == 0)
        {
            return new([], []);
        }

        Generator generator = new(model, tokenizer, workers);
        IReadOnlyList<Generation> made = generator.GenerateMany(
            [.. tasks.Select(t => Dataset.Prompt(t, tokenizer) is { Length: > 0 } prompt ? Fit(prompt, model.Config.Context, maxTokens) : generator.Encode(""))], new SamplingOptions { Temperature = 0, MaxTokens = maxTokens, Stop = [Corpus.End] }, cancel: stop);
        string[] answers = [.. made.Select(m => m.Text)];
        return new(answers, [.. tasks.Select((t, i) => t.Score!(answers[i]))]);
    }

    /// <summary>Keeps the end of a prompt that would leave no room for an answer: the question stands there, and the answer continues it.</summary>
    internal static int[] Fit(int[] prompt, int context, int maxTokens) => prompt.Length < context ? prompt : prompt[^(context - Math.Min(maxTokens, context / 2))..];
}
