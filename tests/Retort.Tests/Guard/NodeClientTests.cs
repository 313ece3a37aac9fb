using Retort.Guard;
using Retort.Guard.Answers;

namespace Retort.Tests.Guard;

/// <summary>Clients from npm against our server.</summary>
public class NodeClientTests
{
    [Theory]
    [InlineData("openai.mjs")]
    [InlineData("ai.mjs")]
    public async Task TheClientGetsWhatItAsksFor(string script)
    {
        await using GuardWorld world = await GuardWorld.Start();
        string folder = Oracles.Folder(), url = world.Url;
        Assert.Contains("\"ok\":true", await Task.Run(() => Oracles.Run(folder, script, url, GuardWorld.Name)), StringComparison.Ordinal);
    }

    /// <summary>And where the guarded path lies between, without a policy.</summary>
    [Fact]
    public async Task SoItDoesThroughThePath()
    {
        await using GuardWorld world = await GuardWorld.Start();
        using UpstreamModel model = new(UpstreamModel.Url(world.Url + "/v1"), null);
        await using GuardedServer server = await GuardedServer.Start(model, null, "http://127.0.0.1:0", _ => { }, TimeProvider.System);
        string folder = Oracles.Folder(), url = server.Addresses[0];
        Assert.Contains("\"ok\":true", await Task.Run(() => Oracles.Run(folder, "openai.mjs", url, GuardWorld.Name)), StringComparison.Ordinal);
    }
}
