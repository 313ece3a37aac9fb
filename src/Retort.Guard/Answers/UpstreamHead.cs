using System.Buffers.Text;
using System.Text;

namespace Retort.Guard.Answers;

/// <summary>What of an upstream's status line and headers counts.</summary>
/// <param name="Length">Bytes of the body; null where it does not say.</param>
/// <param name="StaysOpen">Whether another request may follow on the connection.</param>
/// <param name="RetryAfter">In seconds, where it says.</param>
readonly record struct UpstreamHead(int Status, long? Length, bool IsChunked, bool StaysOpen, bool IsEventStream, long? RetryAfter)
{
    /// <summary>Reads lines, each with its CR LF.</summary>
    /// <exception cref="IOException">They are no head of an answer, or say two lengths.</exception>
    public static UpstreamHead Parse(ReadOnlySpan<byte> lines)
    {
        ReadOnlySpan<byte> first = Line(ref lines);
        if (first.Length < 12 || !first.StartsWith("HTTP/1."u8) || !Utf8Parser.TryParse(first[9..12], out int status, out int read) || read != 3 || status < 100)
        {
            throw new IOException("The answer does not begin as HTTP does.");
        }

        UpstreamHead head = new(status, null, false, first[7] == (byte)'1', false, null);
        while (!lines.IsEmpty)
        {
            ReadOnlySpan<byte> line = Line(ref lines);
            int colon = line.IndexOf((byte)':');
            if (colon <= 0 || line[0] is (byte)' ' or (byte)'\t')
            {
                throw new IOException("A header has no name.");
            }

            head = head.With(line[..colon], line[(colon + 1)..].Trim(" \t"u8));
        }

        // Who says both may be read in two ways.
        return head.IsChunked && head.Length is not null ? throw new IOException("The answer says two lengths.") : head;
    }

    UpstreamHead With(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (Ascii.EqualsIgnoreCase(name, "content-length"u8))
        {
            return !value.ContainsAnyExceptInRange((byte)'0', (byte)'9') && Utf8Parser.TryParse(value, out long length, out int read) && read == value.Length && (Length is null || Length == length) ? this with { Length = length } : throw new IOException("The answer says no length that is one.");
        }

        if (Ascii.EqualsIgnoreCase(name, "transfer-encoding"u8))
        {
            return Ascii.EqualsIgnoreCase(value, "chunked"u8) ? this with { IsChunked = true } : throw new IOException("The answer is encoded in a way nobody asked for.");
        }

        return Ascii.EqualsIgnoreCase(name, "connection"u8) && Ascii.EqualsIgnoreCase(value, "close"u8) ? this with { StaysOpen = false }
            : Ascii.EqualsIgnoreCase(name, "content-type"u8) ? this with { IsEventStream = value.Length >= 17 && Ascii.EqualsIgnoreCase(value[..17], "text/event-stream"u8) }
            : Ascii.EqualsIgnoreCase(name, "retry-after"u8) && Utf8Parser.TryParse(value, out uint after, out int digits) && digits == value.Length ? this with { RetryAfter = after }
            : this;
    }

    static ReadOnlySpan<byte> Line(ref ReadOnlySpan<byte> lines)
    {
        int end = lines.IndexOf("\r\n"u8);
        ReadOnlySpan<byte> line = lines[..end];
        lines = lines[(end + 2)..];
        return line;
    }
}
