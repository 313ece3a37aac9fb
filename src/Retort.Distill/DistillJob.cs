using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.AI;
using Retort.Asking;
using Retort.Asking.Runs;
using Retort.Evidence.Ledger;
using Retort.Evidence.Terms;
using Retort.Kernels;
using Retort.Model.Files;
using Retort.Model.Llama;
using Retort.Model.Tokenizers;

namespace Retort.Distill;

/// <param name="Out">The run folder.</param>
/// <param name="Resume">Go on with what the folder holds; otherwise a folder that holds a run is refused.</param>
/// <param name="Register">By which it is decided whether teacher and student may be used; null only where a run is made again to be verified, and nothing is handed out.</param>
/// <param name="Ask">False takes the answers that are there and asks for no more.</param>
/// <param name="Environment">Gives an environment variable, for an endpoint's key; null where it is not set.</param>
/// <param name="Client">Who is asked instead of the recipe's endpoint; null for that.</param>
public sealed record DistillOptions(string Out, bool Resume, TermsRegister? Register, bool Ask = true, Func<string, string?>? Environment = null, IChatClient? Client = null)
{
    /// <summary>A dataset.jsonl that is trained on in place of what the recipe names; null for that.</summary>
    public string? Dataset { get; init; }

    /// <summary>Who signs the run's ledger; null keeps none.</summary>
    public LedgerHome? Ledger { get; init; }

    /// <summary>Told what asking may cost, before anything is asked.</summary>
    public Action<Forecast>? OnForecast { get; init; }
}

/// <summary>What came of it.</summary>
public abstract record DistillResult
{
    /// <summary>The terms of a model it would use, or what nobody knows of them, forbid it; nothing was asked or trained.</summary>
    public sealed record Refused(TermsVerdict.Closed Verdict) : DistillResult;

    /// <summary>Asking ended before every question was asked; nothing was trained.</summary>
    public sealed record NotAsked(CollectResult.Asked Asked) : DistillResult;

    /// <param name="Export">Whether the student was handed out with all its terms ask for; where it was not, its folder is not written.</param>
    public sealed record Finished(RunReport Report, ExportVerdict Export) : DistillResult;
}

/// <summary>What a person watching wants to know.</summary>
/// <param name="Share">Of this step, 0 to 1.</param>
/// <param name="Detail">Loss, rate and the like.</param>
/// <param name="Whole">Share of the whole work, 0 to 1; null where it has this one step.</param>
/// <param name="Left">Time the whole work still takes; null while nobody can tell.</param>
public sealed record RunProgress(string Step, double Share, string Detail, double? Whole = null, TimeSpan? Left = null);

/// <summary>
/// Distills a student from a teacher, read from disk or asked behind an interface, or trains one from text when there is no teacher:
/// <list type="number">
/// <item>check the terms of all it would use, ask a teacher behind an interface, open one on disk</item>
/// <item>gather documents, those of an asked teacher as admitted, and pack them into rows</item>
/// <item>score the training rows once with the teacher, or take the probabilities it answered with, if signals are stored</item>
/// <item>search the learning rate on validation text, for student and twin alike</item>
/// <item>train student and twin, once a seed</item>
/// <item>evaluate them beside the teacher on held-out rows</item>
/// <item>write the report</item>
/// <item>export the student of the first seed, if its papers meet what the terms ask for</item>
/// </list>
/// Every step leaves a file in the run folder and its hashes in manifest.json; once the student is exported, they are recorded in the run's ledger.
/// </summary>
public sealed partial class DistillJob : IDisposable
{
    /// <summary>Files of the run folder, by their path in it.</summary>
    internal const string RecipeFileName = "recipe.yaml", SamplesFile = "samples.jsonl", DocumentsFile = "dataset.jsonl", SignalsFile = "signals/train.sig", HeldOutFile = "held-out.jsonl";

