namespace Retort.Tests.Model.Tokenizers;

/// <summary>The oracles beside the repository: $RETORT_SHARED, or ../shared of the repository's root.</summary>
static class SharedFiles
{
    internal static string Find(string relative)
    {
        var roots = new List<string>();
        if (Environment.GetEnvironmentVariable("RETORT_SHARED") is { Length: > 0 } named)
        {
            roots.Add(named);
        }

        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Retort.slnx")) && folder.Parent is { } above)
            {
                roots.Add(Path.Combine(above.FullName, "shared"));
            }
        }

        string? found = roots.Select(root => Path.Combine(root, relative)).FirstOrDefault(File.Exists);
        Assert.SkipWhen(found is null, $"{relative} is not in ../shared or $RETORT_SHARED");
        return found!;
    }
}

/// <summary>The golden files of the tokenizers, made by the make.mjs among them.</summary>
static class GoldenFiles
{
    internal static string Find(string name) => Path.Combine(Root(), "tests", "golden", "tokenizers", name);

    /// <summary>The repository's.</summary>
    internal static string Root()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Retort.slnx")))
        {
            folder = folder.Parent;
        }

        Assert.NotNull(folder);
        return folder.FullName;
    }
}

/// <summary>A folder of a test's own, gone with it.</summary>
sealed class ScratchFolder : IDisposable
{
    internal string Root { get; } = Directory.CreateTempSubdirectory("retort-tokenizers-").FullName;

    internal string this[string name] => Path.Combine(Root, name);

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
