using Retort.Kernels;

namespace Retort.Tests.Kernels;

public sealed class BlocksTests
{
    static readonly ushort[] All = [.. Enumerable.Range(0, 65536).Select(i => (ushort)i)];

    [Fact]
    public void EveryBFloat16SurvivesTheWayThereAndBack()
    {
        float[] wide = new float[All.Length];
        ushort[] back = new ushort[All.Length];
        Blocks.FromBFloat16(wide, All);
        Blocks.ToBFloat16(back, wide);
        for (int i = 0; i < All.Length; i++)
        {
            Assert.Equal((uint)i << 16, BitConverter.SingleToUInt32Bits(wide[i]));
            Assert.Equal(float.IsNaN(wide[i]) ? All[i] | 0x40 : All[i], back[i]);
        }
    }

    /// <summary>Around every bfloat16: the nearest of the two neighbours, the even one from the middle.</summary>
    [Fact]
    public void BFloat16RoundsToNearestEven()
    {
        foreach (uint low in new uint[] { 1, 0x7fff, 0x8000, 0x8001, 0xffff })
        {
            float[] x = [.. All.Select(upper => BitConverter.UInt32BitsToSingle(((uint)upper << 16) | low))];
            ushort[] rounded = new ushort[x.Length];
            Blocks.ToBFloat16(rounded, x);
            for (int i = 0; i < x.Length; i++)
            {
                if (float.IsNaN(x[i]))
                {
                    Assert.Equal(0x7fc0, rounded[i] & 0x7fc0);
                    Assert.True((rounded[i] & 0x7f) != 0);
                    Assert.Equal(i & 0x8000, rounded[i] & 0x8000);
                    continue;
                }

                int down = i, up = i + 1;
                int expected = low < 0x8000 ? down : low > 0x8000 ? up : down % 2 == 0 ? down : up;
                Assert.Equal(expected, rounded[i]);
            }
        }
    }

    [Fact]
    public void EveryHalfIsWidenedExactlyAndSurvives()
    {
        float[] wide = new float[All.Length];
        ushort[] back = new ushort[All.Length];
        Blocks.FromHalf(wide, All);
        Blocks.ToHalf(back, wide);
        for (int i = 0; i < All.Length; i++)
        {
            int exponent = (i >> 10) & 31, fraction = i & 1023;
            double magnitude = exponent switch
            {
                0 => fraction * Math.Pow(2, -24),
                31 => fraction == 0 ? double.PositiveInfinity : double.NaN,
                _ => (1024 + fraction) * Math.Pow(2, exponent - 25),
            };
            Assert.Equal((float)((i & 0x8000) == 0 ? magnitude : -magnitude), wide[i]);
            if (!float.IsNaN(wide[i]))
            {
                Assert.Equal(All[i], back[i]);
            }
        }
    }

    [Fact]
    public void HalfRoundsToNearestEven()
    {
        float[] wide = new float[0x7c00];
        Blocks.FromHalf(wide, All.AsSpan(0, wide.Length));
        for (int i = 0; i + 1 < wide.Length; i++)
        {
            float middle = (wide[i] + wide[i + 1]) / 2;
            ushort[] rounded = new ushort[4];
            Blocks.ToHalf(rounded, [middle, MathF.BitDecrement(middle), MathF.BitIncrement(middle), -middle]);
            int even = i % 2 == 0 ? i : i + 1;
            Assert.Equal([even, i, i + 1, even | 0x8000], rounded.Select(r => (int)r));
        }

        ushort[] edge = new ushort[3];
        Blocks.ToHalf(edge, [65519.996f, 65520f, 1e30f]);
        Assert.Equal(new ushort[] { 0x7bff, 0x7c00, 0x7c00 }, edge);
    }

    /// <summary>Every length up to one past 256 gives what whole vectors give, and writes nothing beyond it.</summary>
    [Fact]
    public void EveryLengthIsConverted()
    {
        float[] x = Draw.Floats(1, 257, 70_000f), wideBFloat16 = new float[257], wideHalf = new float[257];
        ushort[] bfloat16 = new ushort[257], half = new ushort[257];
        Blocks.ToBFloat16(bfloat16, x);
        Blocks.ToHalf(half, x);
        Blocks.FromBFloat16(wideBFloat16, bfloat16);
        Blocks.FromHalf(wideHalf, half);
        for (int n = 0; n <= 257; n++)
        {
            Guarded a = new(n), b = new(n);
            Blocks.FromBFloat16(a.Span, bfloat16.AsSpan(0, n));
            Blocks.FromHalf(b.Span, half.AsSpan(0, n));
            Assert.True(wideBFloat16.AsSpan(0, n).SequenceEqual(a.Checked()));
            Assert.True(wideHalf.AsSpan(0, n).SequenceEqual(b.Checked()));
            ushort[] c = new ushort[300], d = new ushort[300];
            c.AsSpan().Fill(0xabcd);
            d.AsSpan().Fill(0xabcd);
            Blocks.ToBFloat16(c, x.AsSpan(0, n));
            Blocks.ToHalf(d, x.AsSpan(0, n));
            Assert.True(bfloat16.AsSpan(0, n).SequenceEqual(c.AsSpan(0, n)) && half.AsSpan(0, n).SequenceEqual(d.AsSpan(0, n)));
            Assert.False(c.AsSpan(n).ContainsAnyExcept((ushort)0xabcd) || d.AsSpan(n).ContainsAnyExcept((ushort)0xabcd));
        }
    }

    [Fact]
    public void WrongShapesAreNamed()
    {
        float[] two = new float[2], three = new float[3];
        ushort[] few = new ushort[2], more = new ushort[3];
        Near.Refuses("Blocks.FromBFloat16", "to", () => Blocks.FromBFloat16(two, more));
        Near.Refuses("Blocks.ToBFloat16", "to", () => Blocks.ToBFloat16(few, three));
        Near.Refuses("Blocks.FromHalf", "to", () => Blocks.FromHalf(two, more));
        Near.Refuses("Blocks.ToHalf", "to", () => Blocks.ToHalf(few, three));
    }
}
