using YamlDotNet.RepresentationModel;

namespace Retort.Files;

/// <summary>One value of a recipe changed for one run: <c>--set key.path=value</c>.</summary>
public static class YamlChange
{
    /// <param name="typed">Takes the nodes that came from it.</param>
    /// <param name="paths">Keys that hold paths: one typed at the prompt starts from where it was typed, one written in a recipe from the recipe.</param>
    /// <exception cref="UserError">It is no change, or goes through what is no mapping.</exception>
    public static void Apply(YamlNode root, string change, HashSet<YamlNode> typed, params ReadOnlySpan<string> paths)
    {
        int equals = change.IndexOf('=', StringComparison.Ordinal);
        if (equals <= 0)
        {
            throw new UserError($"'{change}' is no change", "--set", "Write it as key.path=value, such as --set train.tokens=200000.");
        }

        string[] keys = change[..equals].Split('.');
        YamlNode at = root;
        for (int i = 0; i < keys.Length; i++)
        {
            if (at is not YamlMappingNode map)
            {
                throw new UserError($"'{string.Join('.', keys[..i])}' is not a mapping", "--set", "Name a key of the recipe.");
            }

            YamlScalarNode key = new(keys[i]);
            if (i == keys.Length - 1)
            {
                YamlNode given = YamlText.Parse(change[(equals + 1)..], "--set", lines: false) ?? new YamlScalarNode("");

                if (paths.Contains(change[..equals]) && given is YamlScalarNode { Value: { Length: > 0 } path } && !path.Contains("://", StringComparison.Ordinal))
                {
                    given = new YamlScalarNode(Path.GetFullPath(path));
                }

                map.Children.Remove(key);
                map.Children.Add(key, given);
                typed.Add(key);
                typed.UnionWith(given.AllNodes);
                return;
            }

            // What is on without more, such as twin: true, is a mapping of nothing but defaults.
            if (!map.Children.TryGetValue(key, out YamlNode? next) || next is YamlScalarNode { Value: "true" or "" })
            {
                map.Children[key] = next = new YamlMappingNode();
            }

            at = next;
        }
    }
}
