using System.Runtime.InteropServices;
using Retort.Kernels;

namespace Retort.Tests.Kernels;

public sealed class FloatBufferTests
{
    [Fact]
    public void StartsOnACacheLineZeroedAndExactlyAsLongAsAsked()
    {
        for (int length = 0; length <= 257; length++)
        {
            FloatBuffer buffer = new(length);
            Assert.Equal(length, buffer.Length);
            Assert.Equal(length, buffer.Span.Length);
            Assert.Equal(length, buffer.Memory.Length);
            Assert.False(buffer.Span.ContainsAnyExcept(0f));
            Assert.True(MemoryMarshal.TryGetArray<float>(buffer.Memory, out ArraySegment<float> segment));
            Assert.Equal(0, Marshal.UnsafeAddrOfPinnedArrayElement(segment.Array!, segment.Offset).ToInt64() % 64);
        }
    }

    [Fact]
    public void PartsShareTheFloats()
    {
        FloatBuffer buffer = new(10);
        buffer.Slice(3, 2).Fill(1f);
        buffer.From(8).Fill(2f);
        Assert.Equal([0, 0, 0, 1, 1, 0, 0, 0, 2, 2], buffer.Span.ToArray());
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = buffer.Slice(8, 3).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = buffer.From(11).Length);
    }
}
