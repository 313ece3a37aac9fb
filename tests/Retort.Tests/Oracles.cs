using System.Diagnostics;

namespace Retort.Tests;

/// <summary>The node packages that check our work, installed under tests/oracles by `npm ci`.</summary>
static class Oracles
{
    /// <summary>The folder to run node in; skips the test where node or the packages are absent.</summary>
    public static string Folder()
    {
        string folder = Repository.PathOf("tests/oracles");
        bool node = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(p => File.Exists(Path.Combine(p, OperatingSystem.IsWindows() ? "node.exe" : "node")));
        if (!node || !Directory.Exists(Path.Combine(folder, "node_modules")))
        {
            Assert.Skip(node ? "The packages in tests/oracles are absent; run: npm ci --prefix tests/oracles" : "node is absent.");
        }

        return folder;
    }

    /// <summary>What a script prints; it must end well.</summary>
    public static string Run(string folder, params ReadOnlySpan<string> arguments)
    {
        ProcessStartInfo start = new("node") { WorkingDirectory = folder, UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        using Process node = Process.Start(start)!;
        Task<string> error = node.StandardError.ReadToEndAsync();
        string output = node.StandardOutput.ReadToEnd();
        node.WaitForExit();
        Assert.True(node.ExitCode == 0, $"{arguments[0]}: {output}{error.Result}");
        return output;
    }
}
