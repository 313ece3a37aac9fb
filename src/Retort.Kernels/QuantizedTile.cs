using static Retort.Kernels.QuantizedMatMul;

namespace Retort.Kernels;

/// <summary>
/// The innermost loops of <see cref="QuantizedMatMul"/>: two vectors of weight rows with four rows of activations or with one. Of a block the sums are
/// exact; each is scaled and added to its row's float, block after block, in every tile alike, so that tiles give the same bits.
/// </summary>
static unsafe class QuantizedTile
{
    const int ScaleBytes = Group * 2;
    const int StepBytes = Group * 4;
    const int EightBytes = ScaleBytes + (8 * StepBytes);
    const int FourBytes = ScaleBytes + (4 * StepBytes);

    public static void Eight4<B, V, W, F>(in Output to, byte* group, in Inputs x, int row, int lane)
        where B : struct, IByteLanes<V, F> where V : struct where W : struct, ILanes<F> where F : struct
    {
        int blocks = x.K / Block, next = 4 * B.Count;
        nint first = ((nint)(row / QuantizedRows.Tile) * blocks * QuantizedRows.Tile) + (row % QuantizedRows.Tile);
        sbyte* x0 = (sbyte*)x.Bytes + (first * Block);
        short* p0 = (short*)x.Pairs + (first * Block);
        float* d = (float*)x.Scales + first;
        int* s = (int*)x.Sums + first;
        byte* w = group + ScaleBytes + (4 * lane), scales = group + (2 * lane);
        sbyte* x1 = x0 + Block, x2 = x1 + Block, x3 = x2 + Block;
        short* p1 = p0 + Block, p2 = p1 + Block, p3 = p2 + Block;
        F f0 = W.Broadcast(0f), g0 = f0, f1 = f0, g1 = f0, f2 = f0, g2 = f0, f3 = f0, g3 = f0;
        for (int b = 0; b < blocks; b++)
        {
            V a0 = B.Broadcast(-128 * s[0]), b0 = a0, a1 = B.Broadcast(-128 * s[1]), b1 = a1, a2 = B.Broadcast(-128 * s[2]), b2 = a2, a3 = B.Broadcast(-128 * s[3]), b3 = a3;
            for (int step = 0; step < 8; step++)
            {
                V w0 = B.Load(w + (step * StepBytes)), w1 = B.Load(w + (step * StepBytes) + next);
                V e0 = B.Even(w0), o0 = B.Odd(w0), e1 = B.Even(w1), o1 = B.Odd(w1);
                V u = B.First(x0 + (4 * step), p0 + (4 * step)), v = B.Second(x0 + (4 * step), p0 + (4 * step));
                a0 = B.Dot(a0, e0, o0, u, v);
                b0 = B.Dot(b0, e1, o1, u, v);
                u = B.First(x1 + (4 * step), p1 + (4 * step));
                v = B.Second(x1 + (4 * step), p1 + (4 * step));
                a1 = B.Dot(a1, e0, o0, u, v);
                b1 = B.Dot(b1, e1, o1, u, v);
                u = B.First(x2 + (4 * step), p2 + (4 * step));
                v = B.Second(x2 + (4 * step), p2 + (4 * step));
                a2 = B.Dot(a2, e0, o0, u, v);
                b2 = B.Dot(b2, e1, o1, u, v);
                u = B.First(x3 + (4 * step), p3 + (4 * step));
                v = B.Second(x3 + (4 * step), p3 + (4 * step));
                a3 = B.Dot(a3, e0, o0, u, v);
                b3 = B.Dot(b3, e1, o1, u, v);
            }

            F c0 = B.Halves(scales), c1 = B.Halves(scales + (2 * B.Count)), n = W.Broadcast(d[0]);
            f0 = W.MultiplyAdd(B.Single(a0), W.Multiply(c0, n), f0);
            g0 = W.MultiplyAdd(B.Single(b0), W.Multiply(c1, n), g0);
            n = W.Broadcast(d[1]);
            f1 = W.MultiplyAdd(B.Single(a1), W.Multiply(c0, n), f1);
            g1 = W.MultiplyAdd(B.Single(b1), W.Multiply(c1, n), g1);
            n = W.Broadcast(d[2]);
            f2 = W.MultiplyAdd(B.Single(a2), W.Multiply(c0, n), f2);
            g2 = W.MultiplyAdd(B.Single(b2), W.Multiply(c1, n), g2);
            n = W.Broadcast(d[3]);
            f3 = W.MultiplyAdd(B.Single(a3), W.Multiply(c0, n), f3);
            g3 = W.MultiplyAdd(B.Single(b3), W.Multiply(c1, n), g3);
            w += EightBytes;
            scales += EightBytes;
            x0 += QuantizedRows.Tile * Block;
            x1 += QuantizedRows.Tile * Block;
            x2 += QuantizedRows.Tile * Block;
            x3 += QuantizedRows.Tile * Block;
            p0 += QuantizedRows.Tile * Block;
            p1 += QuantizedRows.Tile * Block;
            p2 += QuantizedRows.Tile * Block;
            p3 += QuantizedRows.Tile * Block;
            d += QuantizedRows.Tile;
            s += QuantizedRows.Tile;
        }

        float* y = (float*)to.Y + ((nint)row * to.Stride) + lane;
        Put<W, F>(y, f0, g0, to.Accumulate);
        Put<W, F>(y + to.Stride, f1, g1, to.Accumulate);
        Put<W, F>(y + (2 * (nint)to.Stride), f2, g2, to.Accumulate);
        Put<W, F>(y + (3 * (nint)to.Stride), f3, g3, to.Accumulate);
    }

