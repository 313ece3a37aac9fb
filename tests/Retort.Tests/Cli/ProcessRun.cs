using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace Retort.Tests.Cli;

/// <summary>One run of the built program as a process of its own, where a signal or a limit of the system is what is tested.</summary>
static class ProcessRun
{
    /// <summary>Longer than any of these runs takes on a busy machine; only a hang meets it.</summary>
    const int Patience = 120_000;

    /// <summary>The program that the same build made: artifacts/bin/Retort.Cli beside artifacts/bin/Retort.Tests, of the same configuration.</summary>
    public static string Program { get; } = Find();

    public static string Dotnet { get; } = Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet";

    public static DoorRun Of(params string[] arguments) => Of([], arguments);

    public static DoorRun Of((string Name, string Value)[] environment, params string[] arguments) => Wait(Start(Dotnet, [Program, .. arguments], environment));

    /// <summary>Runs with files of at most so many bytes; a longer write then fails as on a file system without room.</summary>
    public static DoorRun Limited(int bytes, params string[] arguments) => Limited(bytes, [], arguments);

    public static DoorRun Limited(int bytes, (string Name, string Value)[] environment, params string[] arguments)
    {
        // Blocks of 512 bytes. The runtime's own memory files are under the limit too, and W^X would need large ones.
        Process process = Start("/bin/sh", ["-c", $"trap '' XFSZ; ulimit -f {bytes / 512}; exec \"$0\" \"$@\"", Dotnet, Program, .. arguments], [.. environment, ("DOTNET_EnableWriteXorExecute", "0")]);
        return Wait(process);
    }

    /// <summary>Runs until a file is as long as that, then interrupts as Ctrl-C does.</summary>
    public static DoorRun InterruptedAt(string path, long length, (string Name, string Value)[] environment, params string[] arguments)
    {
        using SemaphoreSlim changed = new(0);
        using FileSystemWatcher watcher = new(Path.GetDirectoryName(path)!) { NotifyFilter = NotifyFilters.FileName | NotifyFilters.Size | NotifyFilters.LastWrite };
        watcher.Created += (_, _) => changed.Release();
        watcher.Changed += (_, _) => changed.Release();
        watcher.EnableRaisingEvents = true;
        Process process = Start(Dotnet, [Program, .. arguments], environment);
        while (!File.Exists(path) || new FileInfo(path).Length < length)
        {
            Assert.True(changed.Wait(Patience), $"{path} did not grow to {length} bytes");
        }

        Signal(process, "INT");
        return Wait(process);
    }

    /// <summary>Runs until a file of the folder has appeared so many times, then kills (SIGKILL).</summary>
    /// <param name="file">Path below the folder.</param>
    /// <returns>Whether the process was killed; false when it had ended before.</returns>
    public static bool KilledAt(string folder, string file, int times, params string[] arguments) => KilledAt(folder, file, times, [], arguments);

    /// <inheritdoc cref="KilledAt(string, string, int, string[])"/>
    public static bool KilledAt(string folder, string file, int times, (string Name, string Value)[] environment, params string[] arguments)
    {
        using BlockingCollection<string?> seen = [];
        using FileSystemWatcher watcher = new(folder) { IncludeSubdirectories = true, NotifyFilter = NotifyFilters.FileName, InternalBufferSize = 1 << 16 };
        watcher.Created += (_, e) => seen.Add(e.Name);
        watcher.Renamed += (_, e) => seen.Add(e.Name);
        watcher.EnableRaisingEvents = true;
        using Process process = Start(Dotnet, [Program, .. arguments], environment);
        process.EnableRaisingEvents = true;
        process.Exited += (_, _) => seen.Add(null);
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        Task<string> error = process.StandardError.ReadToEndAsync();
        while (times > 0)
        {
            Assert.True(seen.TryTake(out string? name, Patience), $"{file} did not appear");
            if (name is null)
            {
                break;
            }

            times -= name == file ? 1 : 0;
        }

        process.Kill();
        Assert.True(process.WaitForExit(Patience));
        Assert.True(process.ExitCode is 128 + 9 or 0, error.Result);
        return process.ExitCode != 0;
    }

    /// <summary>Starts the program and leaves it running; its output and errors are to be read.</summary>
    public static Process Begin(params string[] arguments) => Start(Dotnet, [Program, .. arguments]);

    /// <summary>Sends a signal, such as INT.</summary>
    public static void Signal(Process process, string signal)
    {
        using Process kill = Start("kill", [$"-{signal}", process.Id.ToString(CultureInfo.InvariantCulture)]);
        Assert.True(kill.WaitForExit(Patience));
    }

    static Process Start(string file, IEnumerable<string> arguments, params (string Name, string Value)[] environment)
    {
        ProcessStartInfo start = new(file, arguments) { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        Process process = Process.Start(start)!;
        process.StandardInput.Close();
        return process;
    }

    static DoorRun Wait(Process process)
    {
        using (process)
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
            Assert.True(process.WaitForExit(Patience));
            return new(process.ExitCode, output.Result, error.Result);
        }
    }

    static string Find()
    {
        DirectoryInfo here = new(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        string path = Path.Combine(here.Parent!.Parent!.FullName, "Retort.Cli", here.Name, "retort.dll");
        Assert.True(File.Exists(path), $"{path} is absent; build the whole solution.");
        return path;
    }
}
