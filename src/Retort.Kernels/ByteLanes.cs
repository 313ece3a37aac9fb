using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Retort.Kernels;

/// <summary>
/// The arithmetic of products of small whole numbers for three widths. A lane is the sum of one row of weights; a step takes four channels of
/// every row, whose bytes lie in the lane. Sums are exact, so all widths give the same bits.
/// </summary>
/// <typeparam name="V">Whole numbers: bytes without a sign, shorts or sums, by the operation.</typeparam>
/// <typeparam name="F">As many floats.</typeparam>
unsafe interface IByteLanes<V, F> where V : struct where F : struct
{
    /// <summary>Rows of one vector.</summary>
    static abstract int Count { get; }

    static abstract V Load(byte* p);

    static abstract V Broadcast(int x);

    static abstract V Zero { get; }

    static abstract V Add(V a, V b);

    /// <summary>What <see cref="Dot"/> takes of a step's weights first.</summary>
    static abstract V Even(V w);

    /// <summary>What it takes second.</summary>
    static abstract V Odd(V w);

    /// <summary>Four activations in every lane: what meets <see cref="Even"/>.</summary>
    /// <param name="bytes">The activations.</param>
    /// <param name="pairs">The same as shorts in the order (0, 2), (1, 3).</param>
    static abstract V First(sbyte* bytes, short* pairs);

    /// <summary>What meets <see cref="Odd"/>.</summary>
    static abstract V Second(sbyte* bytes, short* pairs);

    /// <summary>sum + Σ of four products, for weights 0 to 255.</summary>
    static abstract V Dot(V sum, V even, V odd, V first, V second);

    /// <summary>The low halves of bytes.</summary>
    static abstract V Low(V w);

    /// <summary>The high halves of bytes.</summary>
    static abstract V High(V w);

    /// <summary>Adds four products to a running sum, for weights 0 to 15 and at most eight steps.</summary>
    /// <param name="x">Four activations as bytes in every lane.</param>
    static abstract V DotSmall(V sum, V w, V x);

    /// <summary>Running sums of <see cref="DotSmall"/> as whole lanes.</summary>
    static abstract V Total(V sum);

    static abstract F Single(V x);

    /// <summary>Widens IEEE halves, which must be finite.</summary>
    static abstract F Halves(byte* p);
}

