using System.Security.Cryptography;
using System.Text.Json;
using Retort.Cli;
using Retort.Tests.Model.Files;

namespace Retort.Tests.Cli;

/// <summary>The verb pull as a process, against a hub on this machine.</summary>
public sealed class PullVerbTests : IDisposable
{
    const string Api = "/api/models/org/name/revision/main", Token = "hf_not_for_anyone_to_read";

    static readonly byte[] s_weights = Bytes();

    static readonly string s_hash = Convert.ToHexStringLower(SHA256.HashData(s_weights));

    readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public async Task AnInterruptedDownloadSaysHowToGoOnAndDoes()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no SIGINT to send to one process.");
        Directory.CreateDirectory(_scratch["m"]);
        bool stall = true;
        await using LoopbackHub hub = Hub(r => HubReply.File(s_weights, r, $"ETag: \"{s_hash}\"\r\n") with { CutAfter = stall ? 1_000_000 : null, Stalls = stall });
        DoorRun stopped = ProcessRun.InterruptedAt(_scratch["m/model.safetensors.part"], 1_000_000, Environment(hub), "pull", "org/name", "--to", _scratch["m"], "--json");
        Assert.Equal((ExitCode.Interrupted, "stopped before it was done"), (stopped.Code, stopped.Json.GetProperty("error").GetProperty("what").GetString()));
        Assert.EndsWith("Run the same command again: it goes on where this one stopped.\n", stopped.Error, StringComparison.Ordinal);

        stall = false;
        DoorRun again = ProcessRun.Of(Environment(hub), "pull", "org/name", "--to", _scratch["m"], "--json");
        JsonElement answer = again.Json;
        Assert.Equal((ExitCode.Done, "c0ffee", (long)s_weights.Length), (again.Code, answer.GetProperty("commit").GetString(), answer.GetProperty("bytes").GetInt64()));
        Assert.Equal(1_000_000, hub.Requests.Last().From);
        Assert.Equal(s_weights, File.ReadAllBytes(_scratch["m/model.safetensors"]));
        Assert.Equal(["model.safetensors"], Directory.GetFiles(_scratch["m"]).Select(Path.GetFileName));
    }

    [Fact]
    public async Task AFullDiskIsNamedAndTheDownloadGoesOnAfterwards()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no limit on the size of files.");
        await using LoopbackHub hub = Hub(r => HubReply.File(s_weights, r, $"ETag: \"{s_hash}\"\r\n"));
        DoorRun full = ProcessRun.Limited(1 << 20, Environment(hub), "pull", "org/name", "--to", _scratch["m"]);
        Assert.Equal((ExitCode.BadInput, ""), (full.Code, full.Output));
        Assert.Contains($"retort: {_scratch["m/model.safetensors"]}: there is no room", full.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(_scratch["m/model.safetensors"]));
        Assert.Equal(ExitCode.Done, ProcessRun.Of(Environment(hub), "pull", "org/name", "--to", _scratch["m"]).Code);
        Assert.Equal(s_weights, File.ReadAllBytes(_scratch["m/model.safetensors"]));
    }

    [Theory]
    [InlineData(401, "set HF_TOKEN")]
    [InlineData(404, "Check the name and the revision")]
    public async Task ARefusalIsOneSentenceWithoutTheToken(int status, string hint)
    {
        await using LoopbackHub hub = new(_ => HubReply.Text(status, Token));
        DoorRun run = ProcessRun.Of(Environment(hub), "pull", "org/name", "--to", _scratch["m"]).Refused($"{hub.Address}api/models/org/name", $"({status})");
        Assert.Contains(hint, run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(Token, run.Error, StringComparison.Ordinal);
        Assert.Equal($"Bearer {Token}", Assert.Single(hub.Requests).Authorization);
        Assert.False(Directory.Exists(_scratch["m"]));
    }

    [Fact]
    public async Task AFileIsTakenByItsHashOnly()
    {
        await using LoopbackHub hub = new(r => HubReply.File(s_weights, r));
        string address = $"{hub.Address}tok.bin";
        DoorRun wrong = ProcessRun.Of("pull", address, "--to", _scratch["d"], "--sha256", new string('0', 64));
        Assert.Equal(ExitCode.BadInput, wrong.Code);
        Assert.Contains($"retort: {address}: the file's SHA-256 is {s_hash}", wrong.Error, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_scratch["d"]));
        DoorRun right = ProcessRun.Of("pull", address, "--to", _scratch["d"], "--sha256", s_hash.ToUpperInvariant(), "--json");
        Assert.Equal((_scratch["d/tok.bin"], s_hash), (right.Json.GetProperty("path").GetString(), right.Json.GetProperty("sha256").GetString()));
    }

    [Fact]
    public void AnAddressThatIsNoneIsNamed() => Assert.Contains("retort: RETORT_HUB: ", ProcessRun.Of([("RETORT_HUB", "nowhere")], "pull", "org/name").Error, StringComparison.Ordinal);

    static (string, string)[] Environment(LoopbackHub hub) => [("RETORT_HUB", hub.Address.AbsoluteUri), ("HF_TOKEN", Token)];

    static LoopbackHub Hub(Func<HubRequest, HubReply> file) => new(r => r.Path == Api ? HubReply.Text(200, "{\"sha\":\"c0ffee\",\"siblings\":[{\"rfilename\":\"model.safetensors\"}]}") : file(r));

    static byte[] Bytes()
    {
        byte[] bytes = new byte[3_000_000];
        new Random(2).NextBytes(bytes);
        return bytes;
    }
}
