using Retort.Cli;

namespace Retort.Tests.Cli;

/// <summary>
/// Writes that find no room. A limit on the size of files (RLIMIT_FSIZE) stands for the full disk: any user may set it, and to the program
/// a write fails the same way, in the middle of a file.
/// </summary>
public sealed class FullDiskTests : IDisposable
{
    readonly TinyWorld _world = new();

    public void Dispose() => _world.Dispose();

    [Theory]
    [InlineData(512, "recipe.yaml")]
    [InlineData(8192, "signals/train.sig")]
    [InlineData(65536, "checkpoints/student-1.state")]
    public void ARunThatFindsNoRoomSaysSoAndGoesOnWhenThereIs(int bytes, string file)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no limit on the size of files.");
        string recipe = _world.Recipe("signal: {kind: top_k, k: 12}"), run = _world["run"];
        DoorRun stopped = ProcessRun.Limited(bytes, "distill", recipe, "--out", run);
        Assert.Equal((ExitCode.BadInput, ""), (stopped.Code, stopped.Output));
        string line = Assert.Single(stopped.Error.TrimEnd('\n').Split('\n'), l => l.StartsWith("retort: ", StringComparison.Ordinal));
        Assert.StartsWith($"retort: {Path.Combine(run, file)}: there is no room for a file of this size. ", line, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(run, file)));
        Assert.Empty(Directory.GetFiles(_world.Folder, "*.tmp", SearchOption.AllDirectories));

        Assert.Equal(ExitCode.Done, DoorRun.Of("distill", recipe, "--out", run, "--resume").Code);
        Assert.Empty(Directory.GetFiles(_world.Folder, "*.tmp", SearchOption.AllDirectories));
    }

    [Fact]
    public void AConversionThatFindsNoRoomLeavesNothing()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no limit on the size of files.");
        string[] before = Directory.GetFileSystemEntries(_world.Folder);
        ProcessRun.Limited(16384, "convert", _world.Teacher, _world["out"]).Refused(_world["out"], "there is no room");
        Assert.Equal(before.Order(), Directory.GetFileSystemEntries(_world.Folder).Order());
    }
}
