using Retort.Asking;
using Retort.Asking.Runs;

namespace Retort.Distill;

/// <summary>A run that a changed document or a ruling touches.</summary>
/// <param name="Folder">Of the run.</param>
/// <param name="Entry">The entry it was used under; null where another touched run lies between.</param>
/// <param name="Through">What it was made with: the model used under that entry, or the student of another touched run.</param>
/// <param name="Role">What that was to it.</param>
/// <param name="Rows">Documents it was trained and tested on; of a teacher beside others those that it wrote.</param>
/// <param name="HasStudent">Whether a student was handed out.</param>
public sealed record TouchedRun(string Folder, string? Entry, string Through, string Role, long Rows, bool HasStudent)
{
    /// <summary>Whether it has answers of a teacher that was asked.</summary>
    public bool HasAnswers { get; init; }

    /// <summary>Whether this is one of several teachers it was trained with, so that it can be trained again without.</summary>
    public bool Others { get; init; }
}

/// <summary>Finds the runs, students and their descendants that were made under given entries of the register.</summary>
public static class TermsImpactJob
{
    const int Deepest = 4;

    /// <param name="folder">Holds runs, at any depth up to four.</param>
    /// <param name="entries">Ids.</param>
    /// <returns>Those touched first-hand in the order of their names, one for each model that was used under an entry, each run followed by its descendants.</returns>
    /// <exception cref="UserError">There is no such folder, or a run's terms cannot be read.</exception>
    public static (int Runs, IReadOnlyList<TouchedRun> Touched) Find(string folder, IReadOnlySet<string> entries)
    {
        if (!Directory.Exists(folder))
        {
            throw new UserError("there is no such folder", folder, "Name the folder that holds the runs, such as runs.");
        }

        (string Folder, RunTerms Terms)[] runs =
        [
            .. Directory.EnumerateFiles(folder, RunTerms.FileName, new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = Deepest, IgnoreInaccessible = true })
                .Order(StringComparer.Ordinal).Select(f => (Path.GetDirectoryName(f)!, RunTerms.Read(f))),
        ];
        List<TouchedRun> touched = [];
        HashSet<string> met = new(StringComparer.Ordinal);
        foreach ((string run, RunTerms terms) in runs)
        {
            if (FirstHand(terms) is { Length: > 0 } found)
            {
                Touch(run, terms, found);
            }
        }

        return (runs.Length, touched);

        (RunTermsUse Use, string? Entry)[] FirstHand(RunTerms terms) =>
            [.. terms.Uses.Select(u => (Use: u, u.Entries.FirstOrDefault(e => entries.Contains(e.Id))?.Id)).Where(u => u.Id is not null).Select(u => (u.Use, u.Id)).DistinctBy(u => u.Use.Model)];

        void Touch(string run, RunTerms terms, IEnumerable<(RunTermsUse Use, string? Entry)> through)
        {
            if (!met.Add(run))
            {
                return;
            }

            string student = Path.Combine(Path.GetFullPath(run), "student");
            string[] teachers = [.. terms.Uses.Where(u => u.Role == Teacher).Select(u => u.Model).Distinct(StringComparer.Ordinal)];
            Dictionary<string, long> rows = Rows(Path.Combine(run, DistillJob.DocumentsFile));
            foreach ((RunTermsUse use, string? entry) in through)
            {
                bool others = use.Role == Teacher && teachers.Length > 1;
                touched.Add(new(run, entry, use.Model, use.Role, others ? rows.GetValueOrDefault(use.Model) : rows.Values.Sum(), Directory.Exists(student))
                {
                    HasAnswers = File.Exists(Path.Combine(run, CollectJob.StoreFile)),
                    Others = others && File.Exists(Path.Combine(run, DistillJob.RecipeFileName)),
                });
            }

            foreach ((string other, RunTerms its) in runs)
            {
                if (its.Uses.FirstOrDefault(u => Path.IsPathFullyQualified(u.Model) && (Path.GetFullPath(u.Model) + Path.DirectorySeparatorChar).StartsWith(student + Path.DirectorySeparatorChar, StringComparison.Ordinal)) is { } made)
                {
                    Touch(other, its, [(made, null), .. FirstHand(its)]);
                }
            }
        }
    }

    const string Teacher = "teacher";

    /// <summary>Documents of a dataset by who wrote them; those of nobody who was asked under no name.</summary>
    static Dictionary<string, long> Rows(string dataset)
    {
        Corpus? corpus = File.Exists(dataset) ? DatasetFile.Read(dataset) : null;
        return corpus is null ? [] : corpus.Train.Concat(corpus.Validation).Concat(corpus.HeldOut).GroupBy(d => d.Teacher ?? "").ToDictionary(g => g.Key, g => g.LongCount(), StringComparer.Ordinal);
    }
}
