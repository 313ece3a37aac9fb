namespace Retort.Evidence.Ledger;

/// <summary>
/// An append-only log as static files in a folder, c2sp.org/tlog-tiles: <c>checkpoint</c>, <c>tile/L/N</c> with 256 hashes each and
/// <c>tile/entries/N</c> with 256 entries each, partial ones beside them until they are full.
/// <code>
/// using LedgerKey key = LedgerKey.Read("ledger.key", "example.com/ledger");
/// using TileLog log = TileLog.Open("run/ledger", key);
/// log.Append(leaf);
/// Checkpoint checkpoint = log.Publish(key);
/// LedgerProof proof = TileReader.Open("run/ledger", key.Public).Prove(0);
/// LedgerVerdict verdict = proof.Verify(leaf, key.Public);
/// </code>
/// Entries are written first, then tiles, then the checkpoint, each file whole or not at all and none that a published checkpoint needs ever
/// changed: a process killed at any moment leaves the last checkpoint valid. What it left beyond it is removed by the next one that
/// appends, so entries count only once they are published. Memory does not grow with the log.
/// </summary>
public sealed class TileLog : IDisposable
{
    readonly TileFiles _files;
    readonly LedgerPublicKey _key;
    readonly FileStream _lock;

    /// <summary>Of each level, the hashes that do not fill a tile yet; and the entries that do not fill a bundle.</summary>
    readonly List<List<Digest>> _open = [];
    readonly MemoryStream _bundle = new();

    bool _isClean, _isBroken;

    TileLog(TileFiles files, LedgerPublicKey key, FileStream hold, Checkpoint published)
    {
        (_files, _key, _lock, Published, Size) = (files, key, hold, published, published.Size);
        for (int level = 0; level < TilePath.Levels(Size); level++)
        {
            TilePath last = TilePath.Of(level, TilePath.Count(level, Size) / TilePath.Full, Size);
            _open.Add(last.Width == 0 ? [] : [.. files.Hashes(last)]);
        }

        TilePath bundle = TilePath.Of(TilePath.Entries, Size / TilePath.Full, Size);
        foreach (ReadOnlyMemory<byte> entry in bundle.Width == 0 ? [] : files.Entries(bundle))
        {
            EntryBundle.Add(_bundle, entry.Span);
        }

        if (TileFrontier.Root(_open) != published.Root)
        {
            throw new UserError("The last tiles do not give the signed root", files.Folder, "A file of the log was changed; the audit names it.");
        }
    }

    /// <summary>The last published checkpoint; of a new log, an empty one.</summary>
    public Checkpoint Published { get; private set; }

    /// <summary>Entries, those not yet published among them.</summary>
    public long Size { get; private set; }

    /// <summary>Opens the log in a folder for appending, or begins one with a checkpoint of no entries.</summary>
    /// <param name="known">A checkpoint of this log kept elsewhere, best the last one: whoever puts an older folder back would otherwise have
    /// the owner sign a second history.</param>
    /// <exception cref="UserError">It belongs to another key, is damaged, lacks its checkpoint or what the known one has, or another process is
    /// writing to it.</exception>
    public static TileLog Open(string folder, LedgerKey key, Checkpoint? known = null)
    {
        TileFiles files = new(folder);
        FileStream? hold = Hold(files);
        try
        {
            string path = files.PathOf(TileFiles.CheckpointName);
            if (!File.Exists(path))
            {
                if (Directory.Exists(files.PathOf("tile")))
                {
                    throw new UserError("There are tiles and no checkpoint", folder, "Put the last checkpoint back, or begin the log in another folder.");
                }

                AtomicFile.WriteAllBytes(path, Checkpoint.Sign(key, 0, MerkleTree.Empty).ToBytes());
            }

            TileReader reader = TileReader.Open(folder, key.Public);
            if (known is not null && (known.Verify(key.Public) != LedgerVerdict.Holds || known.Size > reader.Checkpoint.Size || reader.Root(known.Size) != known.Root))
            {
                throw new UserError($"The log has {reader.Checkpoint.Size} entries and does not go on from the known checkpoint of {known.Size}", folder, "Put the whole log back; the audit says what is missing.");
            }

            TileLog log = new(files, key.Public, hold, reader.Checkpoint);
            hold = null;
            return log;
        }
        finally
        {
            hold?.Dispose();
        }
    }

