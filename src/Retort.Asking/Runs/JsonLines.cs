namespace Retort.Asking.Runs;

/// <summary>The lines of a file, one at a time and as bytes: a text reader would take some bytes for others.</summary>
static class JsonLines
{
    /// <summary>Each line without its newline; what follows the last newline is a line too, unless it is empty.</summary>
    /// <exception cref="UserError">The file cannot be read, or a line is absurdly long.</exception>
    public static IEnumerable<ReadOnlyMemory<byte>> Read(string path)
    {
        using InputFile file = InputFile.Open(path);
        byte[] buffer = new byte[1 << 16];
        int held = 0;
        for (long at = 0; at < file.Length || held > 0;)
        {
            int end = buffer.AsSpan(0, held).IndexOf((byte)'\n');
            if (end < 0 && at < file.Length)
            {
                if (held == buffer.Length)
                {
                    Array.Resize(ref buffer, checked(buffer.Length * 2));
                }

                int read = (int)Math.Min(buffer.Length - held, file.Length - at);
                file.Read(buffer.AsSpan(held, read), at);
                (held, at) = (held + read, at + read);
                continue;
            }

            int length = end < 0 ? held : end, next = end < 0 ? held : end + 1;
            yield return buffer.AsMemory(0, length);
            buffer.AsSpan(next, held - next).CopyTo(buffer);
            held -= next;
        }
    }
}
