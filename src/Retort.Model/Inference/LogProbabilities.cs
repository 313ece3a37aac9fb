using Retort.Kernels;

namespace Retort.Model.Inference;

/// <summary>Probabilities that are reported beside a token.</summary>
static class LogProbabilities
{
    /// <summary>ln Σ e^x.</summary>
    public static double Norm(ReadOnlySpan<float> logits)
    {
        float max = Softmax.Max(logits);
        double sum = 0;
        foreach (float x in logits)
        {
            sum += Math.Exp(x - max);
        }

        return max + Math.Log(sum);
    }

    /// <summary>The most probable tokens, the first by number among equals.</summary>
    public static TokenProbability[] Top(ReadOnlySpan<float> logits, double norm, int count)
    {
        PriorityQueue<int, (float, int)> best = new();
        for (int id = 0; id < logits.Length && count > 0; id++)
        {
            (float, int) rank = (logits[id], -id);
            if (best.Count < count)
            {
                best.Enqueue(id, rank);
            }
            else if (best.TryPeek(out _, out (float, int) least) && rank.CompareTo(least) > 0)
            {
                best.EnqueueDequeue(id, rank);
            }
        }

        TokenProbability[] top = new TokenProbability[best.Count];
        for (int i = top.Length - 1; i >= 0; i--)
        {
            int id = best.Dequeue();
            top[i] = new(id, (float)(logits[id] - norm));
        }

        return top;
    }
}
