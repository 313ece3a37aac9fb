namespace Retort.Model.Files;

/// <summary>One tensor of a GGUF file.</summary>
/// <param name="Shape">Fastest dimension last, as in a safetensors file; GGUF writes it first.</param>
/// <param name="Start">Its first byte in the file.</param>
/// <param name="Bytes">Its length.</param>
sealed record GgufTensor(string Name, GgufType Type, int[] Shape, long Start, long Bytes)
{
    public long Length => Shape.Aggregate(1L, (a, b) => a * b);
}
