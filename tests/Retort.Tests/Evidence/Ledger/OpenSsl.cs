using System.Diagnostics;

namespace Retort.Tests.Evidence.Ledger;

/// <summary>The openssl command line, which nobody here wrote.</summary>
static class OpenSsl
{
    /// <summary>Skips the test where openssl is missing.</summary>
    public static void Require()
    {
        bool isThere = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(p => File.Exists(Path.Combine(p, OperatingSystem.IsWindows() ? "openssl.exe" : "openssl")));
        Assert.SkipUnless(isThere, "openssl is absent.");
    }

    /// <summary>Exit code and everything it printed.</summary>
    public static (int Code, string Output) Try(string folder, params ReadOnlySpan<string> arguments)
    {
        ProcessStartInfo start = new("openssl") { WorkingDirectory = folder, UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        using Process openssl = Process.Start(start)!;
        Task<string> error = openssl.StandardError.ReadToEndAsync();
        string output = openssl.StandardOutput.ReadToEnd();
        openssl.WaitForExit();
        return (openssl.ExitCode, output + error.Result);
    }

    /// <summary>What it prints; it must end well.</summary>
    public static string Run(string folder, params ReadOnlySpan<string> arguments)
    {
        (int code, string output) = Try(folder, arguments);
        Assert.True(code == 0, $"openssl {string.Join(' ', arguments.ToArray())}: {output}");
        return output;
    }
}
