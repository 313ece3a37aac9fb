using System.IO.MemoryMappedFiles;
using Retort.Kernels;

namespace Retort.Model.Files;

/// <summary>A file's bytes as memory that the system reads when they are touched and drops when it needs room.</summary>
static class MappedFile
{
    /// <summary>Maps a whole file for reading.</summary>
    /// <exception cref="UserError">It cannot be opened, or is empty.</exception>
    public static ByteBuffer Open(string path)
    {
        MemoryMappedFile? file = null;
        MemoryMappedViewAccessor? view = null;
        try
        {
            long length = new FileInfo(path).Length;
            if (length == 0)
            {
                throw new UserError("The file is empty", path, "Copy or download it again.");
            }

            file = MemoryMappedFile.CreateFromFile(path, FileMode.Open, mapName: null, capacity: 0, MemoryMappedFileAccess.Read);
            view = file.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
            ByteBuffer bytes = new(view.SafeMemoryMappedViewHandle.DangerousGetHandle() + (nint)view.PointerOffset, length, new Mapping(file, view));
            (file, view) = (null, null);
            return bytes;
        }
        catch (Exception e) when (FileFault.Is(e))
        {
            throw FileFault.Reading(path, e);
        }
        finally
        {
            view?.Dispose();
            file?.Dispose();
        }
    }

    sealed class Mapping(MemoryMappedFile file, MemoryMappedViewAccessor view) : IDisposable
    {
        public void Dispose()
        {
            view.Dispose();
            file.Dispose();
        }
    }
}
