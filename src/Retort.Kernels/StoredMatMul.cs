using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Retort.Kernels;

// Shapes: y_TN = x_TK · w_NKᵀ for T rows of activations.

/// <summary>How a float is stored in a model's file.</summary>
public enum FloatFormat
{
    F32,

    /// <summary>IEEE half.</summary>
    F16,

    /// <summary>The upper half of an F32.</summary>
    BF16,
}

/// <summary>
/// Products of weights as a file holds them, row-major and read in place, for a few rows of activations: lanes run along K. What a row of
/// activations gives does not depend on the others.
/// </summary>
public static unsafe class StoredMatMul
{
    /// <summary>Bytes of one number.</summary>
    public static int Size(FloatFormat format) => format == FloatFormat.F32 ? 4 : 2;

    /// <summary>y[t, n] (+)= Σₖ w[n, k] · x[t, k].</summary>
    /// <param name="y_TN">Output; row t starts at t · stride.</param>
    /// <param name="stride">Floats from one row of the output to the next.</param>
    /// <param name="w_NK">Weights as stored.</param>
    /// <param name="x_TK">Activations.</param>
    public static void Forward(Span<float> y_TN, int stride, ReadOnlySpan<byte> w_NK, FloatFormat format, ReadOnlySpan<float> x_TK, int n, int rows, int k, bool accumulate = false)
    {
        Shape.Holds("StoredMatMul.Forward", "y", y_TN.Length, rows == 0 ? 0 : ((rows - 1L) * stride) + n);
        Shape.Holds("StoredMatMul.Forward", "w", w_NK.Length, (long)n * k * Size(format));
        Shape.Holds("StoredMatMul.Forward", "x", x_TK.Length, (long)rows * k);
        fixed (float* y = y_TN, x = x_TK)
        fixed (byte* w = w_NK)
        {
            switch (format)
            {
                case FloatFormat.F32: Forward<StoredSingle>(y, stride, w, x, n, rows, k, accumulate); break;
                case FloatFormat.F16: Forward<StoredHalf>(y, stride, w, x, n, rows, k, accumulate); break;
                default: Forward<StoredBrain>(y, stride, w, x, n, rows, k, accumulate); break;
            }
        }
    }

    static void Forward<S>(float* y, int stride, byte* w, float* x, int n, int rows, int k, bool accumulate) where S : struct, IStored
    {
        switch (Lanes.Path)
        {
            case VectorPath.Vector512: Forward<Lanes512, Vector512<float>, Stored512<S>>(y, stride, w, S.Size, x, n, rows, k, accumulate); break;
            case VectorPath.Vector256: Forward<Lanes256, Vector256<float>, Stored256<S>>(y, stride, w, S.Size, x, n, rows, k, accumulate); break;
            case VectorPath.Vector128: Forward<Lanes128, Vector128<float>, Stored128<S>>(y, stride, w, S.Size, x, n, rows, k, accumulate); break;
            default: Forward<Lanes1, float, Stored1<S>>(y, stride, w, S.Size, x, n, rows, k, accumulate); break;
        }
    }

    /// <summary>Numbers as floats; exact.</summary>
    public static void Widen(Span<float> to, ReadOnlySpan<byte> from, FloatFormat format)
    {
        Shape.Holds("StoredMatMul.Widen", "from", from.Length, (long)to.Length * Size(format));
        fixed (float* y = to)
        fixed (byte* x = from)
        {
            switch (format)
            {
                case FloatFormat.F32: Widen<StoredSingle>(y, x, to.Length); break;
                case FloatFormat.F16: Widen<StoredHalf>(y, x, to.Length); break;
                default: Widen<StoredBrain>(y, x, to.Length); break;
            }
        }
    }

    static void Widen<S>(float* y, byte* x, int length) where S : struct, IStored
    {
        int i = 0;
        if (Vector512.IsHardwareAccelerated)
        {
            for (; i + 16 <= length; i += 16)
            {
                S.Load512(x, i).Store(y + i);
            }
        }
        else if (Vector256.IsHardwareAccelerated)
        {
            for (; i + 8 <= length; i += 8)
            {
                S.Load256(x, i).Store(y + i);
            }
        }

        for (; i < length; i++)
        {
            y[i] = S.Load(x, i);
        }
    }

