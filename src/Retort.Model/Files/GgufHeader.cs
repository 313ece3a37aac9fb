using System.Buffers.Binary;
using System.Text;

namespace Retort.Model.Files;

/// <summary>
/// The head of a GGUF file, versions 2 and 3: metadata and the places of the tensors (github.com/ggml-org/ggml, docs/gguf.md). Nothing is
/// allocated that the file is too short to hold.
/// </summary>
sealed class GgufHeader
{
    /// <summary>"GGUF", read as a little-endian number.</summary>
    const uint Magic = 0x46554747;

    const int MostFields = 1 << 16, MostTensors = 1 << 16, LongestName = 1 << 16, MostDimensions = 4, DefaultAlignment = 32;

    /// <summary>Bytes of one text, such as a chat template.</summary>
    const int LongestText = 1 << 24;

    const string Again = "Copy or download the file again.";

    readonly InputFile _file;
    readonly byte[] _window = new byte[1 << 16];
    long _windowStart;
    int _windowLength;
    long _at;

    GgufHeader(InputFile file)
    {
        _file = file;
    }

    public Dictionary<string, GgufValue> Fields { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, GgufTensor> Tensors { get; } = new(StringComparer.Ordinal);

    public string Where => _file.Path;

    /// <exception cref="UserError">It is no GGUF file, is cut off, or breaks the format's rules.</exception>
    public static GgufHeader Read(InputFile file)
    {
        GgufHeader header = new(file);
        header.Read();
        return header;
    }

    /// <summary>Whether there is a file that begins as a GGUF file does.</summary>
    public static bool IsAt(string path)
    {
        if (!File.Exists(path))
        {
            return false;
        }

        using InputFile file = InputFile.Open(path);
        Span<byte> start = stackalloc byte[4];
        if (file.Length < start.Length)
        {
            return false;
        }

        file.Read(start, 0);
        return BinaryPrimitives.ReadUInt32LittleEndian(start) == Magic;
    }

    public string? Text(string key) => Fields.GetValueOrDefault(key) switch
    {
        null => null,
        GgufValue.Text text => text.Value,
        _ => throw Fault($"{key} must be a text"),
    };

    public bool? Flag(string key) => Fields.GetValueOrDefault(key) switch
    {
        null => null,
        GgufValue.Flag flag => flag.Value,
        _ => throw Fault($"{key} must be a truth value"),
    };

    public int? Whole(string key) => Fields.GetValueOrDefault(key) switch
    {
        null => null,
        GgufValue.Whole { Value: var n } when n >= 0 && n <= int.MaxValue => (int)n,
        _ => throw Fault($"{key} must be a whole number from 0 to {int.MaxValue}"),
    };

    public double? Real(string key) => Fields.GetValueOrDefault(key) switch
    {
        null => null,
        GgufValue.Real real => real.Value,
        GgufValue.Whole whole => (double)whole.Value,
        _ => throw Fault($"{key} must be a number"),
    };

    public int NeedWhole(string key) => Whole(key) ?? throw Fault($"{key} is missing");

    public UserError Fault(string what) => new($"GGUF: {what}", Where, Again);

    void Read()
    {
        if (_file.Length < 24 || U32() != Magic)
        {
            throw new UserError("The file is no GGUF file: it does not begin with 'GGUF'", Where, "Check that this is the right file.");
        }

        uint version = U32();
        if (version is not (2 or 3))
        {
            throw new UserError(version is 0x02000000 or 0x03000000 ? "The GGUF file is written for big-endian machines" : $"GGUF version {version} is not supported", Where, "Convert the model again with a current llama.cpp.");
        }

        int tensors = Count(MostTensors, "tensors"), fields = Count(MostFields, "fields of metadata");
        for (int i = 0; i < fields; i++)
        {
            string key = String(LongestName, "a key");
            if (!Fields.TryAdd(key, Value(key, U32())))
            {
                throw Fault($"{Short(key)} is given twice");
            }
        }

        List<(string Name, GgufType Type, int[] Shape, long Offset)> found = [];
        for (int i = 0; i < tensors; i++)
        {
            found.Add(Tensor());
        }

        long alignment = Whole("general.alignment") ?? DefaultAlignment;
        if (alignment is 0 or > 1 << 20 || (alignment & (alignment - 1)) != 0)
        {
            throw Fault($"general.alignment is {alignment}, it must be a power of two");
        }

        long data = (_at + alignment - 1) / alignment * alignment;
        foreach ((string name, GgufType type, int[] shape, long offset) in found)
        {
            long bytes = Bytes(name, type, shape);
            if (offset % alignment != 0 || offset > _file.Length - data - bytes)
            {
                throw Fault($"the bytes of tensor {Short(name)} lie outside of the file");
            }

            if (!Tensors.TryAdd(name, new(name, type, shape, data + offset, bytes)))
            {
                throw Fault($"tensor {Short(name)} is given twice");
            }
        }

        GgufTensor[] inOrder = [.. Tensors.Values.OrderBy(t => t.Start)];
        for (int i = 1; i < inOrder.Length; i++)
        {
            if (inOrder[i].Start < inOrder[i - 1].Start + inOrder[i - 1].Bytes)
            {
                throw Fault($"the bytes of tensors {Short(inOrder[i - 1].Name)} and {Short(inOrder[i].Name)} overlap");
            }
        }
    }

    (string, GgufType, int[], long) Tensor()
    {
        string name = String(LongestName, "a tensor's name");
        uint dimensions = U32();
        if (dimensions is 0 or > MostDimensions)
        {
            throw Fault($"tensor {Short(name)} has {dimensions} dimensions");
        }

        int[] shape = new int[dimensions];
        for (int i = shape.Length - 1; i >= 0; i--)
        {
            ulong size = U64();
            shape[i] = size is > 0 and <= int.MaxValue ? (int)size : throw Fault($"tensor {Short(name)} has a dimension of {size}");
        }

        uint code = U32();
        GgufType type = GgufType.Of(code) ?? throw new UserError(
            $"GGUF: tensor {Short(name)} is of type {GgufType.NameOf(code)}, which is not supported", Where, "Take a copy in F32, F16, BF16, Q8_0, Q4_0, Q4_K or Q6_K.");
        ulong offset = U64();
        return (name, type, shape, offset <= long.MaxValue ? (long)offset : throw Fault($"tensor {Short(name)} lies outside of the file"));
    }

    long Bytes(string name, GgufType type, int[] shape)
    {
        if (shape[^1] % type.BlockLength != 0)
        {
            throw Fault($"tensor {Short(name)} has rows of {shape[^1]} numbers, which do not divide into blocks of {type.BlockLength}");
        }

        Int128 numbers = shape.Aggregate(Int128.One, (a, b) => a * b), bytes = numbers / type.BlockLength * type.BlockBytes;
        return bytes <= _file.Length ? (long)bytes : throw Fault($"tensor {Short(name)} is longer than the file");
    }

    GgufValue Value(string key, uint type)
    {
        if (type != 9)
        {
            return type switch
            {
                8 => new GgufValue.Text(String(LongestText, Short(key))),
                7 => new GgufValue.Flag(Number(type, key) != 0),
                6 or 12 => new GgufValue.Real(Number(type, key)),
                10 => new GgufValue.Whole(U64()),
                11 => new GgufValue.Whole((long)U64()),
                _ => new GgufValue.Whole((Int128)Number(type, key)),
            };
        }

        uint element = U32();
        ulong count = U64();
        int least = element switch { 0 or 1 or 7 => 1, 2 or 3 => 2, 4 or 5 or 6 => 4, 9 => 12, _ => 8 };
        if (count > (ulong)(_file.Length - _at) / (ulong)least)
        {
            throw Fault($"{Short(key)} says it has {count} values, more than the file can hold");
        }

        switch (element)
        {
            case 8:
                string[] texts = new string[count];
                for (int i = 0; i < texts.Length; i++)
                {
                    texts[i] = String(LongestText, Short(key));
                }

                return new GgufValue.Texts(texts);
            case 9:
                throw Fault($"{Short(key)} is an array of arrays, which is not supported");
            default:
                double[] numbers = new double[count];
                for (int i = 0; i < numbers.Length; i++)
                {
                    numbers[i] = Number(element, key);
                }

                return new GgufValue.Numbers(numbers);
        }
    }

    double Number(uint type, string key) => type switch
    {
        0 or 7 => Take(1)[0],
        1 => (sbyte)Take(1)[0],
        2 => BinaryPrimitives.ReadUInt16LittleEndian(Take(2)),
        3 => BinaryPrimitives.ReadInt16LittleEndian(Take(2)),
        4 => U32(),
        5 => (int)U32(),
        6 => BitConverter.UInt32BitsToSingle(U32()),
        10 => U64(),
        11 => (long)U64(),
        12 => BitConverter.UInt64BitsToDouble(U64()),
        _ => throw Fault($"{Short(key)} is of the unknown type {type}"),
    };

    int Count(int most, string what)
    {
        ulong count = U64();
        return count <= (ulong)most ? (int)count : throw Fault($"the header says there are {count} {what}");
    }

    uint U32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    ulong U64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(8));

    string String(int longest, string what)
    {
        ulong length = U64();
        if (length > (ulong)longest || length > (ulong)(_file.Length - _at))
        {
            throw Fault($"{what} says it has {length} bytes");
        }

        if (length <= (ulong)_window.Length)
        {
            return Encoding.UTF8.GetString(Take((int)length));
        }

        byte[] bytes = new byte[length];
        _file.Read(bytes, _at);
        _at += bytes.Length;
        return Encoding.UTF8.GetString(bytes);
    }

    /// <summary>The next bytes, at most a window of them.</summary>
    ReadOnlySpan<byte> Take(int count)
    {
        if (_at + count > _windowStart + _windowLength)
        {
            if (_file.Length - _at < count)
            {
                throw Fault($"the file ends at byte {_file.Length}, within its header");
            }

            _windowStart = _at;
            _windowLength = (int)Math.Min(_window.Length, _file.Length - _at);
            _file.Read(_window.AsSpan(0, _windowLength), _at);
        }

        ReadOnlySpan<byte> taken = _window.AsSpan((int)(_at - _windowStart), count);
        _at += count;
        return taken;
    }

    static string Short(string text) => JsonFields.Short(text);
}
