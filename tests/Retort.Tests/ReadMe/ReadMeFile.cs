using System.Text.RegularExpressions;

namespace Retort.Tests.ReadMe;

/// <summary>README.md as a reader meets it: the commands of its code blocks.</summary>
static partial class ReadMeFile
{
    /// <summary>Every line of every block that holds a command, without the comment after it.</summary>
    public static IReadOnlyList<string> Commands { get; } =
    [
        .. Block().Matches(File.ReadAllText(Repository.PathOf("README.md"))).Select(m => m.Groups["text"].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            .Where(lines => lines.Any(l => l.StartsWith("./", StringComparison.Ordinal)))
            .SelectMany(lines => lines).Select(l => Comment().Replace(l, "")),
    ];

    /// <summary>The words of a command as a shell cuts them; double quotes hold spaces together.</summary>
    public static string[] Words(string command) => [.. Word().Matches(command).Select(m => m.Value.Replace("\"", "", StringComparison.Ordinal))];

    [GeneratedRegex(@"^```\w*\n(?<text>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.ExplicitCapture)]
    private static partial Regex Block();

    [GeneratedRegex(@"\s+# .*$")]
    private static partial Regex Comment();

    [GeneratedRegex(@"(""[^""]*""|[^\s""])+", RegexOptions.ExplicitCapture)]
    private static partial Regex Word();
}
