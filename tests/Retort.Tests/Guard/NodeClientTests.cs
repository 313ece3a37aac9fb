using System.Diagnostics;

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
        string folder = Oracles.Folder();
        ProcessStartInfo start = new("node") { WorkingDirectory = folder, UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in (string[])[script, world.Url, GuardWorld.Name])
        {
            start.ArgumentList.Add(argument);
        }

        using Process node = Process.Start(start)!;
        Task<string> output = node.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken), error = node.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await node.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(node.ExitCode == 0 && (await output).Contains("\"ok\":true", StringComparison.Ordinal), $"{script}: {await output}{await error}");
    }
}
