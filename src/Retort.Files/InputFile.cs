using Microsoft.Win32.SafeHandles;

namespace Retort.Files;

/// <summary>A plain file read at offsets; every failure is a <see cref="UserError"/> that names it.</summary>
public sealed class InputFile : IDisposable
{
    readonly SafeFileHandle _handle;

    InputFile(string path, SafeFileHandle handle, long length) => (Path, _handle, Length) = (path, handle, length);

    public string Path { get; }

    /// <summary>Bytes, when the file was opened.</summary>
    public long Length { get; }

    public static InputFile Open(string path)
    {
        SafeFileHandle? handle = null;
        try
        {
            handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
            InputFile file = new(path, handle, RandomAccess.GetLength(handle));
            handle = null;
            return file;
        }
        catch (Exception e) when (FileFault.Is(e))
        {
            throw FileFault.Reading(path, e);
        }
        finally
        {
            handle?.Dispose();
        }
    }

    /// <summary>Fills the span from the offset on.</summary>
    /// <exception cref="UserError">The file ends too early or cannot be read.</exception>
    public void Read(Span<byte> to, long offset)
    {
        try
        {
            while (to.Length > 0)
            {
                int read = RandomAccess.Read(_handle, to, offset);
                if (read == 0)
                {
                    throw new UserError($"The file ends at byte {offset}, {to.Length} bytes too early", Path, "Copy or download it again.");
                }

                to = to[read..];
                offset += read;
            }
        }
        catch (Exception e) when (FileFault.Is(e))
        {
            throw FileFault.Reading(Path, e);
        }
    }

    /// <summary>The whole file in memory.</summary>
    /// <exception cref="UserError">It is longer than <paramref name="limit"/> bytes or cannot be read.</exception>
    public static byte[] ReadAll(string path, int limit)
    {
        using InputFile file = Open(path);
        if (file.Length > limit)
        {
            throw new UserError($"The file has {file.Length} bytes, more than the {limit} such a file may have", path, "Check that this is the right file.");
        }

        byte[] bytes = new byte[file.Length];
        file.Read(bytes, 0);
        return bytes;
    }

    public void Dispose() => _handle.Dispose();
}
