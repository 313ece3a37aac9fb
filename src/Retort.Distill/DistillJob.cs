using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Retort.Asking.Runs;
using Retort.Evidence.Ledger;
using Retort.Kernels;
using Retort.Model.Files;
using Retort.Model.Llama;
using Retort.Model.Tokenizers;

namespace Retort.Distill;

/// <param name="Out">The run folder.</param>
/// <param name="Resume">Go on with what the folder holds; otherwise a folder that holds a run is refused.</param>
/// <param name="Ledger">Who signs the run's ledger; null keeps none.</param>
public sealed record DistillOptions(string Out, bool Resume, LedgerHome? Ledger = null);

/// <summary>What a person watching wants to know.</summary>
/// <param name="Share">Of this step, 0 to 1.</param>
/// <param name="Detail">Loss, rate and the like.</param>
/// <param name="Whole">Share of the whole work, 0 to 1; null where it has this one step.</param>
/// <param name="Left">Time the whole work still takes; null while nobody can tell.</param>
public sealed record RunProgress(string Step, double Share, string Detail, double? Whole = null, TimeSpan? Left = null);

/// <summary>
/// Distills a student from a local teacher, or trains one from text when there is no teacher:
/// <list type="number">
/// <item>open teacher and tokenizer, check that student and teacher speak the same tokens</item>
/// <item>gather documents and pack them into rows</item>
/// <item>score the training rows once with the teacher, if signals are stored</item>
/// <item>search the learning rate on validation text, for student and twin alike</item>
/// <item>train student and twin, once a seed</item>
/// <item>evaluate them beside the teacher on held-out rows</item>
/// <item>write the report</item>
/// <item>export the student of the first seed</item>
/// </list>
/// Every step leaves a file in the run folder and its hashes in manifest.json.
/// </summary>
public sealed partial class DistillJob : IDisposable
{
    /// <summary>Files of the run folder, by their path in it.</summary>
    const string SamplesFile = "samples.jsonl", SignalsFile = "signals/train.sig", HeldOutFile = "held-out.jsonl";

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
    readonly string _recipeHash;
    readonly Lazy<FrozenModel?> _opened;

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
        _recipeHash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(RecipeText.Of(recipe))));
    }

    /// <exception cref="UserError">Bad input.</exception>
    /// <exception cref="OperationCanceledException">Stopped; <see cref="DistillOptions.Resume"/> goes on from there.</exception>
    public static RunReport Run(
        Recipe recipe, DistillOptions options, IReadOnlyDictionary<string, SampleSource> samples, Action<RunProgress> progress, TimeProvider time, CancellationToken stop)
    {
        using DistillJob job = new(recipe, options, samples, progress, time, stop);
        return job.Run();
    }

    public void Dispose() => _workers.Dispose();

    RunReport Run()
    {
        CheckFolder();

        // 1
        (LlamaWeights? teacher, ModelFacts? teacherFacts, string teacherHash, Tokenizer? teacherTokenizer) = Timed("open", OpenTeacher);

        // 2
        (Corpus corpus, Tokenizer tokenizer, Dataset train, Dataset validation, Dataset heldOut) = Timed("data", () => Gather(teacher, teacherTokenizer));
        LlamaConfig config = StudentModel.Config(_recipe, tokenizer, teacher, Frozen);
        CheckMemory(config, teacher);
        TakeFolder();
        double tokensPerRow = (double)train.Counted / train.Rows;
        Plan(config, teacher, corpus.Sampled, train.Tokens.Length, heldOut.Tokens.Length, tokensPerRow, train.MeanContext);

        // 3
        TeacherSignal signal = Timed("signals", () => Signal(teacher, teacherHash, tokenizer, train));

        // 4 and 5
        Trainer trainer = new(config, train, signal, _recipe.Train.Rows, _workers, _recipe.Train.OnPolicy is { } own ? OnPolicy.Of(own, corpus.Train, train, tokenizer) : null, Lora is not null, _recipe.Train.Checkpointing);
        RateSearch? search = Timed("search", () => SearchRate(trainer, config, teacher, validation));
        TrainingCompute compute = Compute(config, teacher, corpus.Sampled, train.Tokens.Length, Steps(tokensPerRow), train.MeanContext);
        Trained trained = Timed("train", () => Train(trainer, config, teacher, teacherHash, validation, search, compute));

        // 6
        Evaluated evaluated = Timed("evaluate", () => Evaluate(trained, teacher, tokenizer, corpus, heldOut));

        // 7
        RunReport report = Report(teacherFacts, teacher, config, corpus, train, heldOut, signal, search, trained, compute, evaluated);
        WriteReport(report);

        // 8
        Export(trained, tokenizer, corpus, report);
        if (_options.Ledger is { } home)
        {
            RunLedger.Record(_options.Out, home, _time);
        }

        return report;
    }

    /// <summary>What a trial leaves that ended in no number.</summary>
    const string Diverged = "diverged";

    LoraRecipe? Lora => (_recipe.Student as StudentRecipe.From)?.Lora;

    FrozenModel? Frozen => _opened.Value;

    LossWeights TwinLoss => new(1, 0, 0, 0, 0.5f, 1);

    string RecipePath => Path.Combine(_options.Out, "recipe.yaml");

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

        if (!File.ReadAllBytes(RecipePath).AsSpan().SequenceEqual(ResolvedRecipe))
        {
            throw new UserError("the folder holds a run of another recipe", _options.Out, "Resume with the same recipe and --set values, or give another --out folder.");
        }
    }

    /// <summary>What a run leaves that was stopped before its recipe was written.</summary>
    static bool IsBeginning(string entry) =>
        entry.EndsWith(AtomicFile.Suffix, StringComparison.Ordinal) || (Path.GetFileName(entry) is "checkpoints" or "signals" && Directory.Exists(entry) && !Directory.EnumerateFileSystemEntries(entry).Any());

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
    }

    (LlamaWeights?, ModelFacts?, string, Tokenizer?) OpenTeacher()
    {
        if (_recipe.Teacher is null)
        {
            return (null, null, "", null);
        }

        OpenModel model = ModelReference.Open(_recipe.Teacher, _recipe.TeacherTokenizer);
        if (model.TokenizerPath is null)
        {
            throw new UserError("the teacher has no tokenizer beside it", _recipe.Teacher, "Put its tokenizer.json or tok*.bin beside it, or name one under teacher_tokenizer.");
        }

        Tokenizer tokenizer = Tokenizer.Open(model.TokenizerPath);
        StudentModel.CheckVocabulary(_recipe, tokenizer, model.Weights.Config, Frozen);
        return (model.Weights, new ModelFacts(Relative(_recipe.Teacher), Shape(model.Weights.Config), model.Weights.Config.Parameters, model.Bytes), model.Hash, tokenizer);
    }

    (Corpus, Tokenizer, Dataset, Dataset, Dataset) Gather(LlamaWeights? teacher, Tokenizer? teacherTokenizer)
    {
        Corpus corpus = _recipe.Data.TeacherSamples is { } count ? SampleTeacher(teacher!, teacherTokenizer!, count) : Corpus.Read(_recipe.Data, _samples);
        Tokenizer tokenizer = teacherTokenizer ?? StudentTokenizer(corpus);
        Dataset Pack(IReadOnlyList<Document> documents, string part) => Dataset.Pack(documents, tokenizer, _recipe.Train.Context, _recipe.Data.MaskPrompts, part);
        Dataset train = Pack(corpus.Train, "data"), validation = Pack(corpus.Validation, "data.validation"), heldOut = Pack(corpus.HeldOut, "data.held_out");
        if (train.Cut + heldOut.Cut > 0)
        {
            _warnings.Add($"{train.Cut + heldOut.Cut} documents were longer than a row of {_recipe.Train.Context} tokens and were cut; raise train.context to keep them whole.");
        }

        return (corpus, tokenizer, train, validation, heldOut);
    }

    /// <summary>Text drawn from the teacher itself, kept in the run folder so that a resumed run reads the same.</summary>
    Corpus SampleTeacher(LlamaWeights teacher, Tokenizer tokenizer, int count)
    {
        string path = Path.Combine(_options.Out, SamplesFile);
        if (!File.Exists(path))
        {
            TakeFolder();
            int context = _recipe.Train.Context;
            Plan(StudentModel.Config(_recipe, tokenizer, teacher, Frozen), teacher, (long)count * context, (long)count * context, (long)_recipe.Data.HeldOut * context, context, context / 2.0);
            Generator generator = new(teacher, tokenizer, _workers);
            int[] begin = generator.Encode("");
            SamplingOptions options = new() { Temperature = _recipe.Data.SampleTemperature, MaxTokens = Math.Min(teacher.Config.Context, _recipe.Train.Context) - begin.Length, Seed = _recipe.Data.Seed };
            IReadOnlyList<Generation> made = generator.GenerateMany(
                [.. Enumerable.Repeat(begin, count)], options, onProgress: p => Show(SamplesFile, (double)p.Finished / p.Total, "sample the teacher", string.Create(CultureInfo.InvariantCulture, $"text {p.Finished:n0} of {p.Total:n0}  {p.Tokens:n0} tokens")), cancel: _stop);
            AtomicFile.WriteAllBytes(path, Encoding.UTF8.GetBytes(string.Concat(made.Select(m => JsonSerializer.Serialize(m.EndToken is null ? m.Text : m.Text + Corpus.End) + "\n"))));
            _manifest.Add("sample teacher", new Dictionary<string, string> { ["recipe"] = _recipeHash }, SamplesFile);
        }

        Document[] documents = [.. File.ReadLines(path).Select(line => new Document("", JsonSerializer.Deserialize<string>(line) ?? "")).Where(d => d.Answer.Length > 0)];
        string source = $"{documents.Length} samples of the teacher at temperature {_recipe.Data.SampleTemperature.ToString(CultureInfo.InvariantCulture)}";
        return Corpus.Split(documents, _recipe.Data, source) with { Sampled = documents.Sum(d => (long)tokenizer.Encode(d.Answer, addSpecial: false).Length) };
    }

    Tokenizer StudentTokenizer(Corpus corpus)
    {
        if (_recipe.Student is StudentRecipe.From from)
        {
            return Tokenizer.Open((Frozen is null ? ModelReference.Open(from.Reference).TokenizerPath : Frozen.TokenizerPath) ?? throw new UserError("there is no tokenizer beside the student", from.Reference, "Put its tokenizer.json into the folder."));
        }

        int size = ((StudentRecipe.Shape)_recipe.Student).TrainTokenizer ?? throw new UserError("there is no tokenizer", "student.train_tokenizer", "Give the size of a vocabulary to train.");
        return BytePairTrainer.Train(corpus.Train.Select(d => d.Prompt + d.Answer), size, corpus.SpecialTokens);
    }

    TeacherSignal Signal(LlamaWeights? teacher, string teacherHash, Tokenizer tokenizer, Dataset train)
    {
        if (teacher is null || _recipe.Signal.Kind == "text")
        {
            return new TeacherSignal.Text();
        }

        if (_recipe.Signal.Kind == "live")
        {
            return new TeacherSignal.Dense(teacher);
        }

        int k = Math.Min(_recipe.Signal.K, teacher.Config.Vocabulary);
        string path = Path.Combine(_options.Out, SignalsFile);
        SignalHeader expected = SignalFile.Describe(teacherHash, tokenizer.Hash, train, teacher.Config.Vocabulary, k, _recipe.Loss.Temperature, _recipe.Signal.Tail);
        if (File.Exists(path))
        {
            return new TeacherSignal.Sparse(SignalFile.Open(path, expected));
        }

        SignalFile file = SignalFile.Compute(teacher, expected, train, _recipe.Signal.Tail, _recipe.Data.Seed, _workers, done => Show(SignalsFile, (double)done / train.Tokens.Length, "store the teacher’s signals", string.Create(CultureInfo.InvariantCulture, $"{done:n0} of {train.Tokens.Length:n0} tokens")), _stop);
        file.Save(path);
        _manifest.Add("signals", new Dictionary<string, string> { ["teacher"] = teacherHash, ["tokenizer"] = tokenizer.Hash, ["data"] = train.Hash }, SignalsFile);
        return new TeacherSignal.Sparse(file);
    }

    RateSearch? SearchRate(Trainer trainer, LlamaConfig config, LlamaWeights? teacher, Dataset validation)
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

            trials.Add(new(rate, Try(Arm.Student, _recipe.Loss), _recipe.Twin is not null ? Try(Arm.Twin, TwinLoss) : null));
        }

        RateTrial[] held = [.. trials.Where(t => t.Student is not null)];
        if (held.Length == 0)
        {
            throw new UserError("the student diverged at every learning rate", "train.rate", "Give lower rates.");
        }

        return new(trials, held.MinBy(t => t.Student)!.Rate, _recipe.Twin is not null ? trials.Where(t => t.Twin is not null).MinBy(t => t.Twin)?.Rate : null);
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

    void Export(Trained trained, Tokenizer tokenizer, Corpus corpus, RunReport report)
    {
        LlamaWeights student = trained.Students[0];
        string folder = Path.Combine(_options.Out, "student");
        ModelFolder.Write(folder, student, _recipe.Export.Type switch { "f32" => NumberType.F32, "f16" => NumberType.F16, _ => NumberType.BF16 }, stop: _stop);
        tokenizer.Save(Path.Combine(folder, "tokenizer.json"));
        AtomicFile.WriteAllBytes(Path.Combine(folder, "README.md"), Encoding.UTF8.GetBytes(ModelCard.Write(report, "student", _recipe.Export.Type)));
        if (_recipe.Student is StudentRecipe.From from)
        {
            ModelCompanions.Copy(from.Reference, folder);
        }

        List<string> files = [.. Directory.GetFiles(folder).Order(StringComparer.Ordinal).Select(f => "student/" + Path.GetFileName(f))];
        if (trained.Adapter is { } adapter)
        {
            string beside = Path.Combine(folder, "adapter");
            AdapterFolder.Write(beside, adapter, Relative(((StudentRecipe.From)_recipe.Student).Reference), Frozen!.Hash);
            files.AddRange(Directory.GetFiles(beside).Order(StringComparer.Ordinal).Select(f => "student/adapter/" + Path.GetFileName(f)));
        }

        if (corpus.HeldOutPrompts() is { Length: > 0 } prompts)
        {
            AtomicFile.WriteAllBytes(Path.Combine(_options.Out, HeldOutFile), prompts);
            files.Add(HeldOutFile);
        }

        _manifest.Add("export", new Dictionary<string, string> { ["tokenizer"] = tokenizer.Hash }, [.. files]);
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
