namespace Retort.Files;

/// <summary>A file that appears whole or not at all.</summary>
public static class AtomicFile
{
    /// <summary>What is added to a file's name while it is written.</summary>
    public const string Suffix = ".tmp";

    /// <summary>
    /// Writes to a temporary name in the same folder, flushes to the disk, then renames. Whatever <paramref name="write"/> throws leaves an
    /// existing file untouched and nothing new behind; only a killed process can leave the temporary file, and the next write replaces it.
    /// </summary>
    /// <param name="path">The final name, in a folder that exists.</param>
    /// <param name="write">Writes the content; may throw, for example when cancelled.</param>
    /// <exception cref="UserError">The disk is full, or the system refuses the file.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        string temporary = path + Suffix;
        bool written = false, mine = false;
        try
        {
            using (FileStream stream = new(temporary, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 1 << 16))
            {
                mine = true;
                write(stream);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
            written = true;
        }
        catch (Exception e) when (FileFault.Is(e))
        {
            throw FileFault.Writing(path, e);
        }
        finally
        {
            if (mine && !written)
            {
                File.Delete(temporary);
            }
        }
    }

    /// <summary>Writes a small file from memory.</summary>
    /// <exception cref="UserError">As for <see cref="Write"/>.</exception>
    public static void WriteAllBytes(string path, ReadOnlyMemory<byte> content) => Write(path, stream => stream.Write(content.Span));
}
