using System.Text;
using System.Text.Json.Nodes;

namespace Retort.Tests;

/// <summary>Changes to the structure of a JSON text that leave it JSON, mostly: what a mutation of bytes would meet once in a thousand times.</summary>
static class JsonMutation
{
    /// <summary>Stands for one until the text is written: no node may hold it.</summary>
    const string LoneSurrogate = "@surrogate";

    static readonly string[] s_values =
    [
        "null", "true", "-1", "0", "1", "2", "3", "0.5", "1e999", "-0", "2147483647", "2147483648", "9223372036854775807", "9223372036854775808", "1099511627776",
        "\"\"", "\"a\"", $"\"{LoneSurrogate}\"", "\"../x\"", "\"F32\"", "\"BF16\"", "\"model.safetensors\"", "[]", "[0]", "[1,2]", "[[[]]]", "{}", "{\"a\":{}}", "[9223372036854775807,9223372036854775807]",
    ];

    public static string Of(string json, Random random)
    {
        JsonNode root = JsonNode.Parse(json)!;
        for (int n = random.Next(1, 3); n > 0; n--)
        {
            Change(root, random);
        }

        string text = root.ToJsonString().Replace(LoneSurrogate, "\\ud800", StringComparison.Ordinal);
        return random.Next(12) switch
        {
            0 => string.Concat(Enumerable.Repeat("[", random.Next(1, 200))) + text,
            1 => Repeated(text, random),
            _ => text,
        };
    }

    /// <summary>The text with one of its members twice.</summary>
    static string Repeated(string text, Random random)
    {
        int at = text.IndexOf(',', random.Next(text.Length));
        int colon = at < 0 ? -1 : text.IndexOf(':', at);
        return colon < 0 ? text : text[..at] + "," + text[(at + 1)..(colon + 1)] + "0" + text[at..];
    }

    static void Change(JsonNode root, Random random)
    {
        List<JsonNode> nests = [];
        void Collect(JsonNode? node)
        {
            if (node is JsonObject or JsonArray)
            {
                nests.Add(node);
                foreach (JsonNode? child in node is JsonObject o ? o.Select(m => m.Value) : node.AsArray())
                {
                    Collect(child);
                }
            }
        }

        Collect(root);
        JsonNode nest = nests[random.Next(nests.Count)];
        JsonNode? Value()
        {
            // Another part of the same text half of the time, so that what is put in has a plausible form.
            JsonNode other = nests[random.Next(nests.Count)];
            return random.Next(4) == 0 ? other.DeepClone() : JsonNode.Parse(s_values[random.Next(s_values.Length)]);
        }

        if (nest is JsonObject members && members.Count > 0)
        {
            string name = members.ElementAt(random.Next(members.Count)).Key;
            switch (random.Next(5))
            {
                case 0:
                    members.Remove(name);
                    break;
                case 1:
                    JsonNode? moved = members[name]?.DeepClone();
                    members.Remove(name);
                    members[name + "x"] = moved;
                    break;
                case 2:
                    string other = members.ElementAt(random.Next(members.Count)).Key;
                    JsonNode? a = members[name]?.DeepClone(), b = members[other]?.DeepClone();
                    (members[name], members[other]) = (b, a);
                    break;
                default:
                    members[name] = Value();
                    break;
            }
        }
        else if (nest is JsonArray items)
        {
            switch (items.Count == 0 ? 2 : random.Next(4))
            {
                case 0:
                    items.RemoveAt(random.Next(items.Count));
                    break;
                case 1:
                    items.Insert(random.Next(items.Count), items[random.Next(items.Count)]?.DeepClone());
                    break;
                case 2:
                    items.Add(Value());
                    break;
                default:
                    items[random.Next(items.Count)] = Value();
                    break;
            }
        }
    }

    public static byte[] Of(ReadOnlySpan<byte> json, Random random) => Encoding.UTF8.GetBytes(Of(Encoding.UTF8.GetString(json), random));
}