    public static void Eight1<B, V, W, F>(in Output to, byte* group, in Inputs x, int row, int lane)
        where B : struct, IByteLanes<V, F> where V : struct where W : struct, ILanes<F> where F : struct
    {
        int blocks = x.K / Block, next = 4 * B.Count;
        nint first = ((nint)(row / QuantizedRows.Tile) * blocks * QuantizedRows.Tile) + (row % QuantizedRows.Tile);
        sbyte* x0 = (sbyte*)x.Bytes + (first * Block);
        short* p0 = (short*)x.Pairs + (first * Block);
        float* d = (float*)x.Scales + first;
        int* s = (int*)x.Sums + first;
        byte* w = group + ScaleBytes + (4 * lane), scales = group + (2 * lane);
        F f0 = W.Broadcast(0f), g0 = f0;
        for (int b = 0; b < blocks; b++)
        {
            V a0 = B.Broadcast(-128 * s[0]), b0 = a0;
            for (int step = 0; step < 8; step++)
            {
                V w0 = B.Load(w + (step * StepBytes)), w1 = B.Load(w + (step * StepBytes) + next);
                V e0 = B.Even(w0), o0 = B.Odd(w0), e1 = B.Even(w1), o1 = B.Odd(w1);
                V u = B.First(x0 + (4 * step), p0 + (4 * step)), v = B.Second(x0 + (4 * step), p0 + (4 * step));
                a0 = B.Dot(a0, e0, o0, u, v);
                b0 = B.Dot(b0, e1, o1, u, v);
            }

            F c0 = B.Halves(scales), c1 = B.Halves(scales + (2 * B.Count)), n = W.Broadcast(d[0]);
            f0 = W.MultiplyAdd(B.Single(a0), W.Multiply(c0, n), f0);
            g0 = W.MultiplyAdd(B.Single(b0), W.Multiply(c1, n), g0);
            w += EightBytes;
            scales += EightBytes;
            x0 += QuantizedRows.Tile * Block;
            p0 += QuantizedRows.Tile * Block;
            d += QuantizedRows.Tile;
            s += QuantizedRows.Tile;
        }

        float* y = (float*)to.Y + ((nint)row * to.Stride) + lane;
        Put<W, F>(y, f0, g0, to.Accumulate);
    }