    /// <summary>Adds one entry and returns its index. It counts once it is published.</summary>
    /// <param name="entry">At most 65,535 bytes.</param>
    /// <exception cref="UserError">A full bundle or tile cannot be written; the log must then be opened again.</exception>
    public long Append(ReadOnlySpan<byte> entry)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(entry.Length, EntryBundle.MostEntryBytes);
        Begin();
        EntryBundle.Add(_bundle, entry);
        Size++;
        Add(0, MerkleTree.Leaf(entry));
        _isBroken = false;
        return Size - 1;
    }

    /// <summary>Adds entries in order.</summary>
    /// <exception cref="UserError">As for one.</exception>
    public void AppendAll(IEnumerable<ReadOnlyMemory<byte>> entries)
    {
        foreach (ReadOnlyMemory<byte> entry in entries)
        {
            Append(entry.Span);
        }
    }

    /// <summary>Makes what was appended part of the log: signs the new tree head and writes it last. Without new entries the last checkpoint stands.</summary>
    /// <param name="key">The key the log was opened with.</param>
    /// <param name="extensions">Lines for the checkpoint, each in one line and not empty.</param>
    /// <exception cref="UserError">A file cannot be written; the log must then be opened again.</exception>
    public Checkpoint Publish(LedgerKey key, params IReadOnlyList<string> extensions)
    {
        if (key.Public.Fingerprint != _key.Fingerprint || key.Name != _key.Name)
        {
            throw new ArgumentException($"The log was opened with {_key}, not {key}.", nameof(key));
        }

        if (Size == Published.Size)
        {
            return Published;
        }

        Checkpoint next = Checkpoint.Sign(key, Size, TileFrontier.Root(_open), extensions);
        Begin();
        if (_bundle.Length > 0)
        {
            WriteBundle();
        }

        for (int level = 0; level < _open.Count; level++)
        {
            // A tile that has not grown since the last checkpoint is there.
            if (_open[level].Count > 0 && TilePath.Count(level, Size) != TilePath.Count(level, Published.Size))
            {
                WriteTile(level);
            }
        }

        AtomicFile.WriteAllBytes(_files.PathOf(TileFiles.CheckpointName), next.ToBytes());
        long before = Published.Size;
        Published = next;
        RemovePartials(before);
        _isBroken = false;
        return next;
    }

    /// <summary>Keeps a checkpoint that witnesses have signed too in place of the last published one, whose text it has.</summary>
    /// <exception cref="UserError">The file cannot be written.</exception>
    public void Keep(Checkpoint cosigned)
    {
        if (cosigned.Note.Text != Published.Note.Text || cosigned.Verify(_key) != LedgerVerdict.Holds)
        {
            throw new ArgumentException("This is not the last published checkpoint.", nameof(cosigned));
        }

        AtomicFile.WriteAllBytes(_files.PathOf(TileFiles.CheckpointName), cosigned.ToBytes());
        Published = cosigned;
    }

    /// <summary>Lets another process write. What was not published is lost.</summary>
    public void Dispose() => _lock.Dispose();

    /// <summary>Whether another process, or another log of this one, is writing to the log in a folder.</summary>
    public static bool IsHeld(string folder)
    {
        string path = Path.Combine(folder, TileFiles.LockName);
        if (!File.Exists(path))
        {
            return false;
        }

        try
        {
            using FileStream hold = new(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None, bufferSize: 1);
            return false;
        }
        catch (FileNotFoundException)
        {
            return false;
        }
        catch (IOException)
        {
            return true;
        }
    }

    internal static FileStream Hold(TileFiles files)
    {
        string path = files.PathOf(TileFiles.LockName);
        try
        {
            Directory.CreateDirectory(files.Folder);
            return new(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 1, FileOptions.DeleteOnClose);
        }
        catch (IOException) when (File.Exists(path))
        {
            throw new UserError("Another process is writing to this log", files.Folder, "Wait until it has ended.");
        }
        catch (Exception e) when (FileFault.Is(e))
        {
            throw FileFault.Writing(path, e);
        }
    }

    /// <summary>Before anything is written: what a process left beyond its last checkpoint goes away. Until the end of the change nothing else may begin.</summary>
    void Begin()
    {
        if (_isBroken)
        {
            throw new InvalidOperationException("Writing failed before; open the log again.");
        }

        _isBroken = true;
        if (!_isClean)
        {
            foreach (string file in _files.All())
            {
                if (file.EndsWith(AtomicFile.Suffix, StringComparison.Ordinal) || (TilePath.TryParse(file, out TilePath tile) && !tile.IsWithin(Published.Size)))
                {
                    Remove(() => File.Delete(_files.PathOf(file)), file);
                }
            }

            _isClean = true;
        }
    }

    /// <summary>Adds a hash to a level; a tile that it fills is written and becomes a hash of the next level.</summary>
    void Add(int level, Digest hash)
    {
        if (level == _open.Count)
        {
            _open.Add(new(TilePath.Full));
        }

        List<Digest> hashes = _open[level];
        hashes.Add(hash);
        if (hashes.Count < TilePath.Full)
        {
            return;
        }

        if (level == 0)
        {
            WriteBundle();
            _bundle.SetLength(0);
        }

        WriteTile(level);
        Digest[] full = [.. hashes];
        hashes.Clear();
        Add(level + 1, MerkleTree.Root(full));
    }

    void WriteBundle() => Write(new(TilePath.Entries, (Size - 1) / TilePath.Full, _open[0].Count), _bundle.GetBuffer().AsMemory(0, (int)_bundle.Length));

    void WriteTile(int level)
    {
        List<Digest> hashes = _open[level];
        byte[] bytes = new byte[hashes.Count * Digest.Length];
        for (int i = 0; i < hashes.Count; i++)
        {
            hashes[i].CopyTo(bytes.AsSpan(i * Digest.Length));
        }

        Write(new(level, (TilePath.Count(level, Size) - 1) / TilePath.Full, hashes.Count), bytes);
    }

    void Write(TilePath tile, ReadOnlyMemory<byte> content)
    {
        string path = _files.PathOf(tile);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        }
        catch (Exception e) when (FileFault.Is(e))
        {
            throw FileFault.Writing(path, e);
        }

        AtomicFile.WriteAllBytes(path, content);
    }

    /// <summary>Partial tiles go once the full one is published.</summary>
    void RemovePartials(long before)
    {
        for (int level = TilePath.Entries; level < TilePath.Levels(before); level++)
        {
            TilePath full = new(level, TilePath.Count(level, before) / TilePath.Full, TilePath.Full);
            string folder = _files.PathOf(full.PartialFolder);
            if (full.IsWithin(Size) && Directory.Exists(folder))
            {
                Remove(() => Directory.Delete(folder, recursive: true), folder);
            }
        }
    }

    static void Remove(Action remove, string path)
    {
        try
        {
            remove();
        }
        catch (Exception e) when (FileFault.Is(e))
        {
            throw FileFault.Writing(path, e);
        }
    }
}
