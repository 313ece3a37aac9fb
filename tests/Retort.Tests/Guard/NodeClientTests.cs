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
}
