using System.Runtime.InteropServices;

namespace Retort.Kernels;

/// <summary>
/// Floats that start on a cache line and never move: 64-byte alignment keeps every 512-bit access inside one line.
/// Zeroed when made. At most 2³¹ − 32 floats.
/// </summary>
public sealed class FloatBuffer
{
    const int LineFloats = 16;
    readonly float[] _array;
    readonly int _start;

    /// <param name="length">Number of floats.</param>
    public FloatBuffer(int length)
    {
        Length = length;
        _array = GC.AllocateArray<float>(checked(length + LineFloats), pinned: true);
        long address = Marshal.UnsafeAddrOfPinnedArrayElement(_array, 0).ToInt64();
        _start = (int)((64 - (address & 63)) & 63) / sizeof(float);
    }

    public int Length { get; }

    public Span<float> Span => _array.AsSpan(_start, Length);

    public Memory<float> Memory => _array.AsMemory(_start, Length);

    /// <summary>A part of the buffer.</summary>
    public Span<float> Slice(int start, int length) => _array.AsSpan(_start, Length).Slice(start, length);

    /// <summary>The same memory as bytes.</summary>
    public ByteBuffer AsBytes() => new(Marshal.UnsafeAddrOfPinnedArrayElement(_array, _start), (long)Length * sizeof(float), new Keeper(_array));

    /// <summary>Everything from <paramref name="start"/> on.</summary>
    public Span<float> From(int start) => _array.AsSpan(_start, Length)[start..];

    /// <summary>Keeps the array alive for whoever reads it through its address.</summary>
    sealed class Keeper(float[] array) : IDisposable
    {
        float[]? _array = array;

        public void Dispose() => _array = null;
    }
}
