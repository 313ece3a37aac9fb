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

    [DoesNotReturn]
    static void Throw(string operation, string name, int length, long needed) =>
        throw new ArgumentException($"{operation}: {name} holds {length} values, its shape needs {needed}.");
}
