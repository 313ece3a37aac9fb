using Retort.Evidence.Ledger;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Evidence.Ledger;

public sealed class TileLogTests : IDisposable
{
    readonly Scratch _scratch = new();
    readonly LedgerKey _key = LedgerKey.Make("example.com/ledger");

    public void Dispose()
    {
        _key.Dispose();
        _scratch.Dispose();
    }

    [Fact]
    public void FromTopToBottom()
    {
        string folder = _scratch["ledger"];
        byte[] leaf = CanonicalJson.Write(new System.Text.Json.Nodes.JsonObject { ["row"] = 0 });
        using (TileLog log = TileLog.Open(folder, _key))
        {
            Assert.Equal(0, log.Append(leaf));
            Assert.Equal(1, log.Append("another"u8));
            Assert.Equal(2, log.Publish(_key).Size);
        }

        LedgerProof proof = TileReader.Open(folder, _key.Public).Prove(0);
        Assert.Equal(LedgerVerdict.Holds, proof.Verify(leaf, _key.Public));
        Assert.Equal(LedgerVerdict.NotIncluded, proof.Verify("another"u8, _key.Public));
        Assert.True(LedgerAudit.Run(folder, _key.Public).Holds);
    }

    [Theory]
    [InlineData(1, "tile/0/000.p/1 tile/entries/000.p/1")]
    [InlineData(255, "tile/0/000.p/255 tile/entries/000.p/255")]
    [InlineData(256, "tile/0/000 tile/1/000.p/1 tile/entries/000")]
    [InlineData(700, "tile/0/000 tile/0/001 tile/0/002.p/188 tile/1/000.p/2 tile/entries/000 tile/entries/001 tile/entries/002.p/188")]
    public void FilesAreThoseOfTheSpecification(int size, string files)
    {
        Checkpoint checkpoint = Logs.Publish(_scratch.Folder, _key, size);
        Assert.Equal($"checkpoint {files}", string.Join(' ', Logs.Files(_scratch.Folder)));
        Assert.Equal((size, Logs.Root(size)), (checkpoint.Size, checkpoint.Root));
        Assert.Equal(size * 32, Logs.Files(_scratch.Folder).Where(f => f.StartsWith("tile/0/", StringComparison.Ordinal)).Sum(f => new FileInfo(_scratch[f]).Length));
    }

    [Fact]
    public void TheSecondLevelBeginsAt65536()
    {
        Checkpoint checkpoint = Logs.Publish(_scratch.Folder, _key, 70_000);
        Assert.Equal(Logs.Root(70_000), checkpoint.Root);
        string[] upper = [.. Logs.Files(_scratch.Folder).Where(f => f.StartsWith("tile/1", StringComparison.Ordinal) || f.StartsWith("tile/2", StringComparison.Ordinal))];
        Assert.Equal(["tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"], upper);
        Assert.True(File.Exists(_scratch["tile/0/273.p/112"]));
        TileReader reader = TileReader.Open(_scratch.Folder, _key.Public);
        foreach (int index in new[] { 0, 255, 256, 65_535, 65_536, 69_999 })
        {
            Assert.Equal(Logs.Entry(index), reader.Entry(index).ToArray());
            Assert.Equal(LedgerVerdict.Holds, reader.Prove(index).Verify(Logs.Entry(index), _key.Public));
        }
    }

    [Fact]
    public void SmallStepsAndReopeningGiveTheSameRootsAndProofs()
    {
        int[] sizes = [1, 2, 3, 200, 256, 257, 300, 511, 512, 600];
        List<Checkpoint> checkpoints = [.. sizes.Select(size => Logs.Publish(_scratch.Folder, _key, size))];
        TileReader reader = TileReader.Open(_scratch.Folder, _key.Public);
        foreach (Checkpoint earlier in checkpoints)
        {
            Assert.Equal(Logs.Root((int)earlier.Size), earlier.Root);
            Assert.Equal(earlier.Root, reader.Root(earlier.Size));
            Assert.True(MerkleProof.IsConsistent(earlier.Size, earlier.Root, reader.Checkpoint.Size, reader.Checkpoint.Root, reader.ProveConsistency(earlier.Size)));
            TileReader then = TileReader.At(_scratch.Folder, earlier, _key.Public);
            Assert.Equal(LedgerVerdict.Holds, then.Prove(earlier.Size - 1).Verify(Logs.Entry((int)earlier.Size - 1), _key.Public));
            Assert.True(LedgerAudit.Run(_scratch.Folder, _key.Public, earlier).Holds);
        }

        Assert.Equal(Enumerable.Range(0, 600).Select(Logs.Entry), reader.Entries().Select(e => e.ToArray()));
        Assert.Equal(["tile/0/002.p/88"], Logs.Files(_scratch.Folder).Where(f => f.StartsWith("tile/0/", StringComparison.Ordinal) && f.Contains(".p/", StringComparison.Ordinal)));
    }

