using System.Text.Json;
using Retort.Evidence.Statistics;

namespace Retort.Guard.Replay;

/// <summary>What a file of prompts is.</summary>
public enum PromptKind
{
    /// <summary>chat-*: what people ask.</summary>
    Chat,

    /// <summary>narrow-*: one job of one template.</summary>
    Narrow,

    /// <summary>A folder named evaluation: benchmarks.</summary>
    Evaluation,

    /// <summary>campaign-*: what is asked to train on the answers.</summary>
    Campaign,
}

/// <summary>Prompts of one origin.</summary>
/// <param name="Name">The file's, without its ending.</param>
/// <param name="Origin">Files of one origin are made of the same material and count as one independent source.</param>
public sealed record PromptSource(PromptKind Kind, string Name, string Origin, IReadOnlyList<string> Prompts);

/// <summary>Which half of the material.</summary>
public enum PromptHalf
{
    /// <summary>By which chances are calibrated.</summary>
    Calibration,

    /// <summary>By which a policy is scored.</summary>
    Scoring,
}

/// <summary>
/// A folder of prompts: JSON lines of "prompt", or "turns" of which the first is taken. Narrow jobs and one person's chat go to one half whole, with
/// everything of the same origin; files of many authors are parted prompt by prompt. No prompt is in both halves.
/// </summary>
public sealed record PromptLibrary(IReadOnlyList<PromptSource> Sources)
{
    /// <summary>Reads a folder and those below it.</summary>
    /// <exception cref="UserError">There is no such folder, a file cannot be read, or none of a kind is there.</exception>
    public static PromptLibrary Read(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new UserError("there is no such folder of prompts", folder, "Give one with chat-*.jsonl, narrow-*.jsonl, evaluation/*.jsonl and campaign-*.jsonl.");
        }

        List<PromptSource> sources = [];
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (string file in Directory.EnumerateFiles(folder, "*.jsonl", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            string name = Path.GetFileNameWithoutExtension(file);
            PromptKind? kind = Path.GetFileName(Path.GetDirectoryName(file)) == "evaluation" ? PromptKind.Evaluation
                : name.StartsWith("chat-", StringComparison.Ordinal) ? PromptKind.Chat
                : name.StartsWith("narrow-", StringComparison.Ordinal) ? PromptKind.Narrow
                : name.StartsWith("campaign-", StringComparison.Ordinal) ? PromptKind.Campaign
                : null;
            if (kind is { } k)
            {
                sources.Add(new(k, name, Origin(k, name), [.. Prompts(file).Where(seen.Add)]));
            }
        }

        foreach (PromptKind kind in Enum.GetValues<PromptKind>())
        {
            if (!sources.Any(s => s.Kind == kind && s.Prompts.Count > 0))
            {
                throw new UserError($"there are no prompts of the kind {kind.ToString().ToLowerInvariant()}", folder, "Give chat-*.jsonl, narrow-*.jsonl, evaluation/*.jsonl and campaign-*.jsonl.");
            }
        }

        return new(sources);
    }

    /// <summary>One half of the sources of a kind. Campaign prompts calibrate nothing: all of them score.</summary>
    public IReadOnlyList<PromptSource> Of(PromptKind kind, PromptHalf half) =>
    [
        .. Sources.Where(s => s.Kind == kind)
            .Select(s => kind == PromptKind.Campaign ? (half == PromptHalf.Scoring ? s : s with { Prompts = [] })
                : IsWhole(s) ? (Half(s.Origin) == half ? s : s with { Prompts = [] })
                : s with { Prompts = [.. s.Prompts.Where(p => Half(p) == half)] })
            .Where(s => s.Prompts.Count > 0),
    ];

    /// <summary>narrow-imdb_Sentiment and narrow-imdb_Opinion are jobs on the same reviews.</summary>
    static string Origin(PromptKind kind, string name) => kind == PromptKind.Narrow ? name.Split('_')[0] : name;

    static bool IsWhole(PromptSource source) => source.Kind == PromptKind.Narrow || source.Name.Contains("-person-", StringComparison.Ordinal);

    static PromptHalf Half(string text) => (PromptHalf)(PlainWords.Hash(text) & 1);

    static IEnumerable<string> Prompts(string file)
    {
        int number = 0;
        foreach (string line in TextFile.Read(file, 1 << 28).Split('\n'))
        {
            number++;
            if (line.Trim().Length > 0)
            {
                yield return Prompt(line) ?? throw new UserError($"line {number} holds no prompt", file, "A line is an object with \"prompt\", or with \"turns\".");
            }
        }
    }

    static string? Prompt(string line)
    {
        try
        {
            JsonElement json = JsonElement.Parse(line);
            return json.ValueKind != JsonValueKind.Object ? null
                : json.TryGetProperty("prompt", out JsonElement prompt) ? Text(prompt)
                : json.TryGetProperty("turns", out JsonElement turns) && turns.ValueKind == JsonValueKind.Array && turns.GetArrayLength() > 0 ? Text(turns[0])
                : null;
        }
        catch (JsonException)
        {
            return null;
        }

        static string? Text(JsonElement e) => e.ValueKind == JsonValueKind.String ? e.GetString() : null;
    }
}
