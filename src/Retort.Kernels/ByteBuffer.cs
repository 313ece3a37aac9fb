using System.Runtime.InteropServices;

namespace Retort.Kernels;

/// <summary>
/// Bytes that never move and may be more than an array holds: memory of its own, zeroed and starting on a cache line, or memory someone else
/// keeps, as a mapped file's, for as long as this lives.
/// </summary>
public sealed unsafe class ByteBuffer : SafeHandle
{
    readonly IDisposable? _owner;

    /// <param name="length">Bytes.</param>
    public ByteBuffer(long length)
        : base(0, ownsHandle: true)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Length = length;
        void* memory = NativeMemory.AlignedAlloc((nuint)Math.Max(length, 1), 64);
        NativeMemory.Clear(memory, (nuint)length);
        SetHandle((nint)memory);
    }

    /// <param name="address">The first byte.</param>
    /// <param name="owner">Disposed with this buffer; the bytes stay readable until then.</param>
    public ByteBuffer(nint address, long length, IDisposable owner)
        : base(0, ownsHandle: true)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentNullException.ThrowIfNull(owner);
        (Length, _owner) = (length, owner);
        SetHandle(address);
    }

    public long Length { get; }

    public override bool IsInvalid => handle == 0;

    /// <summary>A part of the bytes. Those of a mapped file must not be written.</summary>
    public Span<byte> Slice(long start, int length)
    {
        ObjectDisposedException.ThrowIf(IsClosed, this);
        return start >= 0 && length >= 0 && start <= Length - length
            ? new((byte*)handle + start, length)
            : throw new ArgumentException($"ByteBuffer.Slice: {length} bytes from {start} on, of {Length}.");
    }

    protected override bool ReleaseHandle()
    {
        if (_owner is null)
        {
            NativeMemory.AlignedFree((void*)handle);
        }

        return true;
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing)
        {
            _owner?.Dispose();
        }
    }
}
