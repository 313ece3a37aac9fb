using Retort.Asking;
using Retort.Distill;

namespace Retort.Cli;

/// <summary>A recipe without some of its teachers, as <c>--without</c> asks for.</summary>
static class LeftOut
{
    const string ResolvedRecipe = "recipe.yaml";

    /// <param name="teachers">Whom to leave out.</param>
    /// <param name="file">The recipe: that of a run's folder means that run.</param>
    /// <param name="reuse">Whether it was said on the command line which run to begin with.</param>
    /// <returns>One that begins with the answers of the run that had them, where it is found: the folder's, the one named after the recipe, or what the recipe names itself.</returns>
    /// <exception cref="UserError">A teacher is none of the recipe's, or nobody is left.</exception>
    public static Recipe Of(Recipe recipe, IReadOnlyList<string> teachers, string file, bool reuse)
    {
        Recipe left = recipe.Without(teachers);
        string[] runs = [.. Path.GetFileName(file) == ResolvedRecipe ? [Path.GetDirectoryName(Path.GetFullPath(file))!] : (string[])[], Path.GetFullPath(Path.Combine("runs", recipe.Name))];
        return reuse || runs.FirstOrDefault(r => File.Exists(Path.Combine(r, CollectJob.StoreFile))) is not { } run ? left : left with { Ask = left.Ask! with { Reuse = run } };
    }

    /// <summary>What a folder's name ends with for a teacher that is left out: its model's name, in characters that no file system minds.</summary>
    public static string Suffix(string teacher) => "-without-" + string.Concat(teacher[(teacher.LastIndexOf('#') + 1)..].Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' ? c : '-'));
}
