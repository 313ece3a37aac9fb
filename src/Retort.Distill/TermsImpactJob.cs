using Retort.Asking.Runs;

namespace Retort.Distill;

/// <summary>A run that a changed document or a ruling touches.</summary>
/// <param name="Folder">Of the run.</param>
/// <param name="Entry">The entry it was used under; null where another touched run lies between.</param>
/// <param name="Through">What it was made with: the model used under that entry, or the student of another touched run.</param>
/// <param name="Role">What that was to it.</param>
/// <param name="Rows">Documents it was trained and tested on.</param>
/// <param name="HasStudent">Whether a student was handed out.</param>
public sealed record TouchedRun(string Folder, string? Entry, string Through, string Role, long Rows, bool HasStudent);

/// <summary>Finds the runs, students and their descendants that were made under given entries of the register.</summary>
public static class TermsImpactJob
{
    const int Deepest = 4;

    /// <param name="folder">Holds runs, at any depth up to four.</param>
    /// <param name="entries">Ids.</param>
    /// <returns>Those touched first-hand in the order of their names, each followed by its descendants.</returns>
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
            if (terms.Uses.Select(u => (Use: u, Entry: u.Entries.FirstOrDefault(e => entries.Contains(e.Id)))).FirstOrDefault(u => u.Entry is not null) is { Entry: { } entry } first)
            {
                Touch(run, entry.Id, first.Use);
            }
        }

        return (runs.Length, touched);

        void Touch(string run, string? entry, RunTermsUse use)
        {
            if (!met.Add(run))
            {
                return;
            }

            string student = Path.Combine(Path.GetFullPath(run), "student"), rows = Path.Combine(run, "dataset.jsonl");
            touched.Add(new(run, entry, use.Model, use.Role, File.Exists(rows) ? Math.Max(0, File.ReadLines(rows).LongCount() - 1) : 0, Directory.Exists(student)));
            foreach ((string other, RunTerms terms) in runs)
            {
                if (terms.Uses.FirstOrDefault(u => Path.IsPathFullyQualified(u.Model) && (Path.GetFullPath(u.Model) + Path.DirectorySeparatorChar).StartsWith(student + Path.DirectorySeparatorChar, StringComparison.Ordinal)) is { } made)
                {
                    Touch(other, null, made);
                }
            }
        }
    }
}
