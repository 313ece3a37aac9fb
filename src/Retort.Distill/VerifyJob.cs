using Retort.Asking.Runs;
using Retort.Kernels;

namespace Retort.Distill;

/// <summary>What became of training the student again.</summary>
public abstract record Retrained
{
    /// <summary>To the same weights, bit for bit.</summary>
    /// <param name="Bytes">Of the weights in student/.</param>
    public sealed record Same(long Seed, double Rate, long Bytes) : Retrained;

    /// <param name="File">By its path in the run folder, the first that differs.</param>
    /// <param name="First">Offset of its first byte that differs.</param>
    /// <param name="Count">Bytes of it that differ, those that one file has more than the other among them.</param>
    /// <param name="Paths">Where the run was made on another vector path, on which results agree within tolerances alone: that one and this; else null.</param>
    public sealed record Different(long Seed, double Rate, string File, long First, long Count, string? Paths) : Retrained;
}

/// <summary>What verifying a run came to.</summary>
/// <param name="Retrained">Null where it was not asked for.</param>
public sealed record VerifyResult(RunAuditReport Audit, Retrained? Retrained)
{
    /// <summary>Whether nothing is wrong.</summary>
    public bool Holds => Audit.Holds && Retrained is not Distill.Retrained.Different;
}

/// <summary>
/// Verifies a finished run: 1 check its folder against its ledger · 2 if asked for, train the first seed's student again from the recipe and the data in
/// the folder, and compare the weights.
/// </summary>
public static class VerifyJob
{
    /// <exception cref="UserError">There is no ledger; or the student cannot be trained again: the folder is not that of a finished run, or the
    /// teacher's weights are gone.</exception>
    public static VerifyResult Run(
        string folder, RunAuditOptions options, bool retrain, IReadOnlyDictionary<string, SampleSource> samples, Action<RunProgress> progress, TimeProvider time, CancellationToken stop)
    {
        // 1
        RunAuditReport audit = RunAudit.Run(folder, options, time);

        // 2
        return new(audit, retrain ? Retrain(folder, samples, progress, time, stop) : null);
    }

    /// <summary>Trains the student of the first seed again in a folder of its own, at the rate that was chosen, without twin, search and tasks.</summary>
    public static Retrained Retrain(string folder, IReadOnlyDictionary<string, SampleSource> samples, Action<RunProgress> progress, TimeProvider time, CancellationToken stop)
    {
        string reportPath = Path.Combine(folder, "report.json"), student = Path.Combine(folder, "student");
        RunReport report = ReportJson.Read(TextFile.Read(reportPath), reportPath);
        string[] weights = Directory.Exists(student) ? [.. Directory.GetFiles(student, "*.safetensors").Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)] : [];
        if (weights.Length == 0)
        {
            throw new UserError("there are no weights to compare with", student, "Name the folder of a finished run.");
        }

        Recipe whole = RecipeFile.Read(Path.Combine(folder, "recipe.yaml"), [], [.. samples.Keys]);
        long seed = whole.Train.Seeds[0];
        double rate = report.RateSearch?.StudentRate ?? whole.Train.Rates[0];
        Recipe recipe = whole with
        {
            Train = whole.Train with { Rates = [rate], Seeds = [seed] },
            Twin = null,
            Evaluate = whole.Evaluate with { GoldItems = 0, Samples = 0 },
        };
        CheckTeacher(recipe);
        string dataset = Path.Combine(folder, DistillJob.DocumentsFile);
        if (!File.Exists(dataset))
        {
            throw new UserError("there is no dataset to train on again", dataset, "Name the folder of a finished run.");
        }

        string again = Directory.CreateTempSubdirectory("retort-retrain-").FullName;
        try
        {
            DistillJob.Run(recipe, new DistillOptions(again, Resume: false, Register: null, Ask: false) { Dataset = dataset }, samples, progress, time, stop);
            string now = Lanes.Path.ToString();
            foreach (string file in weights)
            {
                (long first, long count) = Difference(Path.Combine(student, file), Path.Combine(again, "student", file));
                if (count > 0)
                {
                    return new Retrained.Different(seed, rate, $"student/{file}", first, count, report.Run.VectorPath == now ? null : $"{report.Run.VectorPath} and {now}");
                }
            }

            return new Retrained.Same(seed, rate, weights.Sum(f => new FileInfo(Path.Combine(student, f)).Length));
        }
        finally
        {
            Directory.Delete(again, recursive: true);
        }
    }

    static void CheckTeacher(Recipe recipe)
    {
        if (recipe.TeacherOnDisk is { } teacher && !Path.Exists(teacher))
        {
            throw new UserError("the teacher's weights are no longer there", teacher, "Put them back: the student cannot be trained again without them.");
        }
    }

    static (long First, long Count) Difference(string one, string other)
    {
        if (!File.Exists(other))
        {
            return (0, new FileInfo(one).Length);
        }

        using FileStream a = File.OpenRead(one), b = File.OpenRead(other);
        byte[] pieceA = new byte[1 << 20], pieceB = new byte[1 << 20];
        long first = -1, count = Math.Abs(a.Length - b.Length), at = 0, common = Math.Min(a.Length, b.Length);
        while (at < common)
        {
            int length = (int)Math.Min(pieceA.Length, common - at);
            a.ReadExactly(pieceA, 0, length);
            b.ReadExactly(pieceB, 0, length);
            for (int i = 0; i < length; i++)
            {
                if (pieceA[i] != pieceB[i])
                {
                    first = first < 0 ? at + i : first;
                    count++;
                }
            }

            at += length;
        }

        return (first < 0 ? common : first, count);
    }
}