    readonly Recipe _recipe;
    readonly DistillOptions _options;
    readonly IReadOnlyDictionary<string, SampleSource> _samples;
    readonly Action<RunProgress> _progress;
    readonly CancellationToken _stop;
    readonly TimeProvider _time;
    readonly Workers _workers;
    readonly Manifest _manifest;
    readonly RunPlan _plan;
    readonly List<StepTime> _times = [];
    readonly List<string> _warnings = [];
    readonly string _recipeHash, _trainingHash;
    readonly Lazy<FrozenModel?> _opened;
    readonly TaskForm? _task;
    RunTerms? _terms;
    SignalAlignment? _alignment;
    AdmissionFacts? _admission;

    DistillJob(Recipe recipe, DistillOptions options, IReadOnlyDictionary<string, SampleSource> samples, Action<RunProgress> progress, TimeProvider time, CancellationToken stop)
    {
        _recipe = recipe;
        _options = options;
        _samples = samples;
        _progress = progress;
        _time = time;
        _stop = stop;
        _workers = new(recipe.Train.Threads > 0 ? recipe.Train.Threads : Environment.ProcessorCount);
        _manifest = new(options.Out);
        _plan = new(time);
        _opened = new(() => StudentModel.OpenFrozen(recipe));
        _task = recipe.Task is { } task ? new(task) : null;
        _recipeHash = Convert.ToHexStringLower(SHA256.HashData(ResolvedRecipe));
        _trainingHash = Convert.ToHexStringLower(SHA256.HashData(WithoutExport(ResolvedRecipe)));
    }

    /// <exception cref="UserError">Bad input.</exception>
    /// <exception cref="OperationCanceledException">Stopped; <see cref="DistillOptions.Resume"/> goes on from there.</exception>
    public static DistillResult Run(
        Recipe recipe, DistillOptions options, IReadOnlyDictionary<string, SampleSource> samples, Action<RunProgress> progress, TimeProvider time, CancellationToken stop)
    {
        using DistillJob job = new(recipe, options, samples, progress, time, stop);
        return job.Run();
    }

    public void Dispose() => _workers.Dispose();

    DistillResult Run()
    {
        CheckFolder();

        // 1
        if (CheckTerms(out IReadOnlyList<Obligation> obligations) is { } closed)
        {
            return new DistillResult.Refused(closed);
        }

        switch (Timed("ask", Ask))
        {
            case CollectResult.Refused refused:
                return new DistillResult.Refused(refused.Verdict);
            case CollectResult.Asked { End: not AskEnd.Done } asked:
                return new DistillResult.NotAsked(asked);

            // What endpoints said of themselves binds training and export as it did asking.
            case CollectResult.Asked when CheckTerms(out obligations) is { } tightened:
                return new DistillResult.Refused(tightened);
        }

        (LlamaWeights? teacher, ModelFacts? teacherFacts, string teacherHash, Tokenizer? teacherTokenizer) = Timed("open", OpenTeacher);

        // 2
        RunData data = Timed("data", () => Gather(teacher, teacherTokenizer));
        LlamaConfig config = StudentModel.Config(_recipe, data.Tokenizer, teacher, Frozen);
        CheckMemory(config, teacher);
        IReadOnlyDictionary<string, IReadOnlyList<ServedToken>>? served = CheckServed(data.Corpus);
        TakeFolder();
        WriteDataset(data.Corpus);
        double tokensPerRow = data.Train.TokensPerRow;
        Plan(config, teacher, data);

        // 3
        TeacherSignal signal = Timed("signals", () => Signal(teacher, teacherHash, data, config.Vocabulary, served));

        // 4 and 5
        Trainers trainers = Trainers.Of(_recipe, config, data, signal, _workers);
        RateSearch? search = Timed("search", () => SearchRate(trainers, config, teacher, data.Validation));
        TrainingCompute compute = Compute(config, teacher, data);
        Trained trained = Timed("train", () => Train(trainers, config, teacher, teacherHash, data.Validation, search, compute));

        // 6
        Evaluated evaluated = Timed("evaluate", () => Evaluate(trained, teacher, data));

        // 7
        RunReport report = Report(teacherFacts, teacher, config, data, signal, search, trained, compute, evaluated);
        WriteReport(report);

        // 8
        ExportVerdict export = Export(trained, data, report, obligations);
        if (_options.Ledger is { } home)
        {
            RunLedger.Record(_options.Out, home, _time);
        }

        return new DistillResult.Finished(report, export);
    }

