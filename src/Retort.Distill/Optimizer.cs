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

/// <summary>Weights, their gradient and both moments of AdamW: four lists of arenas of one shape, and the loop over them.</summary>
public sealed class Optimizer
{
    const int Chunk = 1 << 16;

    readonly OptimizerOptions _options;
    readonly (int Arena, int Start, int Length)[] _chunks;
    readonly double[] _squares;

    /// <param name="weights">What is trained.</param>
    /// <param name="gradients">Arenas of the same lengths, where the gradient accumulates; each step clears it.</param>
    public Optimizer(IReadOnlyList<FloatBuffer> weights, IReadOnlyList<FloatBuffer> gradients, OptimizerOptions options)
    {
        (Weights, Gradients, _options) = (weights, gradients, options);
        First = [.. weights.Select(a => new FloatBuffer(a.Length))];
        Second = [.. weights.Select(a => new FloatBuffer(a.Length))];
        List<(int, int, int)> chunks = [];
        for (int arena = 0; arena < weights.Count; arena++)
        {
            for (int start = 0; start < weights[arena].Length; start += Chunk)
            {
                chunks.Add((arena, start, Math.Min(Chunk, weights[arena].Length - start)));
            }
        }

        _chunks = [.. chunks];
        _squares = new double[_chunks.Length];
    }

    public Optimizer(LlamaWeights weights, OptimizerOptions options)
        : this(weights.Arenas, new LlamaWeights(weights.Config).Arenas, options)
    {
    }

    public IReadOnlyList<FloatBuffer> Weights { get; }

    public IReadOnlyList<FloatBuffer> Gradients { get; }

    /// <summary>First moment.</summary>
    public IReadOnlyList<FloatBuffer> First { get; }

    /// <summary>Second moment.</summary>
    public IReadOnlyList<FloatBuffer> Second { get; }

    /// <summary>Updates made so far.</summary>
    public int Steps { get; set; }

    /// <summary>Clips, updates and clears the gradient.</summary>
    /// <returns>The gradient's norm before clipping.</returns>
    public double Step(float rate, Workers workers)
    {
        workers.Run(_chunks.Length, (i, _) =>
        {
            (int arena, int start, int length) = _chunks[i];
            _squares[i] = AdamW.SquaredNorm(Gradients[arena].Slice(start, length));
        });
        double norm = Math.Sqrt(_squares.Sum());
        Steps++;
        AdamStep step = new(rate, _options.Beta1, _options.Beta2, _options.Epsilon, _options.WeightDecay, Steps, (float)Math.Min(1, _options.ClipNorm / (norm + 1e-6)));
        workers.Run(_chunks.Length, (i, _) =>
        {
            (int arena, int start, int length) = _chunks[i];
            AdamW.Update(
                Weights[arena].Slice(start, length), Gradients[arena].Slice(start, length),
                First[arena].Slice(start, length), Second[arena].Slice(start, length), step);
        });
        return norm;
    }
}
