using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Retort.Kernels;

/// <summary>The vector path this process computes on. It is fixed at start and recorded by every run: results differ between paths
/// within stated tolerances and never within one.</summary>
public enum VectorPath
{
    Scalar,
    Vector128,
    Vector256,
    Vector512,
}

/// <summary>
/// The arithmetic every kernel is written in, once, for four widths. A kernel is generic over a width <c>W</c> and its vector <c>V</c>;
/// the compiler makes one machine-code body for each. The width of one lane is the scalar twin.
/// </summary>
unsafe interface ILanes<V> where V : struct
{
    /// <summary>How many floats one vector holds.</summary>
    static abstract int Count { get; }

    static abstract V Load(float* p);

    static abstract void Store(float* p, V x);

    static abstract V Broadcast(float x);

    static abstract V Add(V a, V b);

    static abstract V Subtract(V a, V b);

    static abstract V Multiply(V a, V b);

    static abstract V Divide(V a, V b);

    /// <summary>a · b + c, fused where the hardware fuses.</summary>
    static abstract V MultiplyAdd(V a, V b, V c);

    static abstract V Max(V a, V b);

    static abstract V Sqrt(V x);

    static abstract V Log(V x);

    /// <summary>The sum of all lanes, in an order fixed for this width.</summary>
    static abstract float Sum(V x);

    /// <summary>x · 2ⁿ for n, a whole number in −126..127 held as a float.</summary>
    static abstract V Scale(V x, V n);

    /// <summary>Nearest whole number.</summary>
    static abstract V Round(V x);

    /// <summary>x where a &gt;= b, else 0.</summary>
    static abstract V WhereNotLess(V a, V b, V x);
}

/// <summary>Which width is in use, and what is built from the basic operations alone.</summary>
public static class Lanes
{
    /// <summary>Widest path the hardware and the runtime's switches allow.</summary>
    public static VectorPath Path { get; } =
        Vector512.IsHardwareAccelerated ? VectorPath.Vector512
        : Vector256.IsHardwareAccelerated ? VectorPath.Vector256
        : Vector128.IsHardwareAccelerated ? VectorPath.Vector128
        : VectorPath.Scalar;

    /// <summary>
    /// e^x to about 2 ulp: x = n·ln 2 + r, a polynomial in r, then a scale by 2ⁿ (the method of Cephes' expf).
    /// Below −87.3 the result is 0, above 88 it is e^88.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static V Exp<W, V>(V x) where W : struct, ILanes<V> where V : struct
    {
        V low = W.Broadcast(-87.3f);
        V clamped = W.Subtract(W.Broadcast(0f), W.Max(W.Broadcast(-88f), W.Subtract(W.Broadcast(0f), W.Max(x, low))));
        V n = W.Round(W.Multiply(clamped, W.Broadcast(1.44269504088896341f)));
        V r = W.MultiplyAdd(n, W.Broadcast(-0.693359375f), clamped);
        r = W.MultiplyAdd(n, W.Broadcast(2.12194440e-4f), r);
        V p = W.Broadcast(1.9875691500e-4f);
        p = W.MultiplyAdd(p, r, W.Broadcast(1.3981999507e-3f));
        p = W.MultiplyAdd(p, r, W.Broadcast(8.3334519073e-3f));
        p = W.MultiplyAdd(p, r, W.Broadcast(4.1665795894e-2f));
        p = W.MultiplyAdd(p, r, W.Broadcast(1.6666665459e-1f));
        p = W.MultiplyAdd(p, r, W.Broadcast(5.0000001201e-1f));
        V e = W.MultiplyAdd(W.Multiply(r, r), p, W.Add(r, W.Broadcast(1f)));
        return W.WhereNotLess(x, low, W.Scale(e, n));
    }
}

