using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Retort.Tests.House;

/// <summary>The arrows between projects and the words nobody wants to find here. A new project or arrow needs a page in decisions/.</summary>
public sealed partial class DependencyTests
{
    static readonly string Root = FindRoot();

    /// <summary>What each project may reference, by the picture in ARCHITECTURE.md.</summary>
    static readonly Dictionary<string, string[]> Allowed = new(StringComparer.Ordinal)
    {
        ["Retort.Files"] = [],
        ["Retort.Kernels"] = [],
        ["Retort.Model"] = ["Retort.Files", "Retort.Kernels"],
        ["Retort.Evidence"] = ["Retort.Files"],
        ["Retort.Asking"] = ["Retort.Files", "Retort.Model", "Retort.Evidence"],
        ["Retort.Distill"] = ["Retort.Files", "Retort.Kernels", "Retort.Model", "Retort.Evidence", "Retort.Asking"],
        ["Retort.Guard"] = ["Retort.Files", "Retort.Model", "Retort.Evidence"],
        ["Retort.Trace"] = ["Retort.Files", "Retort.Model", "Retort.Evidence", "Retort.Asking"],
        ["Retort.Drill"] = ["Retort.Files", "Retort.Distill", "Retort.Guard", "Retort.Trace", "Retort.Model", "Retort.Evidence", "Retort.Asking"],
        ["Retort.Cli"] = ["Retort.Files", "Retort.Model", "Retort.Evidence", "Retort.Asking", "Retort.Distill", "Retort.Guard", "Retort.Trace", "Retort.Drill", "Retort.Samples.Tales"],
        ["Retort.Samples.Tales"] = [],
    };

    /// <summary>Files over 400 lines, each with its reason.</summary>
    static readonly Dictionary<string, string> Long = new(StringComparer.Ordinal);

    public static TheoryData<string> Projects => [.. Files("*.csproj").Select(Relative)];

    [Theory]
    [MemberData(nameof(Projects))]
    public void EveryArrowIsInThePicture(string path)
    {
        XDocument project = XDocument.Load(Path.Combine(Root, path));
        string name = Path.GetFileNameWithoutExtension(path);
        string[] arrows = [.. project.Descendants("ProjectReference").Select(r => Path.GetFileNameWithoutExtension(((string)r.Attribute("Include")!).Replace('\\', '/')))];
        if (path.StartsWith("tests/", StringComparison.Ordinal) || path.StartsWith("bench/", StringComparison.Ordinal))
        {
            return;
        }

        Assert.True(Allowed.ContainsKey(name), $"{path} is not in the picture");
        Assert.Empty(arrows.Except(Allowed[name]));
        if (name != "Retort.Guard")
        {
            Assert.DoesNotContain(project.Descendants("FrameworkReference"), r => ((string?)r.Attribute("Include"))?.Contains("AspNetCore", StringComparison.Ordinal) == true);
            Assert.DoesNotContain("Sdk.Web", (string?)project.Root!.Attribute("Sdk"), StringComparison.Ordinal);
        }
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void OnlyKernelsAreUnsafe(string path)
    {
        bool isUnsafe = XDocument.Load(Path.Combine(Root, path)).Descendants("AllowUnsafeBlocks").Any(e => bool.Parse(e.Value));
        Assert.Equal(path == "src/Retort.Kernels/Retort.Kernels.csproj", isUnsafe);
    }

    [Fact]
    public void TheSolutionHoldsEveryProjectAndArrowsAreNotInherited()
    {
        string[] listed = [.. XDocument.Load(Path.Combine(Root, "Retort.slnx")).Descendants("Project").Select(p => (string)p.Attribute("Path")!).Order(StringComparer.Ordinal)];
        Assert.Equal(Files("*.csproj").Select(Relative).Order(StringComparer.Ordinal), listed);
        string[] shared = [.. Files("Directory.Build.props").Select(Relative)];
        Assert.Equal(["Directory.Build.props"], shared);
        XDocument all = XDocument.Load(Path.Combine(Root, "Directory.Build.props"));
        Assert.Equal("true", all.Descendants("DisableTransitiveProjectReferences").Single().Value);
        Assert.Empty(all.Descendants("AllowUnsafeBlocks"));
        Assert.Empty(all.Descendants("ProjectReference"));
    }

    [Fact]
    public void NothingIsLeftUndone()
    {
        IEnumerable<string> faults =
            from file in Files("*.cs")
            from line in File.ReadLines(file).Index()
            where Undone().IsMatch(line.Item)
            select $"{Relative(file)}({line.Index + 1}): {line.Item.Trim()}";
        Assert.Empty(faults);
    }

    [Fact]
    public void FilesAreNamedForWhatTheyAre() =>
        Assert.DoesNotContain(Files("*.cs").Select(Relative), file => VagueName().IsMatch(Path.GetFileNameWithoutExtension(file)));

    [Fact]
    public void AFileIsOneIdea()
    {
        const int Most = 400;
        Dictionary<string, int> lengths = Files("*.cs").Select(file => (Name: Relative(file), Lines: File.ReadLines(file).Count())).Where(file => file.Lines > Most).ToDictionary(file => file.Name, file => file.Lines, StringComparer.Ordinal);
        Assert.Empty(lengths.Where(file => !Long.ContainsKey(file.Key)).Select(file => $"{file.Key} has {file.Value} lines"));
        Assert.Empty(Long.Keys.Except(lengths.Keys));
    }

    // The words are split so that this file does not find itself.
    [GeneratedRegex(@"\b(TO" + @"DO|FIX" + @"ME|HA" + @"CK|XX" + @"X)\b|NotImplemented" + "Exception", RegexOptions.ExplicitCapture)]
    private static partial Regex Undone();

    [GeneratedRegex("(Manager|Helper|Utils?)s?$", RegexOptions.ExplicitCapture)]
    private static partial Regex VagueName();

    static string Relative(string path) => Path.GetRelativePath(Root, path).Replace('\\', '/');

    /// <summary>Files of the project itself: not what a build or a run made.</summary>
    static IEnumerable<string> Files(string pattern)
    {
        string[] folders = [.. Directory.GetDirectories(Root).Where(folder => Path.GetFileName(folder) is "src" or "samples" or "tests" or "bench")];
        return Directory.GetFiles(Root, pattern).Concat(folders.SelectMany(folder => Directory.GetFiles(folder, pattern, SearchOption.AllDirectories))).Order(StringComparer.Ordinal);
    }

    static string FindRoot()
    {
        string? at = AppContext.BaseDirectory;
        while (at is not null && !File.Exists(Path.Combine(at, "Retort.slnx")))
        {
            at = Path.GetDirectoryName(at);
        }

        return at ?? throw new InvalidOperationException($"No Retort.slnx above {AppContext.BaseDirectory}.");
    }
}
