namespace Retort.Guard.Answers;

/// <summary>
/// Finds the events of a stream of server-sent events (WHATWG HTML, 9.2) in bytes as they come. Lines end in CR LF or LF; comments and fields other than
/// <c>event</c> and <c>data</c> are passed over; several data lines are joined by LF.
/// </summary>
/// <param name="most">Bytes that an event may have.</param>
sealed class SseReader(int most) : IDisposable
{
    readonly PooledBytes _bytes = new();
    int _at;
    (int Start, int End) _data, _name;

    /// <summary>The last event's data.</summary>
    public ReadOnlyMemory<byte> Data => _bytes.Memory[_data.Start.._data.End];

    /// <summary>Its name; empty without one.</summary>
    public ReadOnlyMemory<byte> Name => _bytes.Memory[_name.Start.._name.End];

    /// <summary>Whether there are bytes that were not looked at yet.</summary>
    public bool HasMore => _at < _bytes.Length;

    /// <summary>Whether an event is longer than it may be.</summary>
    public bool IsTooLong => _bytes.Length - _at > most;

    /// <summary>Room for bytes to come. What was found before is gone.</summary>
    public Memory<byte> Room()
    {
        if (_at > 0)
        {
            _bytes.Drop(_at);
            (_at, _data, _name) = (0, default, default);
        }

        return _bytes.GetMemory(4096);
    }

    /// <summary>So many bytes were put into the room.</summary>
    public void Came(int count) => _bytes.Advance(count);

    /// <summary>Goes to the next event; false where it has not come whole yet.</summary>
    public bool Next()
    {
        ReadOnlySpan<byte> bytes = _bytes.Span;
        (_data, _name) = (default, default);
        int lines = 0, at = _at;
        while (bytes[at..].IndexOf((byte)'\n') is >= 0 and var length)
        {
            ReadOnlySpan<byte> line = bytes.Slice(at, length);
            int start = at;
            at += length + 1;
            if (line.EndsWith("\r"u8))
            {
                line = line[..^1];
            }

            if (line.IsEmpty)
            {
                if (lines > 1)
                {
                    Join(at);
                }

                _at = at;
                if (lines > 0)
                {
                    return true;
                }

                _name = default;
            }
            else if (line.StartsWith("data:"u8))
            {
                _data = lines++ == 0 ? Value(line, start, 5) : _data;
            }
            else if (line.StartsWith("event:"u8))
            {
                _name = Value(line, start, 6);
            }
        }

        return false;
    }

    public void Dispose() => _bytes.Dispose();

    static (int, int) Value(ReadOnlySpan<byte> line, int start, int name)
    {
        int skip = line.Length > name && line[name] == ' ' ? name + 1 : name;
        return (start + skip, start + line.Length);
    }

    /// <summary>Moves further data lines of an event that is whole behind the first.</summary>
    void Join(int end)
    {
        Span<byte> bytes = System.Runtime.InteropServices.MemoryMarshal.AsMemory(_bytes.Memory).Span;
        for (int at = _data.End + 1; bytes[at..end].IndexOf((byte)'\n') is >= 0 and var length; at += length + 1)
        {
            ReadOnlySpan<byte> line = bytes.Slice(at, length);
            line = line.EndsWith("\r"u8) ? line[..^1] : line;
            if (line.StartsWith("data:"u8))
            {
                (int from, int to) = Value(line, at, 5);
                bytes[_data.End] = (byte)'\n';
                bytes[from..to].CopyTo(bytes[(_data.End + 1)..]);
                _data.End += 1 + to - from;
            }
        }
    }
}
