using System.Buffers;
using System.Runtime.InteropServices;
using Retort.Kernels;

namespace Retort.Model.Files;

/// <summary>One tensor of a safetensors file.</summary>
/// <param name="Shape">Extents, row-major; none for a scalar.</param>
/// <param name="Start">First byte, counted from the start of the file.</param>
/// <param name="Length">Bytes.</param>
public sealed record TensorEntry(string Name, NumberType Type, IReadOnlyList<long> Shape, long Start, long Length)
{
    /// <summary>How many numbers.</summary>
    public long Count => Length / Type.Size;
}

/// <summary>
/// A safetensors file, opened and checked but not read: tensors are read one at a time, widened in bounded chunks.
/// Format: https://huggingface.co/docs/safetensors. Little-endian machines only, as all that .NET runs on here are.
/// </summary>
public sealed class Safetensors : IDisposable
{
    /// <summary>Numbers converted at a time.</summary>
    const int Chunk = 1 << 16;

    readonly InputFile _file;
    readonly Dictionary<string, TensorEntry> _byName;

    Safetensors(InputFile file, SafetensorsHeader header)
    {
        (_file, Entries, Metadata) = (file, header.Entries, header.Metadata);
        _byName = header.Entries.ToDictionary(e => e.Name, StringComparer.Ordinal);
    }

    public string Path => _file.Path;

    /// <summary>The tensors in the order of their bytes.</summary>
    public IReadOnlyList<TensorEntry> Entries { get; }

    /// <summary>The header's <c>__metadata__</c>, empty when there is none.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Opens the file and checks its whole header.</summary>
    /// <exception cref="UserError">The file cannot be read or breaks a rule of the format.</exception>
    public static Safetensors Open(string path)
    {
        InputFile? file = InputFile.Open(path);
        try
        {
            Safetensors opened = new(file, SafetensorsHeader.Read(file));
            file = null;
            return opened;
        }
        finally
        {
            file?.Dispose();
        }
    }

    /// <summary>The tensor of that name, or null.</summary>
    public TensorEntry? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>The tensor of that name.</summary>
    /// <exception cref="UserError">The file has none.</exception>
    public TensorEntry Get(string name) => Find(name) ?? throw new UserError($"There is no tensor {name}", Path, "Check that the file belongs to this model.");

    /// <summary>Reads weights (F32, F16 or BF16), all of the tensor or a part of it.</summary>
    /// <param name="to">As long as the part.</param>
    /// <param name="first">The first number read.</param>
    /// <exception cref="UserError">The tensor does not hold weights, or the file was cut meanwhile.</exception>
    public void Read(TensorEntry entry, Span<float> to, long first = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first + to.Length, entry.Count);
        if (!entry.Type.HoldsWeights)
        {
            throw new UserError($"{JsonFields.Short(entry.Name)} is of type {entry.Type}, which holds no weights", Path, "Weights are F32, F16 or BF16.");
        }

        ushort[] halves = ArrayPool<ushort>.Shared.Rent(Chunk);
        for (int at = 0; at < to.Length; at += Chunk)
        {
            Span<float> part = to.Slice(at, Math.Min(Chunk, to.Length - at));
            long offset = entry.Start + ((first + at) * entry.Type.Size);
            if (entry.Type == NumberType.F32)
            {
                _file.Read(MemoryMarshal.AsBytes(part), offset);
                continue;
            }

            Span<ushort> narrow = halves.AsSpan(0, part.Length);
            _file.Read(MemoryMarshal.AsBytes(narrow), offset);
            if (entry.Type == NumberType.F16)
            {
                Blocks.FromHalf(part, narrow);
            }
            else
            {
                Blocks.FromBFloat16(part, narrow);
            }
        }

        ArrayPool<ushort>.Shared.Return(halves);
    }

    /// <summary>Reads a tensor as it is stored: <c>float</c> for F32, <c>double</c> for F64, <c>long</c> for I64, <c>int</c> for I32.</summary>
    /// <exception cref="UserError">No such tensor, another type, or more numbers than an array holds.</exception>
    public T[] ReadArray<T>(string name)
        where T : unmanaged
    {
        TensorEntry entry = Get(name);
        Type stored = entry.Type switch
        {
            NumberType.F32 => typeof(float),
            NumberType.F64 => typeof(double),
            NumberType.I64 => typeof(long),
            NumberType.I32 => typeof(int),
            _ => typeof(ushort),
        };
        if (stored != typeof(T))
        {
            throw new UserError($"{JsonFields.Short(name)} is of type {entry.Type}, not {typeof(T).Name}", Path, "Check that this is the right file.");
        }

        if (entry.Count > Array.MaxLength)
        {
            throw new UserError($"{JsonFields.Short(name)} has {entry.Count} numbers", Path, $"At most {Array.MaxLength} fit in an array.");
        }

        T[] values = new T[entry.Count];
        for (int at = 0; at < values.Length; at += Chunk)
        {
            Span<T> part = values.AsSpan(at, Math.Min(Chunk, values.Length - at));
            _file.Read(MemoryMarshal.AsBytes(part), entry.Start + ((long)at * entry.Type.Size));
        }

        return values;
    }

    public void Dispose() => _file.Dispose();
}
