using System.Runtime.InteropServices;
using Retort.Kernels;
using Retort.Model.Files;

namespace Retort.Tests.Kernels;

public sealed class NarrowMatMulTests
{
    const int L = MatMul.L;

    public static TheoryData<NarrowFormat, int, int, int> Shapes => new()
    {
        { NarrowFormat.BFloat16, 1, 1, 1 },
        { NarrowFormat.BFloat16, 65, 33, 2 },
        { NarrowFormat.BFloat16, 130, 770, 1 },
        { NarrowFormat.BFloat16, 401, 1056, 3 },
        { NarrowFormat.BFloat16, 0, 8, 1 },
        { NarrowFormat.Q8_0, 1, 32, 1 },
        { NarrowFormat.Q8_0, 63, 416, 2 },
        { NarrowFormat.Q8_0, 400, 1056, 1 },
    };

    /// <summary>The bits are those of <see cref="MatMul"/> on the widened weights.</summary>
    [Theory]
    [MemberData(nameof(Shapes))]
    public void ProductsEqualThoseOfTheWidenedWeights(NarrowFormat format, int n, int k, int blocks)
    {
        ushort[] narrow = Narrow(Draw.Floats(1, n * k), format);
        float[] w = new float[n * k], x = Draw.Floats(2, blocks * k * L), dy = Draw.Floats(3, blocks * n * L), start = Draw.Floats(4, blocks * n * L), startX = Draw.Floats(5, blocks * k * L);
        NarrowRows.Widen(w, narrow, format);
        foreach (bool accumulate in (bool[])[false, true])
        {
            Guarded y = new(start), dx = new(startX);
            float[] expected = [.. start], expectedX = [.. startX];
            NarrowMatMul.Forward(y.Span, narrow, format, x, n, k, blocks, accumulate);
            MatMul.Forward(expected, w, x, n, k, blocks, accumulate);
            Assert.Equal(expected, y.Checked());
            NarrowMatMul.BackwardInput(dx.Span, narrow, format, dy, n, k, blocks, accumulate);
            MatMul.BackwardInput(expectedX, w, dy, n, k, blocks, accumulate);
            Assert.Equal(expectedX, dx.Checked());
        }
    }

    /// <summary>The words are the bytes of a GGUF file, and widen to what is read from one.</summary>
    [Fact]
    public void Q8IsThatOfGguf()
    {
        float[] x = Draw.Floats(7, 320, 3f);
        x.AsSpan(64, 32).Clear();
        byte[] expected = new byte[340];
        Assert.True(GgufBlocks.Write(expected, x, GgufType.Q8_0));
        ushort[] words = Narrow(x, NarrowFormat.Q8_0);
        Assert.Equal(expected, MemoryMarshal.AsBytes(words.AsSpan()));
        float[] wide = new float[320], read = new float[320];
        NarrowRows.Widen(wide, words, NarrowFormat.Q8_0);
        GgufBlocks.Read(read, expected, GgufType.Q8_0);
        Assert.Equal(read, wide);
    }

    [Theory]
    [InlineData(NarrowFormat.BFloat16)]
    [InlineData(NarrowFormat.Q8_0)]
    public void WhatAFormatCannotHoldIsSaid(NarrowFormat format)
    {
        float[] x = new float[32];
        x[5] = format == NarrowFormat.Q8_0 ? 1e8f : float.MaxValue;
        Assert.False(NarrowRows.Narrow(new ushort[32], x, format));
    }

    static ushort[] Narrow(float[] x, NarrowFormat format)
    {
        ushort[] words = new ushort[NarrowRows.Words(format, x.Length)];
        Assert.True(NarrowRows.Narrow(words, x, format));
        return words;
    }
}