    /// <summary>What a trial leaves that ended in no number.</summary>
    const string Diverged = "diverged";

    LoraRecipe? Lora => (_recipe.Student as StudentRecipe.From)?.Lora;

    FrozenModel? Frozen => _opened.Value;

    LossWeights TwinLoss => new(1, 0, 0, 0, 0.5f, 1);

    string RecipePath => Path.Combine(_options.Out, RecipeFileName);

    byte[] ResolvedRecipe => Encoding.UTF8.GetBytes(RecipeText.Of(_recipe));

    void CheckFolder()
    {
        if (!File.Exists(RecipePath))
        {
            if (Directory.Exists(_options.Out) && Directory.EnumerateFileSystemEntries(_options.Out).Any(e => !IsBeginning(e)))
            {
                throw new UserError("the folder holds files that are no run's", _options.Out, "Give an empty or a new folder with --out.");
            }

            return;
        }

        if (!_options.Resume)
        {
            throw new UserError("the folder already holds a run", _options.Out, "Add --resume to go on with it, or give another --out folder.");
        }

        // How the student is handed out may change once it is trained.
        if (!WithoutExport(File.ReadAllBytes(RecipePath)).SequenceEqual(WithoutExport(ResolvedRecipe)))
        {
            throw new UserError("the folder holds a run of another recipe", _options.Out, "Resume with the same recipe and --set values, or give another --out folder.");
        }
    }

    /// <summary>The export is the last section.</summary>
    static ReadOnlySpan<byte> WithoutExport(ReadOnlySpan<byte> recipe) => recipe.IndexOf("\nexport:\n"u8) is >= 0 and int at ? recipe[..at] : recipe;

    /// <summary>What a run leaves that was stopped before its recipe was written, and what asking leaves.</summary>
    static bool IsBeginning(string entry) =>
        entry.EndsWith(AtomicFile.Suffix, StringComparison.Ordinal) || Path.GetFileName(entry).StartsWith(CollectJob.StoreFile, StringComparison.Ordinal) || Path.GetFileName(entry) is CollectJob.SensitiveFile or CollectJob.GrownFile or ExcludedFile or OverlapsFile or AdmissionFile or Manifest.FileName or RunFiles.ExportName or RunFiles.LedgerFolder or RunFiles.PublicKeyName or RunFiles.SecretName or RunFiles.WitnessFolder or RunFiles.StatementFolder || (Path.GetFileName(entry) is "checkpoints" or "signals" && Directory.Exists(entry) && !Directory.EnumerateFileSystemEntries(entry).Any());