    public static void Four4<B, V, W, F>(in Output to, byte* group, in Inputs x, int row, int lane)
        where B : struct, IByteLanes<V, F> where V : struct where W : struct, ILanes<F> where F : struct
    {
        int blocks = x.K / Block, next = 4 * B.Count;
        nint first = ((nint)(row / QuantizedRows.Tile) * blocks * QuantizedRows.Tile) + (row % QuantizedRows.Tile);
        sbyte* x0 = (sbyte*)x.Bytes + (first * Block);
        float* d = (float*)x.Scales + first;
        int* s = (int*)x.Sums + first;
        byte* w = group + ScaleBytes + (4 * lane), scales = group + (2 * lane);
        sbyte* x1 = x0 + Block, x2 = x1 + Block, x3 = x2 + Block;
        F f0 = W.Broadcast(0f), g0 = f0, f1 = f0, g1 = f0, f2 = f0, g2 = f0, f3 = f0, g3 = f0;
        for (int b = 0; b < blocks; b++)
        {
            V a0 = B.Zero, b0 = a0, a1 = a0, b1 = a0, a2 = a0, b2 = a0, a3 = a0, b3 = a0;
            for (int step = 0; step < 4; step++)
            {
                V w0 = B.Load(w + (step * StepBytes)), w1 = B.Load(w + (step * StepBytes) + next);
                V l0 = B.Low(w0), h0 = B.High(w0), l1 = B.Low(w1), h1 = B.High(w1);
                V u = B.Broadcast(((int*)x0)[step]), v = B.Broadcast(((int*)x0)[step + 4]);
                a0 = B.DotSmall(B.DotSmall(a0, l0, u), h0, v);
                b0 = B.DotSmall(B.DotSmall(b0, l1, u), h1, v);
                u = B.Broadcast(((int*)x1)[step]);
                v = B.Broadcast(((int*)x1)[step + 4]);
                a1 = B.DotSmall(B.DotSmall(a1, l0, u), h0, v);
                b1 = B.DotSmall(B.DotSmall(b1, l1, u), h1, v);
                u = B.Broadcast(((int*)x2)[step]);
                v = B.Broadcast(((int*)x2)[step + 4]);
                a2 = B.DotSmall(B.DotSmall(a2, l0, u), h0, v);
                b2 = B.DotSmall(B.DotSmall(b2, l1, u), h1, v);
                u = B.Broadcast(((int*)x3)[step]);
                v = B.Broadcast(((int*)x3)[step + 4]);
                a3 = B.DotSmall(B.DotSmall(a3, l0, u), h0, v);
                b3 = B.DotSmall(B.DotSmall(b3, l1, u), h1, v);
            }

            F c0 = B.Halves(scales), c1 = B.Halves(scales + (2 * B.Count)), n = W.Broadcast(d[0]);
            V less = B.Broadcast(-8 * s[0]);
            f0 = W.MultiplyAdd(B.Single(B.Add(B.Total(a0), less)), W.Multiply(c0, n), f0);
            g0 = W.MultiplyAdd(B.Single(B.Add(B.Total(b0), less)), W.Multiply(c1, n), g0);
            n = W.Broadcast(d[1]);
            less = B.Broadcast(-8 * s[1]);
            f1 = W.MultiplyAdd(B.Single(B.Add(B.Total(a1), less)), W.Multiply(c0, n), f1);
            g1 = W.MultiplyAdd(B.Single(B.Add(B.Total(b1), less)), W.Multiply(c1, n), g1);
            n = W.Broadcast(d[2]);
            less = B.Broadcast(-8 * s[2]);
            f2 = W.MultiplyAdd(B.Single(B.Add(B.Total(a2), less)), W.Multiply(c0, n), f2);
            g2 = W.MultiplyAdd(B.Single(B.Add(B.Total(b2), less)), W.Multiply(c1, n), g2);
            n = W.Broadcast(d[3]);
            less = B.Broadcast(-8 * s[3]);
            f3 = W.MultiplyAdd(B.Single(B.Add(B.Total(a3), less)), W.Multiply(c0, n), f3);
            g3 = W.MultiplyAdd(B.Single(B.Add(B.Total(b3), less)), W.Multiply(c1, n), g3);
            w += FourBytes;
            scales += FourBytes;
            x0 += QuantizedRows.Tile * Block;
            x1 += QuantizedRows.Tile * Block;
            x2 += QuantizedRows.Tile * Block;
            x3 += QuantizedRows.Tile * Block;
            d += QuantizedRows.Tile;
            s += QuantizedRows.Tile;
        }

        float* y = (float*)to.Y + ((nint)row * to.Stride) + lane;
        Put<W, F>(y, f0, g0, to.Accumulate);
        Put<W, F>(y + to.Stride, f1, g1, to.Accumulate);
        Put<W, F>(y + (2 * (nint)to.Stride), f2, g2, to.Accumulate);
        Put<W, F>(y + (3 * (nint)to.Stride), f3, g3, to.Accumulate);
    }

