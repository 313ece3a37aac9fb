using System.Diagnostics;
using Retort.Cli;
using Retort.Tests.Cli;

namespace Retort.Tests.ReadMe;

/// <summary>A folder that holds what the README's commands name: the bundled models and recipes, a story, some prompts. Programs run in it.</summary>
sealed class WorkingCopy : IDisposable
{
    public WorkingCopy()
    {
        foreach (string folder in new[] { "models/tales-teacher", "models/tales-base", "recipes" })
        {
            Directory.CreateDirectory(this[folder]);
            foreach (string file in Directory.GetFiles(Repository.PathOf(folder)))
            {
                File.Copy(file, Path.Combine(this[folder], Path.GetFileName(file)));
            }
        }

        File.WriteAllText(this["story.txt"], "Once upon a time there was a girl called Anna. She had a red kite.\n\nOne day the kite flew away, and Anna looked for it in the old mill.\n");
        File.WriteAllLines(this["prompts.jsonl"], Enumerable.Range(1, 20).Select(i => $$"""{"prompt": "Who has kite {{i}}? ", "answer": "Anna has kite {{i}}."}"""));
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("retort-readme-").FullName;

    public string this[string name] => Path.Combine(Folder, name);

    /// <summary>The program as the launcher starts it, in a process of its own.</summary>
    public DoorRun Retort(IEnumerable<string> arguments, params (string Name, string Value)[] environment) =>
        Run("dotnet", [typeof(Door).Assembly.Location, .. arguments], environment);

    public DoorRun Run(string program, IEnumerable<string> arguments, params (string Name, string Value)[] environment)
    {
        ProcessStartInfo start = new(program, arguments) { UseShellExecute = false, WorkingDirectory = Folder, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };

        // A token of the machine's owner is no business of a hub that a test plays.
        start.Environment.Remove("HF_TOKEN");
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new(process.ExitCode, output, error.Result);
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