    internal static void Forward<W, V, S>(float* y, int stride, byte* w, int size, float* x, int n, int rows, int k, bool accumulate)
        where W : struct, ILanes<V> where V : struct where S : struct, IStored<V>
    {
        nint bytes = (nint)k * size;
        int row = 0;
        for (; row + 4 <= n; row += 4)
        {
            byte* from = w + (row * bytes);
            int t = 0;
            for (; t + 4 <= rows; t += 4)
            {
                Tile4<W, V, S>(y + ((nint)t * stride) + row, stride, from, bytes, x + ((nint)t * k), k, accumulate);
            }

            for (; t < rows; t++)
            {
                Tile1<W, V, S>(y + ((nint)t * stride) + row, from, bytes, x + ((nint)t * k), k, accumulate);
            }
        }

        for (; row < n; row++)
        {
            for (int t = 0; t < rows; t++)
            {
                float* from = x + ((nint)t * k);
                V a = W.Broadcast(0f);
                int i = 0;
                for (; i + W.Count <= k; i += W.Count)
                {
                    a = W.MultiplyAdd(S.Load(w + (row * bytes), i), W.Load(from + i), a);
                }

                Put<W, V, S>(y + ((nint)t * stride) + row, a, w + (row * bytes), from, i, k, accumulate);
            }
        }
    }

    /// <summary>Asks for a part of the next four rows. Four short streams that end with their rows are not foretold by the processor; without this a
    /// core gets half of what memory gives.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Ahead<W, V, S>(byte* w, nint bytes, int i) where W : struct, ILanes<V> where V : struct where S : struct, IStored<V>
    {
        if (Sse.IsSupported)
        {
            byte* next = w + (4 * (bytes + ((nint)i * S.Size)));
            for (int line = 0; line < 4 * W.Count * S.Size; line += 64)
            {
                Sse.Prefetch0(next + line);
            }
        }
    }

    /// <summary>Four rows of weights with one of activations.</summary>
    static void Tile1<W, V, S>(float* y, byte* w, nint bytes, float* x, int k, bool accumulate)
        where W : struct, ILanes<V> where V : struct where S : struct, IStored<V>
    {
        byte* w1 = w + bytes, w2 = w1 + bytes, w3 = w2 + bytes;
        V a0 = W.Broadcast(0f), a1 = a0, a2 = a0, a3 = a0;
        int i = 0;
        for (; i + W.Count <= k; i += W.Count)
        {
            Ahead<W, V, S>(w, bytes, i);
            V v = W.Load(x + i);
            a0 = W.MultiplyAdd(S.Load(w, i), v, a0);
            a1 = W.MultiplyAdd(S.Load(w1, i), v, a1);
            a2 = W.MultiplyAdd(S.Load(w2, i), v, a2);
            a3 = W.MultiplyAdd(S.Load(w3, i), v, a3);
        }

        Put<W, V, S>(y, a0, w, x, i, k, accumulate);
        Put<W, V, S>(y + 1, a1, w1, x, i, k, accumulate);
        Put<W, V, S>(y + 2, a2, w2, x, i, k, accumulate);
        Put<W, V, S>(y + 3, a3, w3, x, i, k, accumulate);
    }

    /// <summary>Four rows of weights with four of activations.</summary>
    static void Tile4<W, V, S>(float* y, nint stride, byte* w, nint bytes, float* x, int k, bool accumulate)
        where W : struct, ILanes<V> where V : struct where S : struct, IStored<V>
    {
        byte* w1 = w + bytes, w2 = w1 + bytes, w3 = w2 + bytes;
        float* x1 = x + k, x2 = x1 + k, x3 = x2 + k;
        V a0 = W.Broadcast(0f), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0, c0 = a0, c1 = a0, c2 = a0, c3 = a0, d0 = a0, d1 = a0, d2 = a0, d3 = a0;
        int i = 0;
        for (; i + W.Count <= k; i += W.Count)
        {
            Ahead<W, V, S>(w, bytes, i);
            V v0 = W.Load(x + i), v1 = W.Load(x1 + i), v2 = W.Load(x2 + i), v3 = W.Load(x3 + i), u = S.Load(w, i);
            a0 = W.MultiplyAdd(u, v0, a0);
            b0 = W.MultiplyAdd(u, v1, b0);
            c0 = W.MultiplyAdd(u, v2, c0);
            d0 = W.MultiplyAdd(u, v3, d0);
            u = S.Load(w1, i);
            a1 = W.MultiplyAdd(u, v0, a1);
            b1 = W.MultiplyAdd(u, v1, b1);
            c1 = W.MultiplyAdd(u, v2, c1);
            d1 = W.MultiplyAdd(u, v3, d1);
            u = S.Load(w2, i);
            a2 = W.MultiplyAdd(u, v0, a2);
            b2 = W.MultiplyAdd(u, v1, b2);
            c2 = W.MultiplyAdd(u, v2, c2);
            d2 = W.MultiplyAdd(u, v3, d2);
            u = S.Load(w3, i);
            a3 = W.MultiplyAdd(u, v0, a3);
            b3 = W.MultiplyAdd(u, v1, b3);
            c3 = W.MultiplyAdd(u, v2, c3);
            d3 = W.MultiplyAdd(u, v3, d3);
        }

        Put4<W, V, S>(y, a0, a1, a2, a3, w, bytes, x, i, k, accumulate);
        Put4<W, V, S>(y + stride, b0, b1, b2, b3, w, bytes, x1, i, k, accumulate);
        Put4<W, V, S>(y + (2 * stride), c0, c1, c2, c3, w, bytes, x2, i, k, accumulate);
        Put4<W, V, S>(y + (3 * stride), d0, d1, d2, d3, w, bytes, x3, i, k, accumulate);
    }

