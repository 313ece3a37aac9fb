using System.Buffers.Binary;
using System.Text.Json;

namespace Retort.Model.Files;

/// <summary>
/// The JSON at the head of a safetensors file, with every rule of the format checked: known types, each tensor's bytes equal to its shape,
/// and the tensors' bytes filling the rest of the file without overlap or hole, so that nothing can hide in it.
/// </summary>
sealed record SafetensorsHeader(IReadOnlyList<TensorEntry> Entries, IReadOnlyDictionary<string, string> Metadata)
{
    /// <summary>The format's own limit, in bytes.</summary>
    const int Longest = 100_000_000;

    const string Again = "Copy or download the file again.";

    public static SafetensorsHeader Read(InputFile file)
    {
        if (file.Length < 8)
        {
            throw new UserError($"The file has {file.Length} bytes, too few for a safetensors header", file.Path, Again);
        }

        Span<byte> count = stackalloc byte[8];
        file.Read(count, 0);
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(count);
        if (length > Longest || length > (ulong)file.Length - 8)
        {
            throw new UserError($"The header says it has {length} bytes, the file has {file.Length}", file.Path, "This is not a safetensors file, or a part of it is missing.");
        }

        byte[] text = new byte[length];
        file.Read(text, 8);
        return Parse(JsonFields.Parse(text, $"{file.Path}, header"), file, 8 + (long)length);
    }

    static SafetensorsHeader Parse(JsonFields header, InputFile file, long dataStart)
    {
        List<TensorEntry> entries = [];
        Dictionary<string, string> metadata = new(StringComparer.Ordinal);
        foreach ((string name, JsonElement value) in header.All)
        {
            if (name != "__metadata__")
            {
                entries.Add(Entry(name, header.Nested(name, value), dataStart));
                continue;
            }

            foreach ((string key, JsonElement text) in header.Nested(name, value).All)
            {
                metadata.Add(key, text.ValueKind == JsonValueKind.String ? text.GetString()! : throw new UserError(
                    $"The metadata {JsonFields.Short(key)} is {JsonFields.Short(text.GetRawText())}", file.Path, "Metadata must be strings."));
            }
        }

        entries.Sort((a, b) => (a.Start, a.Length).CompareTo((b.Start, b.Length)));
        long at = dataStart;
        foreach (TensorEntry entry in entries)
        {
            if (entry.Start != at)
            {
                throw new UserError($"The bytes of tensor {JsonFields.Short(entry.Name)} start at {entry.Start - dataStart}, not where the tensor before ends, {at - dataStart}", file.Path, Again);
            }

            at = checked(at + entry.Length);
        }

        return at == file.Length
            ? new(entries, metadata)
            : throw new UserError($"The tensors end at byte {at}, the file at {file.Length}", file.Path, Again);
    }

    static TensorEntry Entry(string name, JsonFields fields, long dataStart)
    {
        string dtype = fields.Text("dtype");
        if (!Enum.TryParse(dtype, out NumberType type) || type.ToString() != dtype)
        {
            throw new UserError($"dtype is {JsonFields.Short(dtype)}", fields.Where, "Known are F32, F16, BF16, F64, I64 and I32; use an unquantised copy of the model.");
        }

        long[] shape = Longs(fields, "shape"), offsets = Longs(fields, "data_offsets");
        if (offsets.Length != 2 || offsets[0] > offsets[1] || offsets[1] > long.MaxValue - dataStart)
        {
            throw fields.Wrong("data_offsets", "It must be the first byte and the byte after the last.");
        }

        try
        {
            long bytes = shape.Aggregate((long)type.Size, (a, b) => checked(a * b));
            if (bytes != offsets[1] - offsets[0])
            {
                throw new UserError($"The shape takes {bytes} bytes, data_offsets span {offsets[1] - offsets[0]}", fields.Where, Again);
            }
        }
        catch (OverflowException)
        {
            throw fields.Wrong("shape", "Its product must fit in 64 bits.");
        }

        return new(name, type, shape, dataStart + offsets[0], offsets[1] - offsets[0]);
    }

    static long[] Longs(JsonFields fields, string name)
    {
        IReadOnlyList<JsonElement> elements = fields.Array(name) ?? throw fields.Missing(name);
        long[] numbers = new long[elements.Count];
        for (int i = 0; i < numbers.Length; i++)
        {
            if (elements[i].ValueKind != JsonValueKind.Number || !elements[i].TryGetInt64(out numbers[i]) || numbers[i] < 0)
            {
                throw fields.Wrong(name, "It must be a list of whole numbers, none negative.");
            }
        }

        return numbers;
    }
}
