namespace Retort.Tests;

/// <summary>A text of YAML with a few lines removed, repeated, moved, indented or renamed, or a word put in.</summary>
static class YamlMutation
{
    static readonly string[] s_words =
    [
        "-1", "0", "1", "1e999", "99999999999999999999", "NaN", "~", "true", "''", "\"", "'", "[]", "{}", "[[1]]", "[~]", "[{}]", "{a: 1}", "? x", "- x", "|", ">", "!!int x", "&a b", "*a", "---", "...", "#", ": ", "\t", "\0", "\"\\0\"", "\"\\uD800\"", "é", "2026-02-30", "0000-01-01", "9999-12-31", "0001-01-01", "localhost", "*.*", "*", "|", "a|", "../x", "/dev/null", "unknown", "allow", "flow-down",
    ];

    /// <param name="keys">Names that a line's own may be changed to.</param>
    public static string Of(string yaml, string[] keys, Random random)
    {
        List<string> lines = [.. yaml.Split('\n')];
        for (int n = random.Next(1, 4); n > 0 && lines.Count > 0; n--)
        {
            int at = random.Next(lines.Count), to = random.Next(lines.Count);
            string line = lines[at], word = s_words[random.Next(s_words.Length)];
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            switch (random.Next(8))
            {
                case 0:
                    lines.RemoveAt(at);
                    break;
                case 1:
                    lines.Insert(to, line);
                    break;
                case 2:
                    (lines[at], lines[to]) = (lines[to], line);
                    break;
                case 3:
                    lines[at] = random.Next(2) == 0 ? "  " + line : line.TrimStart();
                    break;
                case 4:
                    lines[at] = colon < 0 ? line : $"{line[..^line.TrimStart().Length]}{keys[random.Next(keys.Length)]}{line[colon..]}";
                    break;
                case 5:
                    int cut = random.Next(line.Length + 1);
                    lines[at] = line[..cut] + word + line[cut..];
                    break;
                case 6:
                    // The last value of a mapping in braces.
                    int value = line.LastIndexOf(": ", StringComparison.Ordinal);
                    lines[at] = value < 0 ? line : line[..(value + 2)] + word + (line.EndsWith('}') ? "}" : "");
                    break;
                default:
                    lines[at] = colon < 0 ? line : $"{line[..colon]}: {word}";
                    break;
            }
        }

        return string.Join('\n', lines);
    }
}
