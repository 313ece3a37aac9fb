using Retort.Kernels;

namespace Retort.Model.Inference;

/// <summary>How well a model in the format it answers in foretells texts.</summary>
public static class TextScore
{
    const int Rows = 128;

    /// <summary>Cross entropy in nats per token of texts, each read from its own beginning.</summary>
    /// <param name="texts">Tokens of a text, and the first of them that counts, at least 1.</param>
    public static double CrossEntropy(InferenceWeights weights, IReadOnlyList<(int[] Tokens, int First)> texts, int threads, CancellationToken stop)
    {
        using Workers workers = new(threads);
        PagedCache cache = new(weights.Config, (texts.Max(t => t.Tokens.Length) + PagedAttention.Page - 1) / PagedAttention.Page);
        InferencePass pass = new(weights, cache, workers, Rows, Rows);
        InferenceBatch batch = new();
        int[] pages = [.. Enumerable.Range(0, cache.Pages).Select(_ => cache.Take())];
        double sum = 0;
        long counted = 0;
        foreach ((int[] tokens, int first) in texts)
        {
            for (int at = 0; at + 1 < tokens.Length; at += Rows)
            {
                stop.ThrowIfCancellationRequested();
                int end = Math.Min(at + Rows, tokens.Length - 1), row = 0;
                batch.Clear();
                for (int i = at; i < end; i++)
                {
                    batch.Add(tokens.AsSpan(i, 1), i, pages, inBlocks: false, logits: i + 1 >= first);
                }

                pass.Run(batch);
                for (int i = Math.Max(at, first - 1); i < end; i++)
                {
                    Span<float> logits = pass.Logits(row++);
                    sum += LogProbabilities.Norm(logits) - logits[tokens[i + 1]];
                    counted++;
                }
            }
        }

        return counted == 0 ? double.NaN : sum / counted;
    }
}