    /// <summary>Puts the recipe into the folder, which from then on holds this run. Only once nothing is left that a reader would have to mend
    /// first: a recipe that was refused leaves no folder behind.</summary>
    void TakeFolder()
    {
        try
        {
            foreach (string part in (string[])["", "checkpoints", "signals"])
            {
                Directory.CreateDirectory(Path.Combine(_options.Out, part));
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserError("the run folder cannot be made", _options.Out, "Give a folder you may write to with --out.");
        }

        AtomicFile.WriteAllBytes(RecipePath, ResolvedRecipe);
        if (_terms is { } terms)
        {
            terms.Write(_options.Out);
            _manifest.Add("terms", new Dictionary<string, string> { ["register"] = terms.Register }, RunTerms.FileName);
        }
    }

    RateSearch? SearchRate(Trainers trainers, LlamaConfig config, LlamaWeights? teacher, Dataset validation)
    {
        if (_recipe.Train.Rates.Count == 1)
        {
            return null;
        }

        List<RateTrial> trials = [];
        foreach (double rate in _recipe.Train.Rates)
        {
            double? Try(string arm, LossWeights loss)
            {
                Trial trial = new(arm, rate);
                string file = Path.Combine(_options.Out, trial.File);
                if (File.Exists(file))
                {
                    string text = File.ReadAllText(file);
                    return double.TryParse(text, CultureInfo.InvariantCulture, out double known) ? known
                        : text == Diverged ? null
                        : throw new UserError("the result of a learning-rate trial is no number", file, "Delete it; the run makes the trial again.");
                }

                double? loss1;
                try
                {
                    StudentWeights weights = StudentModel.Create(_recipe, config, teacher, Frozen, Seed(_recipe.Train.Seeds[0]));
                    Trainer trainer = trainers.Of(arm);
                    TrainOptions options = Options(rate, _recipe.Train.Seeds[0], loss) with { Steps = Math.Max(1, (int)(Steps(trainer.TokensPerRow) * _recipe.Train.SearchShare)) };
                    trainer.Run(weights, options, null, (p, steps) => Show(trial.File, trial.Title, p, steps), _stop);
                    RowScores scores = Evaluation.Score([weights.Merged(_workers)], null, validation, _workers, _stop)[0];
                    double mean = scores.Mean(scores.CrossEntropy);
                    loss1 = double.IsFinite(mean) ? mean : null;
                }
                catch (UserError e) when (e.Where == "train.rate")
                {
                    loss1 = null;
                }

                AtomicFile.WriteAllBytes(file, Encoding.UTF8.GetBytes(loss1?.ToString("R", CultureInfo.InvariantCulture) ?? Diverged));
                return loss1;
            }

            trials.Add(new(rate, Try(Arm.Student, _recipe.Loss), trainers.Twin is not null ? Try(Arm.Twin, TwinLoss) : null));
        }

        RateTrial[] held = [.. trials.Where(t => t.Student is not null)];
        if (held.Length == 0)
        {
            throw new UserError("the student diverged at every learning rate", "train.rate", "Give lower rates.");
        }

        return new(trials, held.MinBy(t => t.Student)!.Rate, trainers.Twin is not null ? trials.Where(t => t.Twin is not null).MinBy(t => t.Twin)?.Rate : null);
    }

    static ulong Seed(long seed) => (ulong)seed * 7919;

    int Steps(double tokensPerRow) => (int)Math.Max(1, Math.Round(_recipe.Train.Tokens / (tokensPerRow * _recipe.Train.Rows * _recipe.Train.Accumulate)));

    TrainOptions Options(double rate, long seed, LossWeights loss) => new()
    {
        Rows = _recipe.Train.Rows,
        Accumulate = _recipe.Train.Accumulate,
        Steps = 1,
        Rate = rate,
        Seed = Seed(seed),
        Schedule = _recipe.Train.Schedule,
        Optimizer = _recipe.Train.Optimizer,
        Loss = loss,
        OnPolicy = loss.NeedsTeacher,
        CheckpointSeconds = _recipe.Train.CheckpointSeconds,
    };

    void WriteReport(RunReport report)
    {
        AtomicFile.WriteAllBytes(Path.Combine(_options.Out, "report.json"), Encoding.UTF8.GetBytes(ReportJson.Write(report)));
        AtomicFile.WriteAllBytes(Path.Combine(_options.Out, "report.html"), Encoding.UTF8.GetBytes(ReportPage.Write(report)));
        _manifest.Add("report", new Dictionary<string, string> { ["recipe"] = _recipeHash }, "report.json", "report.html");
    }

    T Timed<T>(string step, Func<T> work)
    {
        long start = Stopwatch.GetTimestamp();
        T result = work();
        _times.Add(new(step, Stopwatch.GetElapsedTime(start).TotalSeconds));
        return result;
    }

    static string Shape(LlamaConfig c) => string.Create(CultureInfo.InvariantCulture, $"{c.Layers} layers, {c.Hidden} wide, {c.Heads} heads ({c.KeyValueHeads} key-value), feed-forward {c.FeedForward}, vocabulary {c.Vocabulary:n0}");

    static string Relative(string path) => path.Contains("://", StringComparison.Ordinal) ? path : Path.GetRelativePath(Directory.GetCurrentDirectory(), path);
}
