using System.IO.MemoryMappedFiles;

namespace Retort.Guard.Limits;

/// <summary>
/// What a worker has used and not written to the store yet, in a file mapped into memory: a write is a few stores, and the system keeps them when the
/// process is killed. Whoever takes back a dead worker's share books from here what was used. 64 bytes a scope: its number plus one, then the amounts.
/// A failure of the machine itself may lose what was not written back, up to about one renewal.
/// </summary>
sealed class PendingFile : IDisposable
{
    const int EntryLongs = 8, EntryBytes = EntryLongs * sizeof(long), FirstEntries = 256;

    readonly FileStream _file;
    readonly Stack<int> _unused = new();
    MemoryMappedFile _map;
    MemoryMappedViewAccessor _view;
    int _entries, _taken;

    PendingFile(FileStream file)
    {
        _file = file;
        (_map, _view) = Grow();
    }

    public string Path => _file.Name;

    /// <summary>Begins an empty file.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public static PendingFile Create(string path) => new(new FileStream(path, FileMode.Create, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0));

    /// <summary>A place of its own for a scope.</summary>
    /// <exception cref="IOException">The file cannot grow; it is as it was.</exception>
    public int Take()
    {
        if (_unused.TryPop(out int place))
        {
            return place;
        }

        if (_taken == _entries)
        {
            (MemoryMappedFile map, MemoryMappedViewAccessor view) = Grow();
            Unmap();
            (_map, _view) = (map, view);
        }

        return _taken++;
    }

    /// <summary>Gives a place back that holds nothing.</summary>
    public void Free(int place) => _unused.Push(place);

    /// <param name="place">From <see cref="Take"/>; one below 0 is none, and nothing is written.</param>
    public void Write(int place, LimitScope scope, in Amounts pending)
    {
        if (place < 0)
        {
            return;
        }

        Span<long> entry = stackalloc long[EntryLongs];
        entry.Clear();
        entry[0] = scope.Value + 1;
        ((ReadOnlySpan<long>)pending).CopyTo(entry[1..]);
        _view.SafeMemoryMappedViewHandle.WriteSpan<long>((ulong)place * EntryBytes, entry);
    }

    /// <summary>What a worker left; null where there is no such file, or no whole one.</summary>
    public static Dictionary<LimitScope, Amounts>? Read(string path)
    {
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception e) when (FileFault.Is(e))
        {
            return null;
        }

        if (bytes.Length == 0 || bytes.Length % EntryBytes != 0)
        {
            return null;
        }

        Dictionary<LimitScope, Amounts> all = [];
        for (int at = 0; at < bytes.Length; at += EntryBytes)
        {
            ReadOnlySpan<long> entry = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, long>(bytes.AsSpan(at, EntryBytes));
            if (entry[0] == 0)
            {
                continue;
            }

            // A scope that was given up and came back may have left an empty entry at another place.
            LimitScope scope = LimitScope.Stored(entry[0] - 1);
            Amounts pending = all.GetValueOrDefault(scope);
            for (int q = 0; q < Amounts.Count; q++)
            {
                pending[q] = Math.Max(pending[q], entry[1 + q]);
            }

            all[scope] = pending;
        }

        return all;
    }

    public void Dispose()
    {
        Unmap();
        _file.Dispose();
    }

    /// <summary>Without waiting for the disk, as disposing the view alone would.</summary>
    void Unmap()
    {
        _view.SafeMemoryMappedViewHandle.Dispose();
        _view.Dispose();
        _map.Dispose();
    }

    (MemoryMappedFile, MemoryMappedViewAccessor) Grow()
    {
        // Zeros that are written, not a hole: memory of a hole on a full disk would end the process.
        int more = Math.Max(FirstEntries, _entries);
        _file.Seek((long)_entries * EntryBytes, SeekOrigin.Begin);
        _file.Write(new byte[more * EntryBytes]);
        _file.Flush();
        MemoryMappedFile map = MemoryMappedFile.CreateFromFile(_file, null, 0, MemoryMappedFileAccess.ReadWrite, HandleInheritability.None, leaveOpen: true);
        MemoryMappedViewAccessor view = map.CreateViewAccessor();
        _entries += more;
        return (map, view);
    }
}
