using Retort.Kernels;
using Retort.Model.Files;
using Retort.Model.Llama;
using Retort.Model.Tokenizers;

namespace Retort.Distill;

/// <summary>The run that another one leaves teachers out of.</summary>
/// <param name="Corpus">What it was trained and tested on.</param>
/// <param name="Tokenizer">Its student's; null where it was not trained to its end, so that there is no student.</param>
sealed record OriginalRun(string Folder, Recipe Recipe, Corpus Corpus, Tokenizer? Tokenizer)
{
    /// <summary>Null where the folder is of no run that got as far as a dataset.</summary>
    /// <param name="samples">Names <c>data.sample</c> may have.</param>
    /// <exception cref="UserError">A file of it cannot be read.</exception>
    public static OriginalRun? Find(string folder, IReadOnlyCollection<string> samples)
    {
        string recipe = Path.Combine(folder, DistillJob.RecipeFileName), dataset = Path.Combine(folder, DistillJob.DocumentsFile), tokenizer = Path.Combine(folder, "student", "tokenizer.json");
        return !File.Exists(recipe) || !File.Exists(dataset) ? null
            : new(folder, RecipeFile.Read(recipe, [], samples), DatasetFile.Read(dataset), File.Exists(tokenizer) && File.Exists(Path.Combine(folder, "report.json")) ? Tokenizer.Open(tokenizer) : null);
    }

    /// <summary>Its students, one after another: of every seed as it was trained, or, where that is no longer there, the one that was handed out.</summary>
    /// <exception cref="UserError">One cannot be read.</exception>
    public IEnumerable<LlamaWeights> Students(Workers workers)
    {
        LlamaWeights handedOut = ModelReference.Open(Path.Combine(Folder, "student")).Weights;
        string[] trained = [.. Recipe.Train.Seeds.Select(seed => Path.Combine(Folder, new DistillJob.Arm(DistillJob.Arm.Student, seed, Recipe.Loss, 0, 0).File))];
        if (!trained.All(File.Exists))
        {
            yield return handedOut;
            yield break;
        }

        FrozenModel? frozen = StudentModel.OpenFrozen(Recipe);
        foreach (string state in trained)
        {
            StudentWeights student = frozen is null ? new StudentWeights.Full(new LlamaWeights(handedOut.Config)) : StudentModel.Create(Recipe, handedOut.Config, null, frozen, 0);
            new Checkpoint(state, "").LoadWeights(student.Arenas);
            yield return student.Merged(workers);
        }
    }

    /// <summary>Whether another recipe trains as this one does but for the teachers it leaves out.</summary>
    public bool TrainsLike(Recipe other)
    {
        if (Recipe.Ask is not { } ask || other.Ask is not { } its)
        {
            return false;
        }

        Recipe left = Recipe with { Ask = ask.Without([.. its.LeftOut.Select(t => t.Model.ToString())], out string? fault) };
        return fault is null && Text(left) == Text(other);

        // Of the teachers left out nothing counts, nor what the run is called, where it begins, and how fast it is asked and trained.
        string Text(Recipe r) => RecipeText.Of(r with
        {
            Name = "",
            Teacher = r.Ask!.Teacher.ToString(),
            Terms = r.Ask.Terms,
            Export = Recipe.Export,
            Evaluate = Recipe.Evaluate,
            Train = r.Train with { Threads = 0, CheckpointSeconds = 0 },
            Ask = r.Ask with { Name = "", Reuse = null, LeftOut = [], InFlight = 1, Attempts = 1, RequestsPerMinute = null, TokensPerMinute = null, Ceiling = null, Timeout = default, Batch = false },
        });
    }
}