readonly unsafe struct Lanes512 : ILanes<Vector512<float>>
{
    public static int Count => 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(float* p) => Vector512.Load(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* p, Vector512<float> x) => x.Store(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Broadcast(float x) => Vector512.Create(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Add(Vector512<float> a, Vector512<float> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Subtract(Vector512<float> a, Vector512<float> b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Multiply(Vector512<float> a, Vector512<float> b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Divide(Vector512<float> a, Vector512<float> b) => a / b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> MultiplyAdd(Vector512<float> a, Vector512<float> b, Vector512<float> c) => Vector512.MultiplyAddEstimate(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Max(Vector512<float> a, Vector512<float> b) => Vector512.MaxNative(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Sqrt(Vector512<float> x) => Vector512.Sqrt(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Log(Vector512<float> x) => Vector512.Log(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector512<float> x) => Vector512.Sum(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Scale(Vector512<float> x, Vector512<float> n) =>
        x * ((Vector512.ConvertToInt32Native(n) + Vector512.Create(127)) << 23).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Round(Vector512<float> x) => Vector512.Round(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> WhereNotLess(Vector512<float> a, Vector512<float> b, Vector512<float> x) =>
        Vector512.ConditionalSelect(Vector512.GreaterThanOrEqual(a, b), x, Vector512<float>.Zero);
}

readonly unsafe struct Lanes256 : ILanes<Vector256<float>>
{
    public static int Count => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(float* p) => Vector256.Load(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* p, Vector256<float> x) => x.Store(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Broadcast(float x) => Vector256.Create(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Add(Vector256<float> a, Vector256<float> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Subtract(Vector256<float> a, Vector256<float> b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Multiply(Vector256<float> a, Vector256<float> b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Divide(Vector256<float> a, Vector256<float> b) => a / b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> MultiplyAdd(Vector256<float> a, Vector256<float> b, Vector256<float> c) => Vector256.MultiplyAddEstimate(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Max(Vector256<float> a, Vector256<float> b) => Vector256.MaxNative(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Sqrt(Vector256<float> x) => Vector256.Sqrt(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Log(Vector256<float> x) => Vector256.Log(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector256<float> x) => Vector256.Sum(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Scale(Vector256<float> x, Vector256<float> n) =>
        x * ((Vector256.ConvertToInt32Native(n) + Vector256.Create(127)) << 23).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Round(Vector256<float> x) => Vector256.Round(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> WhereNotLess(Vector256<float> a, Vector256<float> b, Vector256<float> x) =>
        Vector256.ConditionalSelect(Vector256.GreaterThanOrEqual(a, b), x, Vector256<float>.Zero);
}

readonly unsafe struct Lanes128 : ILanes<Vector128<float>>
{
    public static int Count => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load(float* p) => Vector128.Load(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* p, Vector128<float> x) => x.Store(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Broadcast(float x) => Vector128.Create(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Add(Vector128<float> a, Vector128<float> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Subtract(Vector128<float> a, Vector128<float> b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Multiply(Vector128<float> a, Vector128<float> b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Divide(Vector128<float> a, Vector128<float> b) => a / b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> MultiplyAdd(Vector128<float> a, Vector128<float> b, Vector128<float> c) => Vector128.MultiplyAddEstimate(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Max(Vector128<float> a, Vector128<float> b) => Vector128.MaxNative(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Sqrt(Vector128<float> x) => Vector128.Sqrt(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Log(Vector128<float> x) => Vector128.Log(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector128<float> x) => Vector128.Sum(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Scale(Vector128<float> x, Vector128<float> n) =>
        x * ((Vector128.ConvertToInt32Native(n) + Vector128.Create(127)) << 23).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Round(Vector128<float> x) => Vector128.Round(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> WhereNotLess(Vector128<float> a, Vector128<float> b, Vector128<float> x) =>
        Vector128.ConditionalSelect(Vector128.GreaterThanOrEqual(a, b), x, Vector128<float>.Zero);
}

readonly unsafe struct Lanes1 : ILanes<float>
{
    public static int Count => 1;

    public static float Load(float* p) => *p;

    public static void Store(float* p, float x) => *p = x;

    public static float Broadcast(float x) => x;

    public static float Add(float a, float b) => a + b;

    public static float Subtract(float a, float b) => a - b;

    public static float Multiply(float a, float b) => a * b;

    public static float Divide(float a, float b) => a / b;

    public static float MultiplyAdd(float a, float b, float c) => (a * b) + c;

    public static float Max(float a, float b) => a > b ? a : b;

    public static float Sqrt(float x) => MathF.Sqrt(x);

    public static float Log(float x) => MathF.Log(x);

    public static float Sum(float x) => x;

    public static float Scale(float x, float n) => x * BitConverter.Int32BitsToSingle(((int)n + 127) << 23);

    public static float Round(float x) => MathF.Round(x);

    public static float WhereNotLess(float a, float b, float x) => a >= b ? x : 0f;
}
