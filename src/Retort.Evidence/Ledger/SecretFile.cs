namespace Retort.Evidence.Ledger;

/// <summary>A file that only its owner may read, from its first byte on.</summary>
static class SecretFile
{
    /// <exception cref="UserError">The file cannot be written.</exception>
    public static void Write(string path, ReadOnlyMemory<byte> content) => AtomicFile.Write(path, stream =>
    {
        if (!OperatingSystem.IsWindows() && stream is FileStream file)
        {
            File.SetUnixFileMode(file.SafeFileHandle, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        stream.Write(content.Span);
    });
}