    /// <summary>Any part of what a publication writes before its checkpoint, and a file cut off in the middle: the last checkpoint is valid,
    /// and the next process goes on with other entries.</summary>
    [Fact]
    public void AKillAtAnyMomentLeavesTheLastCheckpoint()
    {
        string before = _scratch["before"], after = _scratch["after"];
        Logs.Publish(before, _key, 100, 250);
        Logs.Copy(before, after);
        Checkpoint last = Logs.Publish(after, _key, 900);
        string[] written = [.. Logs.Files(after).Except(Logs.Files(before))];
        Random random = new(7);
        for (int run = 0; run < 30; run++)
        {
            string folder = _scratch[$"run{run}"];
            Logs.Copy(before, folder);
            foreach (string file in written.Where(_ => random.Next(2) == 0))
            {
                Logs.CopyFile(after, folder, file);
            }

            string half = Path.Combine(folder, (run % 2 == 0 ? "checkpoint" : "tile/0/000.p/100") + AtomicFile.Suffix);
            File.WriteAllText(half, "half");
            LedgerAuditReport report = LedgerAudit.Run(folder, _key.Public);
            Assert.Equal((250, 0), (report.Size, report.Findings.Count));
            Assert.NotEmpty(report.Unpublished);
            Assert.NotEmpty(LedgerAudit.Run(folder, _key.Public, last).Findings);
            using (TileLog log = TileLog.Open(folder, _key))
            {
                int other = random.Next(1, 900);
                log.AppendAll(Enumerable.Range(0, other).Select(i => (ReadOnlyMemory<byte>)new byte[] { 1, (byte)i, (byte)run }));
                Assert.Equal(250 + other, log.Publish(_key).Size);
            }

            report = LedgerAudit.Run(folder, _key.Public);
            Assert.Empty(report.Findings);
            Assert.Empty(report.Unpublished);
        }
    }

    [Fact]
    public void PartialTilesLeftBesideFullOnesAreRight()
    {
        string folder = _scratch["log"], kept = _scratch["kept"];
        Logs.Publish(folder, _key, 30, 90);
        Logs.Copy(folder, kept);
        Checkpoint last = Logs.Publish(folder, _key, 400);
        Assert.False(Directory.Exists(Path.Combine(folder, "tile/0/000.p")));
        foreach (string file in Logs.Files(kept).Where(f => f != "checkpoint"))
        {
            Logs.CopyFile(kept, folder, file);
        }

        LedgerAuditReport report = LedgerAudit.Run(folder, _key.Public, last);
        Assert.Empty(report.Findings);
        Assert.Empty(report.Unpublished);
    }

    [Fact]
    public void WhatWasNotPublishedIsGone()
    {
        using (TileLog log = TileLog.Open(_scratch.Folder, _key))
        {
            log.Append("a"u8);
            log.Publish(_key);
            log.AppendAll(Enumerable.Repeat<ReadOnlyMemory<byte>>(new byte[] { 1 }, 300));
        }

        using TileLog again = TileLog.Open(_scratch.Folder, _key);
        Assert.Equal(1, again.Size);
        Assert.Equal(again.Published, again.Publish(_key));
    }

    [Fact]
    public void AFailedWriteIsSaidAndTheLogGoesOnWhenOpenedAgain()
    {
        Checkpoint before = Logs.Publish(_scratch.Folder, _key, 10);
        using (TileLog log = TileLog.Open(_scratch.Folder, _key))
        {
            log.Append("x"u8);
            Directory.CreateDirectory(_scratch["checkpoint" + AtomicFile.Suffix]);
            Assert.Throws<UserError>(() => log.Publish(_key));
            Assert.Throws<InvalidOperationException>(() => log.Append("y"u8));
            Assert.Equal(before.ToString(), File.ReadAllText(_scratch["checkpoint"]));
            Directory.Delete(_scratch["checkpoint" + AtomicFile.Suffix]);
        }

        Assert.Equal(20, Logs.Publish(_scratch.Folder, _key, 20).Size);
        Assert.Empty(LedgerAudit.Run(_scratch.Folder, _key.Public, before).Findings);
    }

    [Fact]
    public void AnOlderFolderPutBackIsNotSignedAnew()
    {
        string now = _scratch["now"], later = _scratch["later"];
        Checkpoint first = Logs.Publish(now, _key, 90);
        Logs.Copy(now, later);
        Checkpoint known = Logs.Publish(later, _key, 300);
        Assert.Contains("known checkpoint", Assert.Throws<UserError>(() => TileLog.Open(now, _key, known)).What, StringComparison.Ordinal);
        TileLog.Open(later, _key, first).Dispose();
        TileLog.Open(later, _key, known).Dispose();
        using (TileLog log = TileLog.Open(now, _key, first))
        {
            log.AppendAll(Enumerable.Repeat<ReadOnlyMemory<byte>>(new byte[] { 1 }, 400));
            log.Publish(_key);
        }

        Assert.Throws<UserError>(() => TileLog.Open(now, _key, known));
        TileLog.Open(now, _key).Dispose();
    }

