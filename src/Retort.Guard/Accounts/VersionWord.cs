using System.IO.MemoryMappedFiles;

namespace Retort.Guard.Accounts;

/// <summary>
/// A number in a file mapped into memory by all who hold the store open, raised after each change. Reading it is a read of memory, so every request can ask
/// whether anything changed. Not the truth, only a bell: a writer killed before it rang is noticed by SQLite's own count of changes.
/// </summary>
sealed class VersionWord : IDisposable
{
    const int Bytes = 4096;

    readonly MemoryMappedFile _map;
    readonly MemoryMappedViewAccessor _view;

    VersionWord(MemoryMappedFile map) => (_map, _view) = (map, map.CreateViewAccessor());

    /// <exception cref="UserError">The file cannot be opened or made.</exception>
    public static VersionWord Open(string path)
    {
        try
        {
            FileStream file = new(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            if (file.Length < Bytes)
            {
                file.Write(new byte[Bytes]);
                file.Flush();
            }

            return new(MemoryMappedFile.CreateFromFile(file, null, 0, MemoryMappedFileAccess.ReadWrite, HandleInheritability.None, leaveOpen: false));
        }
        catch (Exception e) when (FileFault.Is(e))
        {
            throw FileFault.Writing(path, e);
        }
    }

    public long Current => _view.ReadInt64(0);

    /// <summary>Called by whoever has just committed a change, with its number: no two are the same.</summary>
    public void Raise(long change) => _view.Write(0, change);

    public void Dispose()
    {
        _view.Dispose();
        _map.Dispose();
    }
}