readonly unsafe struct ByteLanes512 : IByteLanes<Vector512<int>, Vector512<float>>
{
    public static int Count => 16;

    public static Vector512<int> Zero => Vector512<int>.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Load(byte* p) => Vector512.Load((int*)p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Broadcast(int x) => Vector512.Create(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Add(Vector512<int> a, Vector512<int> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Even(Vector512<int> w) => w & Vector512.Create(0x00ff00ff);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Odd(Vector512<int> w) => (w.AsUInt16() >>> 8).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> First(sbyte* bytes, short* pairs) => Vector512.Create(((int*)pairs)[0]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Second(sbyte* bytes, short* pairs) => Vector512.Create(((int*)pairs)[1]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Dot(Vector512<int> sum, Vector512<int> even, Vector512<int> odd, Vector512<int> first, Vector512<int> second) =>
        sum + Avx512BW.MultiplyAddAdjacent(even.AsInt16(), first.AsInt16()) + Avx512BW.MultiplyAddAdjacent(odd.AsInt16(), second.AsInt16());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Low(Vector512<int> w) => w & Vector512.Create(0x0f0f0f0f);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> High(Vector512<int> w) => (w >>> 4) & Vector512.Create(0x0f0f0f0f);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> DotSmall(Vector512<int> sum, Vector512<int> w, Vector512<int> x) =>
        (sum.AsInt16() + Avx512BW.MultiplyAddAdjacent(w.AsByte(), x.AsSByte())).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Total(Vector512<int> sum) => Avx512BW.MultiplyAddAdjacent(sum.AsInt16(), Vector512.Create((short)1));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Single(Vector512<int> x) => Vector512.ConvertToSingle(x);

    /// <summary>Below 2⁻¹⁴ a half is a whole number of 2⁻²⁴; above, its bits are those of a float once the exponent's offset is changed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Halves(byte* p)
    {
        Vector512<int> h = Avx512F.ConvertToVector512Int32(Vector256.Load((ushort*)p)), size = h & Vector512.Create(0x7fff);
        Vector512<float> small = Vector512.ConvertToSingle(size) * Vector512.Create(1f / (1 << 24));
        Vector512<int> bits = Vector512.ConditionalSelect(Vector512.LessThan(size, Vector512.Create(0x400)), small.AsInt32(), (size << 13) + Vector512.Create(112 << 23));
        return (bits | ((h & Vector512.Create(0x8000)) << 16)).AsSingle();
    }
}

readonly unsafe struct ByteLanes256 : IByteLanes<Vector256<int>, Vector256<float>>
{
    public static int Count => 8;

    public static Vector256<int> Zero => Vector256<int>.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Load(byte* p) => Vector256.Load((int*)p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Broadcast(int x) => Vector256.Create(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Add(Vector256<int> a, Vector256<int> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Even(Vector256<int> w) => w & Vector256.Create(0x00ff00ff);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Odd(Vector256<int> w) => (w.AsUInt16() >>> 8).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> First(sbyte* bytes, short* pairs) => Vector256.Create(((int*)pairs)[0]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Second(sbyte* bytes, short* pairs) => Vector256.Create(((int*)pairs)[1]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Dot(Vector256<int> sum, Vector256<int> even, Vector256<int> odd, Vector256<int> first, Vector256<int> second) =>
        sum + Avx2.MultiplyAddAdjacent(even.AsInt16(), first.AsInt16()) + Avx2.MultiplyAddAdjacent(odd.AsInt16(), second.AsInt16());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Low(Vector256<int> w) => w & Vector256.Create(0x0f0f0f0f);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> High(Vector256<int> w) => (w >>> 4) & Vector256.Create(0x0f0f0f0f);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> DotSmall(Vector256<int> sum, Vector256<int> w, Vector256<int> x) =>
        (sum.AsInt16() + Avx2.MultiplyAddAdjacent(w.AsByte(), x.AsSByte())).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Total(Vector256<int> sum) => Avx2.MultiplyAddAdjacent(sum.AsInt16(), Vector256.Create((short)1));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Single(Vector256<int> x) => Vector256.ConvertToSingle(x);

    /// <summary>Below 2⁻¹⁴ a half is a whole number of 2⁻²⁴; above, its bits are those of a float once the exponent's offset is changed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Halves(byte* p)
    {
        Vector256<int> h = Avx2.ConvertToVector256Int32(Vector128.Load((ushort*)p)), size = h & Vector256.Create(0x7fff);
        Vector256<float> small = Vector256.ConvertToSingle(size) * Vector256.Create(1f / (1 << 24));
        Vector256<int> bits = Vector256.ConditionalSelect(Vector256.LessThan(size, Vector256.Create(0x400)), small.AsInt32(), (size << 13) + Vector256.Create(112 << 23));
        return (bits | ((h & Vector256.Create(0x8000)) << 16)).AsSingle();
    }
}

/// <summary>256 bits where the processor multiplies and sums four bytes at once (AVX-VNNI).</summary>
readonly unsafe struct ByteLanesVnni : IByteLanes<Vector256<int>, Vector256<float>>
{
    public static int Count => 8;

    public static Vector256<int> Zero => Vector256<int>.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Load(byte* p) => ByteLanes256.Load(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Broadcast(int x) => Vector256.Create(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Add(Vector256<int> a, Vector256<int> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Even(Vector256<int> w) => w;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Odd(Vector256<int> w) => w;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> First(sbyte* bytes, short* pairs) => Vector256.Create(*(int*)bytes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Second(sbyte* bytes, short* pairs) => Vector256<int>.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Dot(Vector256<int> sum, Vector256<int> even, Vector256<int> odd, Vector256<int> first, Vector256<int> second) =>
        AvxVnni.MultiplyWideningAndAdd(sum, even.AsByte(), first.AsSByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Low(Vector256<int> w) => ByteLanes256.Low(w);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> High(Vector256<int> w) => ByteLanes256.High(w);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> DotSmall(Vector256<int> sum, Vector256<int> w, Vector256<int> x) =>
        AvxVnni.MultiplyWideningAndAdd(sum, w.AsByte(), x.AsSByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Total(Vector256<int> sum) => sum;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Single(Vector256<int> x) => ByteLanes256.Single(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Halves(byte* p) => ByteLanes256.Halves(p);
}

/// <summary>One row in plain arithmetic: the specification, and the path of processors without the above.</summary>
readonly unsafe struct ByteLanes1 : IByteLanes<int, float>
{
    public static int Count => 1;

    public static int Zero => 0;

    public static int Load(byte* p) => *(int*)p;

    public static int Broadcast(int x) => x;

    public static int Add(int a, int b) => a + b;

    public static int Even(int w) => w;

    public static int Odd(int w) => w;

    public static int First(sbyte* bytes, short* pairs) => *(int*)bytes;

    public static int Second(sbyte* bytes, short* pairs) => 0;

    public static int Dot(int sum, int even, int odd, int first, int second)
    {
        byte* w = (byte*)&even;
        sbyte* x = (sbyte*)&first;
        return sum + (w[0] * x[0]) + (w[1] * x[1]) + (w[2] * x[2]) + (w[3] * x[3]);
    }

    public static int Low(int w) => w & 0x0f0f0f0f;

    public static int High(int w) => (w >>> 4) & 0x0f0f0f0f;

    public static int DotSmall(int sum, int w, int x) => Dot(sum, w, w, x, x);

    public static int Total(int sum) => sum;

    public static float Single(int x) => x;

    public static float Halves(byte* p) => (float)*(Half*)p;
}
