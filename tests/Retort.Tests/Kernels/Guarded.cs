namespace Retort.Tests.Kernels;

/// <summary>Floats with watched borders: a kernel that writes beside its output is caught.</summary>
sealed class Guarded
{
    const int Border = 64;
    const float Mark = 12345.678f;
    readonly float[] _array;

    public Guarded(int length, float fill = float.NaN)
    {
        _array = new float[length + (2 * Border)];
        _array.AsSpan().Fill(Mark);
        Span.Fill(fill);
    }

    public Guarded(float[] start)
        : this(start.Length) => start.CopyTo(Span);

    public Span<float> Span => _array.AsSpan(Border, _array.Length - (2 * Border));

    /// <summary>The values, once the borders are found whole.</summary>
    public ReadOnlySpan<float> Checked()
    {
        Assert.False(_array.AsSpan(0, Border).ContainsAnyExcept(Mark), "written before the start");
        Assert.False(_array.AsSpan(_array.Length - Border).ContainsAnyExcept(Mark), "written past the end");
        return Span;
    }
}
