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

    /// <summary>The hashes of a tile.</summary>
    /// <exception cref="UserError">There is no such tile, or it has not the size it must have.</exception>
    public Digest[] Hashes(TilePath tile)
    {
        string path = PathOf(tile);
        byte[] bytes = InputFile.ReadAll(path, TilePath.Full * Digest.Length);
        if (bytes.Length != tile.Width * Digest.Length)
        {
            throw new UserError($"The tile has {bytes.Length} bytes, not {tile.Width * Digest.Length}", path, "It is damaged: fetch it again, or run the audit.");
        }

        Digest[] hashes = new Digest[tile.Width];
        for (int i = 0; i < hashes.Length; i++)
        {
            hashes[i] = new(bytes.AsSpan(i * Digest.Length, Digest.Length));
        }

        return hashes;
    }

    /// <summary>The bytes of a bundle of entries.</summary>
    /// <exception cref="UserError">There is no such bundle.</exception>
    public byte[] Bundle(TilePath bundle) => InputFile.ReadAll(PathOf(bundle), EntryBundle.MostBytes);

    /// <summary>The entries of a bundle.</summary>
    /// <exception cref="UserError">There is no such bundle, or it holds not what it must hold.</exception>
    public IReadOnlyList<ReadOnlyMemory<byte>> Entries(TilePath bundle) => EntryBundle.Parse(Bundle(bundle), bundle.Width, PathOf(bundle));

    /// <summary>The file to read a tile from: itself, or where a partial one is gone because it was filled, the full one that begins with it.</summary>
    public TilePath OnDisk(TilePath tile)
    {
        TilePath full = tile with { Width = TilePath.Full };
        return tile.Width < TilePath.Full && !File.Exists(PathOf(tile)) && File.Exists(PathOf(full)) ? full : tile;
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
}
