using Retort.Evidence.Ledger;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Evidence.Ledger;

public sealed class LedgerAuditTests : IDisposable
{
    readonly Scratch _scratch = new();
    readonly LedgerKey _key = LedgerKey.Make("example.com/ledger");
    readonly LedgerKey _witness = LedgerKey.Make("witness.example");

    public void Dispose()
    {
        _witness.Dispose();
        _key.Dispose();
        _scratch.Dispose();
    }

    /// <summary>Partial and full tiles of two levels, partial ones of an earlier checkpoint, and a witness.</summary>
    Checkpoint Make()
    {
        Logs.Publish(_scratch.Folder, _key, 260, 300);
        using TileLog log = TileLog.Open(_scratch.Folder, _key);
        log.Keep(log.Published.Cosign(_witness));
        return log.Published;
    }

    [Fact]
    public void EveryChangedByteOfEveryFileIsFoundAndNamed()
    {
        Make();
        string[] files = Logs.Files(_scratch.Folder);
        Assert.Equal(8, files.Length);
        int changes = 0;
        foreach (string name in files)
        {
            byte[] good = File.ReadAllBytes(_scratch[name]);
            using FileStream file = new(_scratch[name], FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
            for (int at = 0; at < good.Length; at++, changes++)
            {
                RandomAccess.Write(file.SafeFileHandle, [(byte)(good[at] ^ (1 << (at % 8)))], at);
                LedgerAuditReport report = LedgerAudit.Run(_scratch.Folder, _key.Public, null, _witness.Public);
                LedgerFinding finding = Assert.Single(report.Findings);
                Assert.True(finding.File == name, $"{name} at {at}: {finding}");
                if (Place(name, at, good) is { } entry)
                {
                    Assert.True(finding.Entry == entry, $"{name} at {at} is entry {entry}: {finding}");
                }

                RandomAccess.Write(file.SafeFileHandle, good.AsSpan(at, 1), at);
            }
        }

        Assert.True(LedgerAudit.Run(_scratch.Folder, _key.Public, null, _witness.Public).Holds);
        Assert.InRange(changes, 10_000, 40_000);
    }

    /// <summary>The first entry that a byte of a file concerns; of a length that is wrong, later entries are wrong too.</summary>
    static long? Place(string name, int at, byte[] content)
    {
        if (!TilePath.TryParse(name, out TilePath tile))
        {
            return null;
        }

        long entry = tile.Index * 256;
        if (tile.Level >= 0)
        {
            return (entry + (at / 32)) << (8 * tile.Level);
        }

        for (int start = 0; ; entry++)
        {
            start += 2 + (content[start] << 8) + content[start + 1];
            if (at < start)
            {
                return entry;
            }
        }
    }

    [Fact]
    public void MissingTruncatedAndForeignFilesAreNamed()
    {
        Make();
        foreach (string name in Logs.Files(_scratch.Folder).Where(f => f is not ("tile/0/001.p/4" or "tile/entries/001.p/4")))
        {
            byte[] good = File.ReadAllBytes(_scratch[name]);
            File.Delete(_scratch[name]);
            Assert.Equal(name, Assert.Single(Run().Findings).File);
            File.WriteAllBytes(_scratch[name], good[..^1]);
            Assert.Equal(name, Assert.Single(Run().Findings).File);
            File.WriteAllBytes(_scratch[name], [.. good, 0]);
            Assert.Equal(name, Assert.Single(Run().Findings).File);
            File.WriteAllBytes(_scratch[name], good);
        }

        _scratch.Write("note.txt", "hello");
        Assert.Equal("note.txt", Assert.Single(Run().Findings).File);
    }

    [Fact]
    public void SeveralChangesAreAllNamed()
    {
        Make();
        foreach (string name in new[] { "tile/entries/000", "tile/0/001.p/44" })
        {
            byte[] bytes = File.ReadAllBytes(_scratch[name]);
            bytes[3] ^= 1;
            File.WriteAllBytes(_scratch[name], bytes);
        }

        Assert.Equal(["tile/0/001.p/44", "tile/entries/000"], Run().Findings.Select(f => f.File).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void AnEntryChangedInAllTilesIsStillNotWhatWasSigned()
    {
        Checkpoint signed = Make();
        string other = _scratch["other"];
        using (TileLog log = TileLog.Open(other, _key))
        {
            log.AppendAll(Enumerable.Range(0, 300).Select(i => (ReadOnlyMemory<byte>)(i == 77 ? "forged"u8.ToArray() : Logs.Entry(i))));
            log.Publish(_key);
        }

        // The key's owner can do this; whoever kept a checkpoint notices.
        Assert.True(LedgerAudit.Run(other, _key.Public).Holds);
        Assert.Contains("written anew", Assert.Single(LedgerAudit.Run(other, _key.Public, signed).Findings).What, StringComparison.Ordinal);
        File.WriteAllBytes(Path.Combine(other, "checkpoint"), signed.ToBytes());
        Assert.Equal("checkpoint", Assert.Single(LedgerAudit.Run(other, _key.Public).Findings).File);
    }

    [Fact]
    public void ARemovedTailIsFoundByALaterCheckpoint()
    {
        string now = _scratch["now"], later = _scratch["later"];
        Logs.Publish(now, _key, 250);
        Logs.Copy(now, later);
        Checkpoint known = Logs.Publish(later, _key, 700);
        Assert.True(LedgerAudit.Run(now, _key.Public).Holds);
        LedgerFinding finding = Assert.Single(LedgerAudit.Run(now, _key.Public, known).Findings);
        Assert.Equal(("checkpoint", 250), (finding.File, finding.Entry));

        // An older checkpoint put back over the files it knows nothing of.
        Logs.CopyFile(now, later, "checkpoint");
        Assert.Contains("tile/entries/001", LedgerAudit.Run(later, _key.Public).Unpublished);
    }

    [Fact]
    public void AKnownCheckpointOfSomebodyElseProvesNothing()
    {
        Make();
        Checkpoint other = Checkpoint.Sign(_witness, 3, MerkleTree.Empty);
        Assert.Equal(LedgerFinding.KnownCheckpoint, Assert.Single(LedgerAudit.Run(_scratch.Folder, _key.Public, other).Findings).File);
    }

    [Fact]
    public void ASignedSizeWithoutFilesIsNotBelievedToBeThere()
    {
        Make();
        File.WriteAllBytes(_scratch["checkpoint"], Checkpoint.Sign(_key, long.MaxValue, MerkleTree.Empty).ToBytes());
        LedgerFinding finding = Assert.Single(Run().Findings);
        Assert.Equal(("checkpoint", 300), (finding.File, finding.Entry));
    }

    [Fact]
    public void AnEmptyLogHolds()
    {
        TileLog.Open(_scratch.Folder, _key).Dispose();
        Assert.True(Run().Holds);
        Assert.Throws<UserError>(() => LedgerAudit.Run(_scratch["none"], _key.Public));
    }

    LedgerAuditReport Run() => LedgerAudit.Run(_scratch.Folder, _key.Public);
}
