namespace Retort.Tests;

/// <summary>Oracles that nobody in the project wrote, at $RETORT_SHARED or in "shared" beside the repository.</summary>
static class Shared
{
    /// <summary>The path of a file or folder in there; skips the test where it is absent.</summary>
    public static string Folder(string relative)
    {
        string? root = Environment.GetEnvironmentVariable("RETORT_SHARED");
        for (string? at = AppContext.BaseDirectory; root is null && at is not null; at = Path.GetDirectoryName(at))
        {
            if (File.Exists(Path.Combine(at, "Retort.slnx")))
            {
                root = Path.Combine(Path.GetDirectoryName(at) ?? at, "shared");
            }
        }

        string path = Path.Combine(root ?? "shared", relative);
        if (!Path.Exists(path))
        {
            Assert.Skip($"{path} is absent; set RETORT_SHARED to the folder of shared oracles.");
        }

        return path;
    }
}
