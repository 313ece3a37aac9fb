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
}