    [Fact]
    public void OneWriterAtATime()
    {
        using TileLog log = TileLog.Open(_scratch.Folder, _key);
        Assert.Contains("Another process", Assert.Throws<UserError>(() => TileLog.Open(_scratch.Folder, _key)).What, StringComparison.Ordinal);
        Assert.True(LedgerAudit.Run(_scratch.Folder, _key.Public).Holds);
    }

    [Fact]
    public void ALogOfAnotherKeyOrWithoutItsCheckpointIsRefused()
    {
        Logs.Publish(_scratch.Folder, _key, 5);
        using LedgerKey other = LedgerKey.Make("example.com/ledger");
        Assert.Contains("not signed by", Assert.Throws<UserError>(() => TileLog.Open(_scratch.Folder, other)).What, StringComparison.Ordinal);
        File.Delete(_scratch["checkpoint"]);
        Assert.Contains("no checkpoint", Assert.Throws<UserError>(() => TileLog.Open(_scratch.Folder, _key)).What, StringComparison.Ordinal);
    }

    [Fact]
    public void DamageIsMetWhenOpeningOrProving()
    {
        Logs.Publish(_scratch.Folder, _key, 600);
        byte[] tile = File.ReadAllBytes(_scratch["tile/0/002.p/88"]);
        tile[40] ^= 1;
        File.WriteAllBytes(_scratch["tile/0/002.p/88"], tile);
        Assert.Contains("signed root", Assert.Throws<UserError>(() => TileLog.Open(_scratch.Folder, _key)).What, StringComparison.Ordinal);
        Assert.Throws<UserError>(() => TileReader.Open(_scratch.Folder, _key.Public).Prove(3));
        Assert.Throws<UserError>(() => TileReader.Open(_scratch.Folder, _key.Public).Entry(512));

        // The damaged hash is no part of its own entry's proof.
        Assert.Equal(Logs.Entry(513), TileReader.Open(_scratch.Folder, _key.Public).Entry(513).ToArray());
    }

    [Fact]
    public void AWitnessSignsWhatIsPublished()
    {
        using LedgerKey witness = LedgerKey.Make("witness.example");
        using TileLog log = TileLog.Open(_scratch.Folder, _key);
        log.Append("a"u8);
        Checkpoint first = log.Publish(_key);
        log.Keep(first.Cosign(witness));
        Assert.Equal(LedgerVerdict.Holds, TileReader.Open(_scratch.Folder, _key.Public).Checkpoint.Verify(_key.Public, witness.Public));
        Assert.True(LedgerAudit.Run(_scratch.Folder, _key.Public, null, witness.Public).Holds);
        log.Append("b"u8);
        log.Publish(_key);
        Assert.Throws<ArgumentException>(() => log.Keep(first));
        Assert.Equal("A witness has not signed it", Assert.Single(LedgerAudit.Run(_scratch.Folder, _key.Public, null, witness.Public).Findings).What);
    }

    [Fact]
    public void EntriesHaveEveryLengthThatTheFormatHas()
    {
        byte[] longest = new byte[65_535];
        using TileLog log = TileLog.Open(_scratch.Folder, _key);
        log.Append([]);
        log.Append(longest);
        log.Publish(_key);
        Assert.Throws<ArgumentOutOfRangeException>(() => log.Append(new byte[65_536]));
        TileReader reader = TileReader.Open(_scratch.Folder, _key.Public);
        Assert.Equal(0, reader.Entry(0).Length);
        Assert.Equal(longest, reader.Entry(1).ToArray());
        Assert.Throws<ArgumentOutOfRangeException>(() => reader.Entry(2));
    }

    [Theory]
    [InlineData(0, 0, 256, "tile/0/000")]
    [InlineData(63 & 7, 1_234_067, 256, "tile/7/x001/x234/067")]
    [InlineData(-1, 1_000, 17, "tile/entries/x001/000.p/17")]
    [InlineData(2, 999_999_999, 255, "tile/2/x999/x999/999.p/255")]
    public void PathsOfTiles(int level, long index, int width, string path)
    {
        TilePath tile = new(level, index, width);
        Assert.Equal(path, tile.ToString());
        Assert.True(TilePath.TryParse(path, out TilePath read));
        Assert.Equal(tile, read);
    }

    [Theory]
    [InlineData("tile/0/0")]
    [InlineData("tile/00/000")]
    [InlineData("tile/8/000")]
    [InlineData("tile/-1/000")]
    [InlineData("tile/0/000.p/0")]
    [InlineData("tile/0/000.p/256")]
    [InlineData("tile/0/000.p/08")]
    [InlineData("tile/0/000.p")]
    [InlineData("tile/0/x000/001")]
    [InlineData("tile/0/001/002")]
    [InlineData("tile/0/x001/x002")]
    [InlineData("tile/0/xx01/002")]
    [InlineData("tile/0/x999/x999/x999/x999/x999/x999/x999/999")]
    [InlineData("tile/entries")]
    [InlineData("checkpoint")]
    public void OtherPathsAreNone(string path) => Assert.False(TilePath.TryParse(path, out _));
}