    public static void Four1<B, V, W, F>(in Output to, byte* group, in Inputs x, int row, int lane)
        where B : struct, IByteLanes<V, F> where V : struct where W : struct, ILanes<F> where F : struct
    {
        int blocks = x.K / Block, next = 4 * B.Count;
        nint first = ((nint)(row / QuantizedRows.Tile) * blocks * QuantizedRows.Tile) + (row % QuantizedRows.Tile);
        sbyte* x0 = (sbyte*)x.Bytes + (first * Block);
        float* d = (float*)x.Scales + first;
        int* s = (int*)x.Sums + first;
        byte* w = group + ScaleBytes + (4 * lane), scales = group + (2 * lane);
        F f0 = W.Broadcast(0f), g0 = f0;
        for (int b = 0; b < blocks; b++)
        {
            V a0 = B.Zero, b0 = a0;
            for (int step = 0; step < 4; step++)
            {
                V w0 = B.Load(w + (step * StepBytes)), w1 = B.Load(w + (step * StepBytes) + next);
                V l0 = B.Low(w0), h0 = B.High(w0), l1 = B.Low(w1), h1 = B.High(w1);
                V u = B.Broadcast(((int*)x0)[step]), v = B.Broadcast(((int*)x0)[step + 4]);
                a0 = B.DotSmall(B.DotSmall(a0, l0, u), h0, v);
                b0 = B.DotSmall(B.DotSmall(b0, l1, u), h1, v);
            }

            F c0 = B.Halves(scales), c1 = B.Halves(scales + (2 * B.Count)), n = W.Broadcast(d[0]);
            V less = B.Broadcast(-8 * s[0]);
            f0 = W.MultiplyAdd(B.Single(B.Add(B.Total(a0), less)), W.Multiply(c0, n), f0);
            g0 = W.MultiplyAdd(B.Single(B.Add(B.Total(b0), less)), W.Multiply(c1, n), g0);
            w += FourBytes;
            scales += FourBytes;
            x0 += QuantizedRows.Tile * Block;
            d += QuantizedRows.Tile;
            s += QuantizedRows.Tile;
        }

        float* y = (float*)to.Y + ((nint)row * to.Stride) + lane;
        Put<W, F>(y, f0, g0, to.Accumulate);
    }

    static void Put<W, F>(float* y, F first, F second, bool accumulate) where W : struct, ILanes<F> where F : struct
    {
        W.Store(y, accumulate ? W.Add(W.Load(y), first) : first);
        W.Store(y + W.Count, accumulate ? W.Add(W.Load(y + W.Count), second) : second);
    }
}
