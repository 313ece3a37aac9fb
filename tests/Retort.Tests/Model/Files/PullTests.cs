using System.Security.Cryptography;
using Retort.Model.Files;

namespace Retort.Tests.Model.Files;

public sealed class PullTests : IDisposable
{
    const string Api = "/api/models/org/name/revision/main";
    static readonly byte[] Weights = RandomNumbers(3_000_000);
    static readonly string Hash = Convert.ToHexStringLower(SHA256.HashData(Weights));

    readonly Scratch _scratch = new();
    readonly QuickTime _time = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public async Task FetchesWhatIsNeededOnce()
    {
        List<PullProgress> progress = [];
        await using LoopbackHub hub = new(r => r.Path switch
        {
            Api => Listing("config.json", "model.safetensors", "pytorch_model.bin", "onnx/model.onnx", "m.gguf", ".gitattributes", "sub/a b.txt"),
            "/org/name/resolve/main/model.safetensors" => HubReply.File(Weights, r, $"ETag: \"{Hash}\"\r\n"),
            "/org/name/resolve/main/sub/a%20b.txt" => HubReply.Text(200, "text"),
            "/org/name/resolve/main/config.json" => HubReply.Redirect("/api/resolve-cache/config.json"),
            "/api/resolve-cache/config.json" => HubReply.Text(200, "{}"),
            _ => HubReply.Text(404),
        });
        PullOptions options = new() { Hub = hub.Address, Time = _time, Progress = progress.Add };
        PulledModel pulled = await Pull.ModelAsync("org/name", _scratch["m"], options);

        Assert.Equal(["config.json", "model.safetensors", "sub/a b.txt"], pulled.Files);
        Assert.Equal((Weights.Length + 6L, "c0ffee"), (pulled.Bytes, pulled.Commit));
        Assert.Equal(Weights, File.ReadAllBytes(_scratch["m/model.safetensors"]));
        Assert.Equal("{}", File.ReadAllText(_scratch["m/config.json"]));
        Assert.Equal("text", File.ReadAllText(_scratch["m/sub/a b.txt"]));
        Assert.Contains(new PullProgress("model.safetensors", Weights.Length, Weights.Length), progress);
        Assert.Equal(3, Directory.GetFiles(_scratch["m"], "*", SearchOption.AllDirectories).Length);
        DateTime written = File.GetLastWriteTimeUtc(_scratch["m/model.safetensors"]);
        await Pull.ModelAsync("org/name@main", _scratch["m"], options);
        Assert.Equal(written, File.GetLastWriteTimeUtc(_scratch["m/model.safetensors"]));
    }

    [Theory]
    [InlineData("hash")]
    [InlineData("etag")]
    [InlineData("neither")]
    public async Task ACutConnectionIsTakenUpAgain(string known)
    {
        string headers = known switch { "hash" => $"X-Linked-Etag: \"{Hash}\"\r\n", "etag" => "ETag: \"v1\"\r\n", _ => "" };
        int cuts = 0;
        await using LoopbackHub hub = Hub(r => HubReply.File(Weights, r, headers, ++cuts == 1 ? 1_000_000 : null));
        await Pull.ModelAsync("org/name", _scratch["m"], Options(hub));

        Assert.Equal(Weights, File.ReadAllBytes(_scratch["m/model.safetensors"]));
        Assert.Equal(TimeSpan.FromSeconds(1), _time.Pauses.First());
        HubRequest[] files = [.. hub.Requests.Where(r => r.Path != Api)];
        Assert.InRange(files[1].From, 1, 1_000_000);
        // Without a hash or tag the part could belong to another file: from the start then.
        Assert.Equal(known == "neither" ? 3 : 2, files.Length);
    }

    [Fact]
    public async Task AnEarlierPartIsContinuedWhenAHashProvesIt()
    {
        Directory.CreateDirectory(_scratch["m"]);
        _scratch.Write("m/model.safetensors.part", Weights[..2_000_000]);
        await using LoopbackHub hub = Hub(r => HubReply.File(Weights, r, $"ETag: \"{Hash}\"\r\n"));
        await Pull.ModelAsync("org/name", _scratch["m"], Options(hub));
        Assert.Equal([0, 2_000_000], hub.Requests.Select(r => r.From));
        Assert.Equal(Weights, File.ReadAllBytes(_scratch["m/model.safetensors"]));
    }

