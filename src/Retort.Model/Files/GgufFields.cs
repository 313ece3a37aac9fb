using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;

namespace Retort.Model.Files;

/// <summary>Collects the metadata and the tensors' places of a GGUF file to be written.</summary>
sealed class GgufFields
{
    readonly ArrayBufferWriter<byte> _fields = new(), _tensors = new();
    ulong _fieldCount, _tensorCount, _at;

    public void Text(string key, string value)
    {
        Begin(key, 8);
        Put(_fields, value);
    }

    public void Whole(string key, int value)
    {
        Begin(key, 4);
        _fields.Write(BitConverter.GetBytes((uint)value));
    }

    public void Real(string key, float value)
    {
        Begin(key, 6);
        _fields.Write(BitConverter.GetBytes(value));
    }

    public void Flag(string key, bool value)
    {
        Begin(key, 7);
        _fields.Write([value ? (byte)1 : (byte)0]);
    }

    public void Texts(string key, IReadOnlyList<string> values)
    {
        BeginArray(key, 8, values.Count);
        foreach (string value in values)
        {
            Put(_fields, value);
        }
    }

    public void Reals(string key, ReadOnlySpan<float> values)
    {
        BeginArray(key, 6, values.Length);
        _fields.Write(MemoryMarshal.AsBytes(values));
    }

    public void Wholes(string key, ReadOnlySpan<int> values)
    {
        BeginArray(key, 5, values.Length);
        _fields.Write(MemoryMarshal.AsBytes(values));
    }

    /// <summary>The next tensor; its bytes follow those of the one before, from a multiple of <paramref name="alignment"/> on.</summary>
    public void Tensor(string name, IReadOnlyList<int> shape, GgufType type, int alignment)
    {
        Put(_tensors, name);
        _tensors.Write(BitConverter.GetBytes((uint)shape.Count));
        foreach (int extent in shape.Reverse())
        {
            _tensors.Write(BitConverter.GetBytes((ulong)extent));
        }

        _tensors.Write(BitConverter.GetBytes(type.Code));
        _tensors.Write(BitConverter.GetBytes(_at));
        ulong bytes = (ulong)(shape.Aggregate(1L, (a, b) => a * b) / type.BlockLength * type.BlockBytes), step = (ulong)alignment;
        _at += (bytes + step - 1) / step * step;
        _tensorCount++;
    }

    /// <summary>Everything before the tensors' bytes.</summary>
    public byte[] Head(int alignment)
    {
        ArrayBufferWriter<byte> head = new();
        head.Write("GGUF"u8);
        head.Write(BitConverter.GetBytes(3u));
        head.Write(BitConverter.GetBytes(_tensorCount));
        head.Write(BitConverter.GetBytes(_fieldCount));
        head.Write(_fields.WrittenSpan);
        head.Write(_tensors.WrittenSpan);
        head.Write(new byte[(alignment - (head.WrittenCount % alignment)) % alignment]);
        return head.WrittenSpan.ToArray();
    }

    void Begin(string key, uint type)
    {
        Put(_fields, key);
        _fields.Write(BitConverter.GetBytes(type));
        _fieldCount++;
    }

    void BeginArray(string key, uint element, int count)
    {
        Begin(key, 9);
        _fields.Write(BitConverter.GetBytes(element));
        _fields.Write(BitConverter.GetBytes((ulong)count));
    }

    static void Put(ArrayBufferWriter<byte> to, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        to.Write(BitConverter.GetBytes((ulong)bytes.Length));
        to.Write(bytes);
    }
}