    static void Put4<W, V, S>(float* y, V a, V b, V c, V d, byte* w, nint bytes, float* x, int i, int k, bool accumulate)
        where W : struct, ILanes<V> where V : struct where S : struct, IStored<V>
    {
        Put<W, V, S>(y, a, w, x, i, k, accumulate);
        Put<W, V, S>(y + 1, b, w + bytes, x, i, k, accumulate);
        Put<W, V, S>(y + 2, c, w + (2 * bytes), x, i, k, accumulate);
        Put<W, V, S>(y + 3, d, w + (3 * bytes), x, i, k, accumulate);
    }

    /// <summary>A row's sum, with the channels that fill no vector.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static void Put<W, V, S>(float* y, V lanes, byte* w, float* x, int i, int k, bool accumulate)
        where W : struct, ILanes<V> where V : struct where S : struct, IStored<V>
    {
        float sum = W.Sum(lanes);
        for (; i < k; i++)
        {
            sum += S.Single(w, i) * x[i];
        }

        *y = accumulate ? *y + sum : sum;
    }
}

/// <summary>One vector of stored numbers as floats.</summary>
unsafe interface IStored<V> where V : struct
{
    /// <param name="i">The number to begin with.</param>
    static abstract V Load(byte* p, int i);

    /// <summary>Bytes of one number.</summary>
    static abstract int Size { get; }

    static abstract float Single(byte* p, int i);
}

/// <summary>A format, read at each width.</summary>
unsafe interface IStored
{
    static abstract int Size { get; }

    static abstract Vector512<float> Load512(byte* p, int i);

    static abstract Vector256<float> Load256(byte* p, int i);

    static abstract float Load(byte* p, int i);
}

readonly unsafe struct StoredSingle : IStored
{
    public static int Size => sizeof(float);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load512(byte* p, int i) => Vector512.Load((float*)p + i);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load256(byte* p, int i) => Vector256.Load((float*)p + i);

    public static float Load(byte* p, int i) => ((float*)p)[i];
}

readonly unsafe struct StoredBrain : IStored
{
    public static int Size => sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load512(byte* p, int i) => (Avx512F.ConvertToVector512Int32(Vector256.Load((ushort*)p + i)) << 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load256(byte* p, int i) => (Avx2.ConvertToVector256Int32(Vector128.Load((ushort*)p + i)) << 16).AsSingle();

    public static float Load(byte* p, int i) => BitConverter.UInt32BitsToSingle((uint)((ushort*)p)[i] << 16);
}

/// <summary>Shifted into a float's place a half is 2⁻¹¹² times itself, below 2⁻¹⁴ as well; infinities, which no weight is, become 65,536.</summary>
readonly unsafe struct StoredHalf : IStored
{
    const int Kept = unchecked((int)0x8fffe000);
    const float Up = 5.192296858534828e33f;

    public static int Size => sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load512(byte* p, int i) => ((Avx512F.ConvertToVector512Int32(Vector256.Load((short*)p + i)) << 13) & Vector512.Create(Kept)).AsSingle() * Up;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load256(byte* p, int i) => ((Avx2.ConvertToVector256Int32(Vector128.Load((short*)p + i)) << 13) & Vector256.Create(Kept)).AsSingle() * Up;

    public static float Load(byte* p, int i) => BitConverter.Int32BitsToSingle((((short*)p)[i] << 13) & Kept) * Up;
}

readonly unsafe struct Stored512<S> : IStored<Vector512<float>> where S : struct, IStored
{
    public static int Size => S.Size;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(byte* p, int i) => S.Load512(p, i);

    public static float Single(byte* p, int i) => S.Load(p, i);
}

readonly unsafe struct Stored256<S> : IStored<Vector256<float>> where S : struct, IStored
{
    public static int Size => S.Size;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(byte* p, int i) => S.Load256(p, i);

    public static float Single(byte* p, int i) => S.Load(p, i);
}

readonly unsafe struct Stored128<S> : IStored<Vector128<float>> where S : struct, IStored
{
    public static int Size => S.Size;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load(byte* p, int i) => Vector128.Create(S.Load(p, i), S.Load(p, i + 1), S.Load(p, i + 2), S.Load(p, i + 3));

    public static float Single(byte* p, int i) => S.Load(p, i);
}

readonly unsafe struct Stored1<S> : IStored<float> where S : struct, IStored
{
    public static int Size => S.Size;

    public static float Load(byte* p, int i) => S.Load(p, i);

    public static float Single(byte* p, int i) => S.Load(p, i);
}
