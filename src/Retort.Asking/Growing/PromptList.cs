using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Retort.Asking;

/// <summary>Prompts that a model was asked to list as JSON, wherever in its answer they stand, and as many of them as came whole.</summary>
static partial class PromptList
{
    static readonly string[] s_names = ["prompt", "instruction", "task", "text"];

    /// <summary>The texts of a JSON list, or of objects in it; of numbered lines where there is no list.</summary>
    public static IReadOnlyList<string> Read(string answer)
    {
        int begin = answer.IndexOf('[', StringComparison.Ordinal);
        List<string> listed = begin < 0 ? [] : Listed(Encoding.UTF8.GetBytes(answer[begin..]));
        return [.. (listed.Count > 0 ? listed : [.. Numbered().Matches(answer).Select(m => m.Groups["text"].Value)]).Select(t => t.Trim()).Where(t => t.Length > 0)];
    }

    /// <summary>What stands before a fault or the end is whole.</summary>
    static List<string> Listed(byte[] utf8)
    {
        List<string> texts = [];
        Utf8JsonReader reader = new(utf8, isFinalBlock: false, default);
        string? name = null;
        try
        {
            while (reader.Read() && (reader.TokenType != JsonTokenType.EndArray || reader.CurrentDepth > 0))
            {
                name = reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth == 2 ? reader.GetString() : reader.TokenType == JsonTokenType.String ? name : null;
                if (reader.TokenType == JsonTokenType.String && (reader.CurrentDepth == 1 || (reader.CurrentDepth == 2 && s_names.Contains(name, StringComparer.Ordinal))))
                {
                    texts.Add(reader.GetString()!);
                }
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // No JSON from here on, or half of a character.
        }

        return texts;
    }

    [GeneratedRegex(@"^\s{0,8}\d{1,4}[.)]\s+(?<text>\S.*?)\s*$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Numbered();
}
