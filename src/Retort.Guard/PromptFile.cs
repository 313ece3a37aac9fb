using System.Text.Json;

namespace Retort.Guard;

/// <summary>Prompts as JSON lines, each an object with "prompt".</summary>
static class PromptFile
{
    /// <exception cref="UserError">The file cannot be read, or a line holds no prompt.</exception>
    public static IReadOnlyList<string> Read(string path)
    {
        try
        {
            List<string> prompts = [];
            foreach ((int number, string line) in File.ReadLines(path).Index().Where(l => l.Item.Trim().Length > 0))
            {
                JsonElement json = JsonElement.Parse(line);
                prompts.Add(json.ValueKind == JsonValueKind.Object && json.TryGetProperty("prompt", out JsonElement prompt) && prompt.ValueKind == JsonValueKind.String
                    ? prompt.GetString()!
                    : throw new UserError($"line {number + 1} holds no prompt", path, "A line is an object with \"prompt\"."));
            }

            return prompts;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or InvalidOperationException)
        {
            throw new UserError($"the prompts cannot be read: {e.Message.TrimEnd('.')}", path, "Give JSON lines, each an object with \"prompt\".");
        }
    }
}