    [Theory]
    [InlineData(2_000_000)]
    [InlineData(3_000_000)]
    [InlineData(3_000_001)]
    public async Task APartOfAnotherFileIsThrownAway(int length)
    {
        Directory.CreateDirectory(_scratch["m"]);
        _scratch.Write("m/model.safetensors.part", new byte[length]);
        await using LoopbackHub hub = Hub(r => HubReply.File(Weights, r, $"ETag: \"{Hash}\"\r\n"));
        await Pull.ModelAsync("org/name", _scratch["m"], Options(hub));
        Assert.Equal(Weights, File.ReadAllBytes(_scratch["m/model.safetensors"]));
        Assert.Equal(["model.safetensors"], Directory.GetFiles(_scratch["m"]).Select(Path.GetFileName));
    }

    [Fact]
    public async Task AServerWithoutRangesStartsAnew()
    {
        int cuts = 0;
        await using LoopbackHub hub = Hub(_ => new(200, Weights, $"ETag: \"{Hash}\"\r\n", ++cuts < 3 ? 500_000 : null));
        await Pull.ModelAsync("org/name", _scratch["m"], Options(hub));
        Assert.Equal(Weights, File.ReadAllBytes(_scratch["m/model.safetensors"]));
    }

    [Theory]
    [InlineData("bytes 0-2999999/3000000")]
    [InlineData("bytes 1999999-2999999/3000000")]
    [InlineData("bytes */3000000")]
    [InlineData("")]
    public async Task APieceThatWasNotAskedForIsNotAppended(string range)
    {
        Directory.CreateDirectory(_scratch["m"]);
        _scratch.Write("m/model.safetensors.part", Weights[..2_000_000]);
        string header = range.Length > 0 ? $"Content-Range: {range}\r\n" : "";
        await using LoopbackHub hub = Hub(r => r.From > 0 ? new(206, Weights[2_000_000..], $"{header}ETag: \"{Hash}\"\r\n") : HubReply.File(Weights, r, $"ETag: \"{Hash}\"\r\n"));
        await Pull.ModelAsync("org/name", _scratch["m"], Options(hub));
        Assert.Equal(Weights, File.ReadAllBytes(_scratch["m/model.safetensors"]));
        Assert.Equal(["model.safetensors"], Directory.GetFiles(_scratch["m"]).Select(Path.GetFileName));
    }

