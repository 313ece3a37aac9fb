using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using Retort.Kernels;

namespace Retort.Model.Files;

/// <summary>A tensor to be written.</summary>
/// <param name="Shape">Extents whose product is the number of values.</param>
public sealed record NewTensor(string Name, IReadOnlyList<int> Shape, ReadOnlyMemory<float> Values);

/// <summary>Writes safetensors files, whole or not at all (<see cref="AtomicFile"/>).</summary>
public static class SafetensorsWriter
{
    const int Chunk = 1 << 16;

    /// <summary>Writes the tensors in the order given, with <c>{"format": "pt"}</c> as metadata, which transformers asks for.</summary>
    /// <param name="type">F32, F16 or BF16; narrower types round to nearest even.</param>
    /// <exception cref="UserError">A finite value is beyond the type's range, or the file cannot be written.</exception>
    public static void Write(string path, IReadOnlyList<NewTensor> tensors, NumberType type, CancellationToken stop = default) => Write(path, tensors, type, new Dictionary<string, string>(), stop);

    /// <inheritdoc cref="Write(string, IReadOnlyList{NewTensor}, NumberType, CancellationToken)"/>
    /// <param name="metadata">More of it.</param>
    public static void Write(string path, IReadOnlyList<NewTensor> tensors, NumberType type, IReadOnlyDictionary<string, string> metadata, CancellationToken stop = default)
    {
        if (!type.HoldsWeights)
        {
            throw new ArgumentException("Weights are written as F32, F16 or BF16.", nameof(type));
        }

        byte[] header = Header(tensors, type, metadata);
        AtomicFile.Write(path, stream =>
        {
            stream.Write(header);
            foreach (NewTensor tensor in tensors)
            {
                Write(stream, path, tensor, type, stop);
            }
        });
    }

    /// <summary>Bytes that the tensors' values take.</summary>
    public static long DataBytes(IEnumerable<NewTensor> tensors, NumberType type) => tensors.Sum(t => (long)t.Values.Length * type.Size);

    static byte[] Header(IReadOnlyList<NewTensor> tensors, NumberType type, IReadOnlyDictionary<string, string> metadata)
    {
        ArrayBufferWriter<byte> text = new();
        text.Write(new byte[8]);
        using (Utf8JsonWriter json = new(text))
        {
            json.WriteStartObject();
            json.WriteStartObject("__metadata__");
            json.WriteString("format", "pt");
            foreach ((string key, string value) in metadata)
            {
                json.WriteString(key, value);
            }

            json.WriteEndObject();
            long at = 0;
            foreach (NewTensor tensor in tensors)
            {
                if (tensor.Shape.Aggregate(1L, (a, b) => a * b) != tensor.Values.Length)
                {
                    throw new ArgumentException($"The shape of {tensor.Name} does not match its {tensor.Values.Length} values.", nameof(tensors));
                }

                json.WriteStartObject(tensor.Name);
                json.WriteString("dtype", type.ToString());
                json.WriteStartArray("shape");
                foreach (int extent in tensor.Shape)
                {
                    json.WriteNumberValue(extent);
                }

                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(at);
                json.WriteNumberValue(at += (long)tensor.Values.Length * type.Size);
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        // Spaces up to a multiple of 8, so that readers may map the numbers aligned.
        while (text.WrittenCount % 8 != 0)
        {
            text.Write(" "u8);
        }

        byte[] header = text.WrittenSpan.ToArray();
        BinaryPrimitives.WriteInt64LittleEndian(header, header.Length - 8);
        return header;
    }

    static void Write(Stream stream, string path, NewTensor tensor, NumberType type, CancellationToken stop)
    {
        ushort[] halves = ArrayPool<ushort>.Shared.Rent(Chunk);
        for (int at = 0; at < tensor.Values.Length; at += Chunk)
        {
            stop.ThrowIfCancellationRequested();
            ReadOnlySpan<float> part = tensor.Values.Span.Slice(at, Math.Min(Chunk, tensor.Values.Length - at));
            if (type == NumberType.F32)
            {
                stream.Write(MemoryMarshal.AsBytes(part));
                continue;
            }

            Span<ushort> narrow = halves.AsSpan(0, part.Length);
            if (type == NumberType.F16)
            {
                Blocks.ToHalf(narrow, part);
            }
            else
            {
                Blocks.ToBFloat16(narrow, part);
            }

            CheckRange(path, tensor.Name, narrow, part, type);
            stream.Write(MemoryMarshal.AsBytes(narrow));
        }

        ArrayPool<ushort>.Shared.Return(halves);
    }

    static void CheckRange(string path, string name, ReadOnlySpan<ushort> narrow, ReadOnlySpan<float> wide, NumberType type)
    {
        int exponent = type == NumberType.F16 ? 0x7c00 : 0x7f80;
        for (int i = 0; i < narrow.Length; i++)
        {
            if ((narrow[i] & exponent) == exponent && float.IsFinite(wide[i]))
            {
                throw new UserError($"{name} holds {wide[i]}, which {type} cannot", path, "Write it as bf16 or f32.");
            }
        }
    }
}
