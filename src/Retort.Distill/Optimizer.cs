using Retort.Kernels;
using Retort.Model.Llama;

namespace Retort.Distill;

/// <summary>Constants of the optimizer that do not change from step to step.</summary>
public sealed record OptimizerOptions
{
    public float Beta1 { get; init; } = 0.9f;

    public float Beta2 { get; init; } = 0.95f;

    public float Epsilon { get; init; } = 1e-8f;

    /// <summary>Decoupled weight decay, on every weight.</summary>
    public float WeightDecay { get; init; } = 0.01f;

    /// <summary>Largest norm of the whole gradient; larger ones are scaled down to it.</summary>
    public float ClipNorm { get; init; } = 1f;
}

/// <summary>Weights, their gradient and both moments of AdamW: four arenas of one shape, and the loop over them.</summary>
public sealed class Optimizer
{
    const int Chunk = 1 << 16;

    readonly OptimizerOptions _options;
    readonly (int Arena, int Start, int Length)[] _chunks;
    readonly double[] _squares;

    public Optimizer(LlamaWeights weights, OptimizerOptions options)
    {
        Weights = weights;
        Gradients = new(weights.Config);
        First = new(weights.Config);
        Second = new(weights.Config);
        _options = options;
        List<(int, int, int)> chunks = [];
        for (int arena = 0; arena < weights.Arenas.Count; arena++)
        {
            for (int start = 0; start < weights.Arenas[arena].Length; start += Chunk)
            {
                chunks.Add((arena, start, Math.Min(Chunk, weights.Arenas[arena].Length - start)));
            }
        }

        _chunks = [.. chunks];
        _squares = new double[_chunks.Length];
    }

    public LlamaWeights Weights { get; }

    public LlamaWeights Gradients { get; }

    /// <summary>First moment.</summary>
    public LlamaWeights First { get; }

    /// <summary>Second moment.</summary>
    public LlamaWeights Second { get; }

    /// <summary>Updates made so far.</summary>
    public int Steps { get; set; }

    /// <summary>Clips, updates and clears the gradient.</summary>
    /// <returns>The gradient's norm before clipping.</returns>
    public double Step(float rate, Workers workers)
    {
        workers.Run(_chunks.Length, (i, _) =>
        {
            (int arena, int start, int length) = _chunks[i];
            _squares[i] = AdamW.SquaredNorm(Gradients.Arenas[arena].Slice(start, length));
        });
        double norm = Math.Sqrt(_squares.Sum());
        Steps++;
        AdamStep step = new(rate, _options.Beta1, _options.Beta2, _options.Epsilon, _options.WeightDecay, Steps, (float)Math.Min(1, _options.ClipNorm / (norm + 1e-6)));
        workers.Run(_chunks.Length, (i, _) =>
        {
            (int arena, int start, int length) = _chunks[i];
            AdamW.Update(
                Weights.Arenas[arena].Slice(start, length), Gradients.Arenas[arena].Slice(start, length),
                First.Arenas[arena].Slice(start, length), Second.Arenas[arena].Slice(start, length), step);
        });
        return norm;
    }
}
