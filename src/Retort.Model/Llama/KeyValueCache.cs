using Retort.Kernels;

namespace Retort.Model.Llama;

/// <summary>
/// Keys and values of every layer for 32 sequences decoded together: a ring of steps for every head, [key-value heads, capacity, D, 32 sequences].
/// A sequence may start at any step.
/// </summary>
public sealed class KeyValueCache
{
    /// <param name="config">The model's shape.</param>
    /// <param name="capacity">Longest sequence in tokens.</param>
    public KeyValueCache(LlamaConfig config, int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        Capacity = capacity;
        int length = checked(capacity * config.KeyWidth * MatMul.L);
        Keys = [.. Enumerable.Range(0, config.Layers).Select(_ => new FloatBuffer(length))];
        Values = [.. Enumerable.Range(0, config.Layers).Select(_ => new FloatBuffer(length))];
    }

    /// <summary>Tokens of one sequence that fit.</summary>
    public int Capacity { get; }

    internal FloatBuffer[] Keys { get; }

    internal FloatBuffer[] Values { get; }

    /// <summary>Bytes such a cache takes.</summary>
    public static long Bytes(LlamaConfig config, int capacity) => 2L * sizeof(float) * config.Layers * config.KeyWidth * capacity * MatMul.L;
}
