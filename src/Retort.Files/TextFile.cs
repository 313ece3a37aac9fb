using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace Retort.Files;

/// <summary>Text from outside. What is not UTF-8 is refused rather than read as replacement characters, which would train or score like any text.</summary>
public static class TextFile
{
    /// <summary>The whole text, without a byte order mark.</summary>
    /// <param name="limit">Most bytes.</param>
    /// <exception cref="UserError">It cannot be read, is too long, or is not UTF-8.</exception>
    public static string Read(string path, int limit = int.MaxValue - 1024)
    {
        ReadOnlySpan<byte> bytes = Bytes(path, limit);
        if (bytes.StartsWith("\uFEFF"u8))
        {
            bytes = bytes[3..];
        }

        if (Utf8.IsValid(bytes))
        {
            return Encoding.UTF8.GetString(bytes);
        }

        int line = 1 + bytes[..FirstFault(bytes)].Count((byte)'\n');
        throw new UserError("The text is not UTF-8", $"{path}, line {line}", "Save it as UTF-8, or check that this is the right file.");
    }

    /// <summary>Read as a stream, so that a pipe will do.</summary>
    static ReadOnlySpan<byte> Bytes(string path, int limit)
    {
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 1);
            using MemoryStream all = new(file.CanSeek ? (int)Math.Min(file.Length, limit) : 0);
            byte[] part = new byte[1 << 16];
            for (int read; (read = file.Read(part)) > 0;)
            {
                if (all.Length + read > limit)
                {
                    throw new UserError($"The file has more than the {limit} bytes such a file may have", path, "Check that this is the right file.");
                }

                all.Write(part.AsSpan(0, read));
            }

            return all.GetBuffer().AsSpan(0, (int)all.Length);
        }
        catch (Exception e) when (FileFault.Is(e))
        {
            throw FileFault.Reading(path, e);
        }
    }

    static int FirstFault(ReadOnlySpan<byte> bytes)
    {
        int at = 0;
        while (Rune.DecodeFromUtf8(bytes[at..], out _, out int length) == OperationStatus.Done)
        {
            at += length;
        }

        return at;
    }
}
