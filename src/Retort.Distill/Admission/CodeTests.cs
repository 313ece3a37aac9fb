using System.Collections.Concurrent;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;

namespace Retort.Distill;

/// <summary>What came of running an answer's code with its tests.</summary>
/// <param name="Passed">All of it ran to its end, without a fault.</param>
/// <param name="Said">The last line of its standard error, or why it ended; empty where it passed.</param>
public sealed record CodeVerdict(bool Passed, string Said);

/// <summary>
/// Runs answers' code with their questions' tests behind it, in one file and one process each. The code is the answer's last fenced block, or all of it. What
/// holds it in is said at <see cref="CodeRecipe"/>: limits, and no wall, so run it in a container or as a user who owns nothing.
/// </summary>
public sealed class CodeTests
{
    /// <summary>Characters kept of what it writes to standard error, the last ones.</summary>
    const int MostSaid = 4096;

    static readonly string[] s_namespaces = ["--map-root-user", "--net", "--pid", "--fork", "--kill-child"];

    readonly CodeRecipe _recipe;
    readonly string _runner;
    readonly TimeProvider _time;

    CodeTests(CodeRecipe recipe, string runner, bool offline, TimeProvider time) => (_recipe, _runner, IsOffline, _time) = (recipe, runner, offline, time);

    /// <summary>Whether the code has no network, and nothing that it starts outlives it: where the system gives this user namespaces.</summary>
    public bool IsOffline { get; }

    /// <summary>Finds the runner, and whether a network can be kept from it.</summary>
    /// <exception cref="UserError">There is no such program, or this system cannot limit one.</exception>
    public static async Task<CodeTests> Open(CodeRecipe recipe, TimeProvider time, CancellationToken stop)
    {
        if (OperatingSystem.IsWindows())
        {
            throw new UserError("answers' code is run only where a process can be limited, which Windows' shell cannot", "admit.gold", "Run this on Linux, in WSL for instance, or take admit.gold out.");
        }

        string runner = Find(recipe.Runner) ?? throw new UserError("there is no such program", recipe.Runner, "Install it, or name its path in admit.gold.runner.");
        string folder = Path.GetTempPath();
        bool offline = Find("unshare") is not null && (await new CodeTests(recipe, runner, true, time).Start(folder, "exit 0", stop).ConfigureAwait(false)).Code == 0;
        return new(recipe, runner, offline, time);
    }

    /// <summary>Runs the code of several answers.</summary>
    /// <param name="tests">By the question's hash; answers to others are passed over.</param>
    /// <param name="atOnce">Processes at a time.</param>
    /// <returns>By the answer's id.</returns>
    public async Task<IReadOnlyDictionary<string, CodeVerdict>> Run(IEnumerable<AdmittedAnswer> answers, IReadOnlyDictionary<string, string> tests, int atOnce, CancellationToken stop)
    {
        ConcurrentDictionary<string, CodeVerdict> verdicts = new(StringComparer.Ordinal);
        await Parallel.ForEachAsync(answers.Where(a => tests.ContainsKey(a.Answer.QuestionId)), new ParallelOptions { MaxDegreeOfParallelism = atOnce, CancellationToken = stop }, async (a, token) =>
            verdicts[a.Answer.Id] = await Run(a.Reply, tests[a.Answer.QuestionId], token).ConfigureAwait(false)).ConfigureAwait(false);
        return verdicts;
    }

    /// <param name="tests">Goes behind the answer's code in the same file.</param>
    public async Task<CodeVerdict> Run(string answer, string tests, CancellationToken stop)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("retort-code");
        try
        {
            // A program that leaves before its tests also ends with 0: this file, whose name the answer cannot know beforehand, says that it came to its end.
            string end = $"end-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}", source = _recipe.IsNode ? "main.js" : "main.py";
            string last = _recipe.IsNode ? $"import(\"fs\").then(f => f.writeFileSync(\"{end}\", \"\"));" : $"open(\"{end}\", \"w\").close()";
            AtomicFile.WriteAllBytes(Path.Combine(folder.FullName, source), Encoding.UTF8.GetBytes($"{FencedText.Last(answer) ?? answer}\n\n{tests}\n\n{last}\n"));
            (int? code, string errors) = await Start(folder.FullName, Script(source), stop).ConfigureAwait(false);
            string said = errors.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).LastOrDefault() ?? "";
            return code == 0 && File.Exists(Path.Combine(folder.FullName, end)) ? new(true, "")
                : new(false, code is null ? "it took too long" : code == 0 ? "it left before its tests were done" : said.Length > 0 ? JsonFields.Short(said) : $"it was ended with {code}");
        }
        finally
        {
            Delete(folder);
        }
    }

    /// <summary>Code may take the right to delete from its own folder: then that is left to whoever clears the system's.</summary>
    static void Delete(DirectoryInfo folder)
    {
        try
        {
            folder.Delete(recursive: true);
        }
        catch (Exception e) when (FileFault.Is(e))
        {
            return;
        }
    }

    /// <summary>Node reserves more addresses than it uses, so its memory is limited by its own flag; files to 8 MiB. The
    /// shell stays: the first process of a namespace is not ended by limits.</summary>
    string Script(string source) => string.Join("; ",
        $"ulimit -t {_recipe.Seconds}", "ulimit -c 0", "ulimit -f 16384", _recipe.IsNode ? "true" : $"ulimit -v {_recipe.Memory * 1024L}",
        $"\"$0\" {(_recipe.IsNode ? $"--max-old-space-size={_recipe.Memory}" : "-I")} {source} > /dev/null < /dev/null", "exit $?");

    /// <returns>The exit code, null where it took too long, and the end of its standard error.</returns>
    async Task<(int? Code, string Errors)> Start(string folder, string script, CancellationToken stop)
    {
        ProcessStartInfo start = new(IsOffline ? "unshare" : "/bin/sh") { WorkingDirectory = folder, UseShellExecute = false, RedirectStandardError = true };
        foreach (string argument in (string[])[.. IsOffline ? [.. s_namespaces, "/bin/sh"] : Array.Empty<string>(), "-c", script, _runner])
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment.Clear();
        start.Environment["PATH"] = Environment.GetEnvironmentVariable("PATH");
        start.Environment["HOME"] = folder;
        using CancellationTokenSource late = new(TimeSpan.FromSeconds((1.5 * _recipe.Seconds) + 5), _time), either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, stop);
        using Process process = Process.Start(start) ?? throw new InvalidOperationException("No process was started.");
        try
        {
            string errors = await Read(process.StandardError, either.Token).ConfigureAwait(false);
            await process.WaitForExitAsync(either.Token).ConfigureAwait(false);
            return (process.ExitCode, errors);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return (null, "");
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
                await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
            }
        }
    }

    static async Task<string> Read(StreamReader from, CancellationToken stop)
    {
        StringBuilder said = new();
        char[] part = new char[MostSaid];
        for (int read; (read = await from.ReadAsync(part, stop).ConfigureAwait(false)) > 0;)
        {
            said.Append(part, 0, read).Remove(0, Math.Max(0, said.Length - MostSaid));
        }

        return said.ToString();
    }

    /// <summary>The path of a program, as a shell finds it.</summary>
    static string? Find(string program) => program.Contains('/', StringComparison.Ordinal) ? File.Exists(program) ? Path.GetFullPath(program) : null
        : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(f => Path.Combine(f, program)).FirstOrDefault(File.Exists);
}
