using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Retort.Kernels;

/// <summary>Shape checks at the doors of kernels. A wrong shape is a caller's bug.</summary>
static class Shape
{
    /// <summary>Throws unless a span holds at least the floats its shape needs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Holds(string operation, string name, int length, long needed)
    {
        if (length < needed)
        {
            Throw(operation, name, length, needed);
        }
    }

    /// <summary>Throws unless an index, or every index of a span, lies in 0..<paramref name="count"/>−1. Kernels read through pointers,
    /// so a wrong index would touch memory that is not theirs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Within(string operation, string name, int index, int count)
    {
        if ((uint)index >= (uint)count)
        {
            ThrowIndex(operation, name, index, count);
        }
    }

    /// <inheritdoc cref="Within(string, string, int, int)"/>
    public static void Within(string operation, string name, ReadOnlySpan<int> indices, int count)
    {
        foreach (int index in indices)
        {
            Within(operation, name, index, count);
        }
    }

    /// <summary>Throws unless 0 ≤ from ≤ to ≤ count.</summary>
    public static void Range(string operation, int from, int to, int count)
    {
        if (from < 0 || to < from || to > count)
        {
            throw new ArgumentException($"{operation}: from..to is {from}..{to}, it must lie in 0..{count}.");
        }
    }

    [DoesNotReturn]
    static void ThrowIndex(string operation, string name, int index, int count) =>
        throw new ArgumentException($"{operation}: {name} holds {index}, it must lie in 0..{count - 1}.");

    [DoesNotReturn]
    static void Throw(string operation, string name, int length, long needed) =>
        throw new ArgumentException($"{operation}: {name} holds {length} values, its shape needs {needed}.");
}
