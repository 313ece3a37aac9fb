namespace Retort.Evidence.Ledger;

/// <summary>The files of a log's folder, read one by one.</summary>
sealed class TileFiles(string folder)
{
    public const string CheckpointName = "checkpoint";

    /// <summary>Held by the one process that writes; of no length.</summary>
    public const string LockName = "lock";

    public string Folder { get; } = folder;

    public string PathOf(string relative) => Path.Combine(Folder, relative.Replace('/', Path.DirectorySeparatorChar));

    public string PathOf(TilePath tile) => PathOf(tile.ToString());

    public Checkpoint Checkpoint() => Ledger.Checkpoint.Read(PathOf(CheckpointName));

    /// <summary>The hashes of a tile. A partial one that is gone is read as the beginning of the full one.</summary>
    /// <exception cref="UserError">There is no such tile, or it has not the size it must have.</exception>
    public Digest[] Hashes(TilePath tile)
    {
        TilePath at = OnDisk(tile);
        string path = PathOf(at);
        byte[] bytes = InputFile.ReadAll(path, TilePath.Full * Digest.Length);
        if (bytes.Length != at.Width * Digest.Length)
        {
            throw new UserError($"The tile has {bytes.Length} bytes, not {at.Width * Digest.Length}", path, "It is damaged: fetch it again, or run the audit.");
        }

        Digest[] hashes = new Digest[tile.Width];
        for (int i = 0; i < hashes.Length; i++)
        {
            hashes[i] = new(bytes.AsSpan(i * Digest.Length, Digest.Length));
        }

        return hashes;
    }

    /// <summary>The entries of a bundle; as <see cref="Hashes"/> for partial ones.</summary>
    /// <exception cref="UserError">There is no such bundle, or it holds not what it must hold.</exception>
    public IReadOnlyList<ReadOnlyMemory<byte>> Entries(long index, int width)
    {
        TilePath at = OnDisk(new(TilePath.Entries, index, width));
        string path = PathOf(at);
        IReadOnlyList<ReadOnlyMemory<byte>> entries = EntryBundle.Parse(InputFile.ReadAll(path, EntryBundle.MostBytes), at.Width, path);
        return width == at.Width ? entries : [.. entries.Take(width)];
    }

    /// <summary>Every file below the folder, relative, with '/', in ordinal order.</summary>
    public IReadOnlyList<string> All()
    {
        try
        {
            return [.. Directory.EnumerateFiles(Folder, "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(Folder, f).Replace('\\', '/')).Order(StringComparer.Ordinal)];
        }
        catch (Exception e) when (FileFault.Is(e))
        {
            throw FileFault.Reading(Folder, e);
        }
    }

    TilePath OnDisk(TilePath tile)
    {
        TilePath full = tile with { Width = TilePath.Full };
        return tile.Width < TilePath.Full && !File.Exists(PathOf(tile)) && File.Exists(PathOf(full)) ? full : tile;
    }
}
