using System.Diagnostics;

namespace Retort.Tests.Model.Tokenizers;

/// <summary>The reference implementations under tests/oracles, which `npm ci --ignore-scripts` there installs.</summary>
static class NodePackages
{
    static readonly string s_folder = Path.Combine(GoldenFiles.Root(), "tests", "oracles");

    /// <summary>A file of an installed package; skips the test where it is absent.</summary>
    internal static string Find(string relative)
    {
        string path = Path.Combine(s_folder, "node_modules", relative);
        Assert.SkipUnless(File.Exists(path), $"{relative} is not installed; run npm ci --ignore-scripts in tests/oracles");
        return path;
    }

    /// <summary>A file that lies in tests/oracles itself.</summary>
    internal static string Beside(string relative) => Path.Combine(s_folder, relative);

    /// <summary>Runs a script of tests/oracles to its end; skips the test where there is no node.</summary>
    internal static void Run(string script, params string[] arguments)
    {
        Process? process = null;
        try
        {
            process = Process.Start(new ProcessStartInfo("node", [Path.Combine(s_folder, script), .. arguments]) { UseShellExecute = false, RedirectStandardError = true, WorkingDirectory = s_folder });
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip("node is not installed");
        }

        using (process)
        {
            string errors = process!.StandardError.ReadToEnd();
            process.WaitForExit();
            Assert.True(process.ExitCode == 0, $"{script} ended with {process.ExitCode}: {errors}");
        }
    }
}
