using Retort.Kernels;

namespace Retort.Model.Llama;

/// <summary>
/// Keys and values of every layer, for one sequence or for 32 decoded together. One sequence: token blocks, [blocks, key-value heads, D, 32
/// positions], exactly what a forward pass writes, so that a prompt's are copied whole. 32 sequences: a ring of steps for every head,
/// [key-value heads, capacity, D, 32 sequences]; a sequence may start at any step.
/// </summary>
public sealed class KeyValueCache
{
    /// <param name="config">The model's shape.</param>
    /// <param name="lanes">1 or 32 sequences.</param>
    /// <param name="capacity">Longest sequence in tokens; of one sequence it is rounded up to whole token blocks.</param>
    public KeyValueCache(LlamaConfig config, int lanes, int capacity)
    {
        if (lanes is not (1 or MatMul.L))
        {
            throw new ArgumentOutOfRangeException(nameof(lanes), lanes, $"A cache holds 1 or {MatMul.L} sequences.");
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        Capacity = lanes == 1 ? (capacity + MatMul.L - 1) / MatMul.L * MatMul.L : capacity;
        int length = checked(Capacity * config.KeyWidth * lanes);
        Keys = [.. Enumerable.Range(0, config.Layers).Select(_ => new FloatBuffer(length))];
        Values = [.. Enumerable.Range(0, config.Layers).Select(_ => new FloatBuffer(length))];
    }

    /// <summary>Tokens of one sequence that fit.</summary>
    public int Capacity { get; }

    internal FloatBuffer[] Keys { get; }

    internal FloatBuffer[] Values { get; }

    /// <summary>Bytes such a cache takes.</summary>
    public static long Bytes(LlamaConfig config, int lanes, int capacity) => 2L * sizeof(float) * config.Layers * config.KeyWidth * capacity * lanes;
}
