namespace Retort.Model.Files;

/// <summary>How the numbers of a GGUF tensor are coded: in blocks of some numbers that share scales.</summary>
/// <param name="Code">Its number in the file.</param>
/// <param name="BlockLength">Numbers in a block.</param>
/// <param name="BlockBytes">Bytes of a block.</param>
/// <param name="FileType">How general.file_type calls a file whose matrices are of this type.</param>
public sealed record GgufType(uint Code, string Name, int BlockLength, int BlockBytes, int FileType)
{
    public static readonly GgufType F32 = new(0, "F32", 1, 4, 0), F16 = new(1, "F16", 1, 2, 1), BF16 = new(30, "BF16", 1, 2, 32);

    /// <summary>A 16-bit scale and 32 nibbles less 8.</summary>
    public static readonly GgufType Q4_0 = new(2, "Q4_0", 32, 18, 2);

    /// <summary>A 16-bit scale and 32 signed bytes.</summary>
    public static readonly GgufType Q8_0 = new(8, "Q8_0", 32, 34, 7);

    /// <summary>Two 16-bit scales, eight pairs of 6-bit scales and minima packed in 12 bytes, and 256 nibbles.</summary>
    public static readonly GgufType Q4_K = new(12, "Q4_K", 256, 144, 15);

    /// <summary>256 nibbles and as many pairs of bits above them, 16 signed scales and a 16-bit scale of those.</summary>
    public static readonly GgufType Q6_K = new(14, "Q6_K", 256, 210, 18);

    static readonly GgufType[] s_all = [F32, F16, BF16, Q4_0, Q8_0, Q4_K, Q6_K];

    /// <summary>Types that are known by name and not read.</summary>
    static readonly (uint Code, string Name)[] s_others =
    [
        (3, "Q4_1"), (6, "Q5_0"), (7, "Q5_1"), (9, "Q8_1"), (10, "Q2_K"), (11, "Q3_K"), (13, "Q5_K"), (15, "Q8_K"), (16, "IQ2_XXS"), (17, "IQ2_XS"), (18, "IQ3_XXS"), (19, "IQ1_S"),
        (20, "IQ4_NL"), (21, "IQ3_S"), (22, "IQ2_S"), (23, "IQ4_XS"), (24, "I8"), (25, "I16"), (26, "I32"), (27, "I64"), (28, "F64"), (29, "IQ1_M"), (34, "TQ1_0"), (35, "TQ2_0"), (39, "MXFP4"),
    ];

    public static GgufType? Of(uint code) => Array.Find(s_all, t => t.Code == code);

    public static string NameOf(uint code) => Of(code)?.Name ?? Array.Find(s_others, t => t.Code == code).Name ?? $"number {code}";
}
