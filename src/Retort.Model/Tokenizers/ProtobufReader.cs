using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;

namespace Retort.Model.Tokenizers;

/// <summary>
/// Walks the fields of one message in the protocol buffers wire format (protobuf.dev, Encoding): a tag of number and type, then a varint, four
/// or eight bytes, or a length and that many bytes. Groups, which went out of use before the files read here began, are refused.
/// </summary>
ref struct ProtobufReader
{
    const int Varint = 0, EightBytes = 1, Block = 2, FourBytes = 5;

    readonly ReadOnlySpan<byte> _bytes;
    readonly string _file;
    readonly int _offset;
    int _at, _type;

    /// <param name="offset">Where the message begins in the file, for errors.</param>
    internal ProtobufReader(ReadOnlySpan<byte> bytes, string file, int offset)
    {
        _bytes = bytes;
        _file = file;
        _offset = offset;
    }

    /// <summary>The number of the field that the last <see cref="Next"/> went to.</summary>
    internal int Field { get; private set; }

    /// <summary>Where a reader of the last block's own fields would begin.</summary>
    internal int BlockOffset { get; private set; }

    internal readonly string Where => $"{_file}, offset {_offset + _at}";

    /// <summary>Goes to the next field, whose value must then be taken or skipped.</summary>
    /// <returns>False at the end of the message.</returns>
    internal bool Next()
    {
        if (_at == _bytes.Length)
        {
            return false;
        }

        ulong tag = Number();
        (Field, _type) = ((int)Math.Min(tag >> 3, int.MaxValue), (int)(tag & 7));
        return Field > 0 && _type is Varint or EightBytes or Block or FourBytes ? true : throw Damaged("a field has no number or no known type");
    }

    internal void Skip()
    {
        switch (_type)
        {
            case Varint:
                Number();
                break;
            case Block:
                Take(Length());
                break;
            default:
                Take(_type == EightBytes ? 8 : 4);
                break;
        }
    }

    internal long Integer()
    {
        Expect(Varint);
        return (long)Number();
    }

    internal bool Flag() => Integer() != 0;

    internal float Single()
    {
        Expect(FourBytes);
        return BinaryPrimitives.ReadSingleLittleEndian(Take(4));
    }

    internal ReadOnlySpan<byte> Bytes()
    {
        Expect(Block);
        int length = Length();
        BlockOffset = _offset + _at;
        return Take(length);
    }

    internal string Text()
    {
        ReadOnlySpan<byte> bytes = Bytes();
        return Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : throw Damaged("a text is no UTF-8");
    }

    readonly void Expect(int type)
    {
        if (_type != type)
        {
            throw Damaged($"the field {Field} is of another type");
        }
    }

    int Length() => Number() is var length && length <= (ulong)(_bytes.Length - _at) ? (int)length : throw Damaged("a field is longer than what is left");

    ReadOnlySpan<byte> Take(int length)
    {
        if (length > _bytes.Length - _at)
        {
            throw Damaged("the message ends within a field");
        }

        _at += length;
        return _bytes.Slice(_at - length, length);
    }

    ulong Number()
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            byte part = Take(1)[0];
            value |= (ulong)(part & 0x7F) << shift;
            if (part < 0x80)
            {
                return value;
            }
        }

        throw Damaged("a number has more than ten bytes");
    }

    readonly UserError Damaged(string what) => new($"{what}, which no SentencePiece model has", Where, "Download it again; it is damaged or another kind of file.");
}