    [Fact]
    public async Task AWrongHashLeavesNothing()
    {
        await using LoopbackHub hub = Hub(r => HubReply.File(Weights, r, $"X-Linked-Etag: \"{new string('a', 64)}\"\r\n"));
        UserError e = await Assert.ThrowsAsync<UserError>(() => Pull.ModelAsync("org/name", _scratch["m"], Options(hub)));
        Assert.Contains("SHA-256", e.What, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_scratch["m"]));
    }

    [Theory]
    [InlineData(503)]
    [InlineData(429)]
    public async Task APassingFaultIsTriedThreeTimesWithDoublingPauses(int status)
    {
        await using LoopbackHub hub = new(_ => HubReply.Text(status));
        UserError e = await Assert.ThrowsAsync<UserError>(() => Pull.ModelAsync("org/name", _scratch["m"], Options(hub)));
        Assert.Contains($"the server answered {status}", e.What, StringComparison.Ordinal);
        Assert.Equal([1, 2, 4], _time.Pauses.Select(p => p.TotalSeconds));
        Assert.Equal(4, hub.Requests.Count);
    }

    [Theory]
    [InlineData(401, "HF_TOKEN")]
    [InlineData(403, "HF_TOKEN")]
    [InlineData(404, "revision")]
    [InlineData(400, "address")]
    public async Task ARefusalIsFinal(int status, string hint)
    {
        await using LoopbackHub hub = new(_ => HubReply.Text(status));
        UserError e = await Assert.ThrowsAsync<UserError>(() => Pull.ModelAsync("org/name", _scratch["m"], Options(hub)));
        Assert.Contains($"{status}", e.What, StringComparison.Ordinal);
        Assert.Contains(hint, e.Hint, StringComparison.Ordinal);
        Assert.Single(hub.Requests);
    }

    [Fact]
    public async Task SilenceEndsInAnError()
    {
        await using LoopbackHub hub = new(_ => new(200, [], Silent: true));
        UserError e = await Assert.ThrowsAsync<UserError>(() => Pull.ModelAsync("org/name", _scratch["m"], Options(hub) with { Time = new QuickTime(impatient: true) }));
        Assert.Contains("silent for 60 s", e.What, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ShortReadsKeepWhatCame()
    {
        await using LoopbackHub hub = Hub(r => HubReply.File(Weights, r, $"ETag: \"{Hash}\"\r\n", 10));
        await Assert.ThrowsAsync<UserError>(() => Pull.ModelAsync("org/name", _scratch["m"], Options(hub)));
        Assert.Equal(40, new FileInfo(_scratch["m/model.safetensors.part"]).Length);
        Assert.False(File.Exists(_scratch["m/model.safetensors"]));
    }

    [Theory]
    [InlineData("../../x")]
    [InlineData("/etc/x")]
    [InlineData("a/../../x")]
    [InlineData("a\\\\..\\\\x")]
    [InlineData("C:x")]
    [InlineData("a//b")]
    [InlineData("")]
    [InlineData("a\\u0000")]
    public async Task AHostileListingIsRefused(string name)
    {
        await using LoopbackHub hub = new(r => r.Path == Api ? HubReply.Text(200, $"{{\"siblings\":[{{\"rfilename\":\"{name}\"}},{{\"rfilename\":\"config.json\"}}]}}") : HubReply.Text(200, "x"));
        await Assert.ThrowsAsync<UserError>(() => Pull.ModelAsync("org/name", _scratch["m"], Options(hub)));
        Assert.Empty(Directory.GetFileSystemEntries(_scratch.Folder));
    }

    [Theory]
    [InlineData("{\"siblings\":{}}")]
    [InlineData("{\"siblings\":[1]}")]
    [InlineData("{\"siblings\":[]}")]
    [InlineData("{}")]
    [InlineData("<html>")]
    public async Task ABrokenListingIsRefused(string json)
    {
        await using LoopbackHub hub = new(_ => HubReply.Text(200, json));
        await Assert.ThrowsAsync<UserError>(() => Pull.ModelAsync("org/name", _scratch["m"], Options(hub)));
    }

    [Theory]
    [InlineData("name")]
    [InlineData("org/name/more")]
    [InlineData("../name")]
    [InlineData("org/..")]
    [InlineData("org/name@../../x")]
    [InlineData("org/name@")]
    [InlineData("org/name?x=1")]
    public async Task AnImpossibleNameIsRefusedUnasked(string name) =>
        Assert.Contains("not the name", (await Assert.ThrowsAsync<UserError>(() => Pull.ModelAsync(name, null, new PullOptions { Hub = new("http://127.0.0.1:1") }))).What, StringComparison.Ordinal);

    [Fact]
    public async Task TheTokenStaysWithTheHub()
    {
        LoopbackHub? hub = null;
        await using LoopbackHub other = new(r => r.Path == "/back" ? HubReply.Redirect($"{hub!.Address}back") : HubReply.Redirect("/back"));
        await using LoopbackHub own = hub = Hub(r => r.Path == "/back" ? HubReply.File(Weights, r) : HubReply.Redirect($"{other.Address}file?signed=1", $"X-Linked-Etag: \"{Hash}\"\r\n"));
        PullOptions options = Options(hub) with { Token = "hf_secret" };
        await Pull.ModelAsync("org/name", _scratch["m"], options);

        Assert.Equal(["Bearer hf_secret", "Bearer hf_secret", null], hub.Requests.Select(r => r.Authorization));
        Assert.Equal([null, null], other.Requests.Select(r => r.Authorization));
        Assert.DoesNotContain("secret", options.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task RedirectsThatLeadNowhereAreRefused()
    {
        await using LoopbackHub round = new(r => HubReply.Redirect(r.Path));
        Assert.Contains("more than 8", (await Assert.ThrowsAsync<UserError>(() => Pull.ModelAsync("org/name", _scratch["m"], Options(round)))).What, StringComparison.Ordinal);
        await using LoopbackHub file = new(_ => HubReply.Redirect("file:///etc/passwd"));
        Assert.Contains("no web address", (await Assert.ThrowsAsync<UserError>(() => Pull.ModelAsync("org/name", _scratch["m"], Options(file)))).What, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AFileIsFetchedByAddressAndHash()
    {
        await using LoopbackHub hub = new(r => HubReply.File(Weights, r));
        string url = $"{hub.Address}models/m.bin?x=1";
        string path = await Pull.FileAsync(url, Hash.ToUpperInvariant(), _scratch["d"], Options(hub));
        Assert.Equal(_scratch["d/m.bin"], path);
        Assert.Equal(Weights, File.ReadAllBytes(path));

        UserError e = await Assert.ThrowsAsync<UserError>(() => Pull.FileAsync(url, new string('0', 64), _scratch["e"], Options(hub)));
        Assert.Equal($"{hub.Address}models/m.bin", e.Where);
        Assert.Empty(Directory.GetFiles(_scratch["e"]));
        await Assert.ThrowsAsync<UserError>(() => Pull.FileAsync(url, "abc", _scratch["e"], Options(hub)));
        await Assert.ThrowsAsync<UserError>(() => Pull.FileAsync("ftp://a/b", Hash, _scratch["e"], Options(hub)));
        await Assert.ThrowsAsync<UserError>(() => Pull.FileAsync($"{hub.Address}a%2F..%2Fb", Hash, _scratch["e"], Options(hub)));
        await Assert.ThrowsAsync<UserError>(() => Pull.FileAsync($"{hub.Address}", Hash, _scratch["e"], Options(hub)));
    }

    [Fact]
    public async Task AStopKeepsThePart()
    {
        using CancellationTokenSource stop = new();
        await using LoopbackHub hub = Hub(r => HubReply.File(Weights, r, $"ETag: \"{Hash}\"\r\n"));
        PullOptions options = Options(hub) with { Progress = p => (p.Bytes > 0 ? stop : null)?.Cancel() };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Pull.ModelAsync("org/name", _scratch["m"], options, stop.Token));
        Assert.Equal(["model.safetensors.part"], Directory.GetFiles(_scratch["m"]).Select(Path.GetFileName));
    }

    [Fact]
    public void ConsolidatedCopiesAndOtherFormatsArePassedOverOnlyBesideSafetensors()
    {
        Assert.Equal(["model-00001-of-00001.safetensors", "tokenizer.json"], HubFiles.Choose(["model-00001-of-00001.safetensors", "consolidated.safetensors", "tf_model.h5", "tokenizer.json", "original/params.json"], "hub"));
        Assert.Equal(["stories15M.bin", "stories15M.pt"], HubFiles.Choose(["stories15M.bin", "stories15M.pt", ".gitattributes"], "hub"));
        Assert.Throws<UserError>(() => HubFiles.Choose(["a", "a.part"], "hub"));
        Assert.Throws<UserError>(() => HubFiles.Choose(["A", "a"], "hub"));
    }

    PullOptions Options(LoopbackHub hub) => new() { Hub = hub.Address, Time = _time };

    /// <summary>A repository of one file, model.safetensors.</summary>
    static LoopbackHub Hub(Func<HubRequest, HubReply> file) => new(r => r.Path == Api ? Listing("model.safetensors") : file(r));

    static HubReply Listing(params string[] files) =>
        HubReply.Text(200, $"{{\"sha\":\"c0ffee\",\"siblings\":[{string.Join(',', files.Select(f => $"{{\"rfilename\":\"{f}\"}}"))}]}}");

    static byte[] RandomNumbers(int count)
    {
        byte[] bytes = new byte[count];
        new Random(1).NextBytes(bytes);
        return bytes;
    }
}
