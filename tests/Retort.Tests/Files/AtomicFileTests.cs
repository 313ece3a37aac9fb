using Retort.Tests.Model.Files;


namespace Retort.Tests.Files;

public sealed class AtomicFileTests : IDisposable
{
    readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void ReplacesAFileAndWhatAKilledWriterLeft()
    {
        string path = _scratch.Write("a", "before");
        _scratch.Write("a" + AtomicFile.Suffix, "left by a killed process, and longer than what follows");
        AtomicFile.Write(path, s => s.Write("after"u8));
        Assert.Equal("after", File.ReadAllText(path));
        Assert.Single(Directory.GetFiles(_scratch.Folder));
    }

    [Theory]
    [InlineData(28)]
    [InlineData(unchecked((int)0x80070070))]
    public void AFullDiskIsSaidAndLeavesWhatWasThere(int code)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows() && code == 28, "ENOSPC is a Unix errno.");
        string path = _scratch.Write("a", "before");
        UserError e = Assert.Throws<UserError>(() => AtomicFile.Write(path, s =>
        {
            s.Write(new byte[100_000]);
            throw new IOException("No space left on device", code);
        }));
        Assert.Equal(("The disk is full", path), (e.What, e.Where));
        Assert.Equal("before", File.ReadAllText(path));
        Assert.Single(Directory.GetFiles(_scratch.Folder));
    }

    [Fact]
    public void TheSystemsOwnWordForAFullDiskIsKnown()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "There is no /dev/full.");
        IOException e = Assert.ThrowsAny<IOException>(() => File.AppendAllText("/dev/full", "x"));
        Assert.Equal("The disk is full", FileFault.Writing("a", e).What);
    }

    [Fact]
    public void AMissingFolderIsSaid() =>
        Assert.Contains("folder", Assert.Throws<UserError>(() => AtomicFile.Write(_scratch["none/a"], _ => { })).What, StringComparison.Ordinal);

    [Fact]
    public void TwoWritersOfOneFileDoNotMix()
    {
        string path = _scratch["a"];
        AtomicFile.Write(path, s =>
        {
            s.Write("first"u8);
            Assert.Throws<UserError>(() => AtomicFile.Write(path, t => t.Write("second"u8)));
        });
        Assert.Equal("first", File.ReadAllText(path));
    }
}
