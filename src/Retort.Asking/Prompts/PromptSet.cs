namespace Retort.Asking;

/// <summary>The prompts of all files of a recipe.</summary>
public sealed record PromptSet(IReadOnlyList<PromptFile> Files)
{
    /// <summary>Rows without a prompt that are named.</summary>
    const int Named = 3;

    public IReadOnlyList<Prompt> Prompts { get; } = [.. Files.SelectMany(f => f.Prompts)];

    /// <exception cref="UserError">A file cannot be read or holds no prompt, or a template is given and no file is a table.</exception>
    public static PromptSet Read(IReadOnlyList<string> paths, PromptOptions options)
    {
        PromptSet set = new([.. paths.Select(p => PromptFile.Read(p, options))]);
        return options.Template is null || set.Files.Any(f => f.Format == PromptFormat.Csv) ? set : throw new UserError("a template is given, and no file of prompts is a table", "data.template", "Take it out, or name a .csv file.");
    }

    /// <summary>How many prompts there are of which files, and how many rows held none, with the reasons and the first of them.</summary>
    public IEnumerable<string> Lines()
    {
        yield return $"{Prompts.Count:n0} prompts from {(Files.Count == 1 ? "" : $"{Files.Count} files: ")}{string.Join(", ", Files.Select(f => $"{(Files.Count == 1 ? "" : $"{f.Prompts.Count:n0} from ")}{Path.GetFileName(f.Path)} ({f.Format.Word()})"))}";
        PromptRow.Nothing[] without = [.. Files.SelectMany(f => f.Without)];
        if (without.Length > 0)
        {
            yield return $"{without.Length:n0} rows hold no prompt: {string.Join(", ", without.CountBy(w => w.Why).OrderByDescending(w => w.Value).Select(w => $"{w.Value:n0} × {w.Key}"))}; the first at {string.Join(" · ", without.Take(Named).Select(w => w.Where))}";
        }
    }
}
