namespace Retort.Model.Files;

/// <summary>A value of a GGUF file's metadata.</summary>
abstract record GgufValue
{
    GgufValue()
    {
    }

    /// <summary>Any of the eight integer types.</summary>
    public sealed record Whole(Int128 Value) : GgufValue;

    /// <summary>A 32- or 64-bit float.</summary>
    public sealed record Real(double Value) : GgufValue;

    public sealed record Flag(bool Value) : GgufValue;

    public sealed record Text(string Value) : GgufValue;

    public sealed record Texts(string[] Values) : GgufValue;

    /// <summary>An array of any integer type, of truth values or of floats.</summary>
    public sealed record Numbers(double[] Values) : GgufValue;
}
