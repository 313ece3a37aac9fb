using System.Globalization;
using System.Runtime.InteropServices;
using Retort.Asking;
using Retort.Evidence.Statistics;
using Retort.Kernels;
using Retort.Model.Inference;
using Retort.Model.Llama;
using Retort.Model.Tokenizers;

namespace Retort.Distill;

/// <summary>Steps 6 and 7: what the models are worth, and the record of it.</summary>
public sealed partial class DistillJob
{
    sealed record Evaluated(
        RunResults Results, IReadOnlyList<PairedComparison> Comparisons, SeededScores? EqualComputeTwin, IReadOnlyList<PairedComparison> EqualComputeComparisons, SpeedFacts Speed, IReadOnlyList<FormatFacts> Formats, IReadOnlyList<AnswerSample> Samples)
    {
        /// <summary>Each seed's student against what it began as; null where there is a twin or only one seed.</summary>
        public PairedComparison? AgainstStart { get; init; }

        /// <summary>Beside the student of the run before, of which a teacher was left out; null where there is none.</summary>
        public QualityCost? Quality { get; init; }

        /// <summary>How close the models are to the answers of an asked teacher, where the results are measured on other text.</summary>
        public TeacherAnswers? TeacherAnswers { get; init; }

        /// <summary>Answers to the recipe's task; null where it has none.</summary>
        public TaskTrial? Task { get; init; }
    }

    /// <summary>One model a seed, measured on the same rows and tasks.</summary>
    sealed record Measured(RowScores[] Rows, GoldAnswers[] Gold, SeededScores Scores);

    Evaluated Evaluate(Trained trained, LlamaWeights? teacher, RunData data)
    {
        (Corpus corpus, Tokenizer tokenizer, Dataset heldOut) = (data.Corpus, data.Tokenizer, data.HeldOut);
        LlamaWeights[] all = [.. trained.Students, .. trained.Twins, .. trained.EqualComputeTwins];
        IReadOnlyList<RowScores> scores = Evaluation.Score(
            all, teacher, heldOut, _workers, _stop, done => Show(HeldOutText, (double)done / heldOut.Rows, "evaluate", string.Create(CultureInfo.InvariantCulture, $"held-out text, row {done:n0} of {heldOut.Rows:n0}")));
        IReadOnlyList<Document> tasks = GoldTasks.Choose(data.HeldOutDocuments, _recipe.Evaluate.GoldItems);
        TaskTrial? trial = TryTask(trained, teacher, data);
        int answered = 0, models = all.Length + (teacher is null ? 0 : 1), taken = 0;
        GoldAnswers Answer(LlamaWeights model)
        {
            if (tasks.Count > 0)
            {
                Show(GoldTaskAnswers, (double)answered++ / models, "evaluate", string.Create(CultureInfo.InvariantCulture, $"{tasks.Count:n0} gold tasks, model {answered} of {models}"));
            }

            return GoldTasks.Answer(model, tokenizer, tasks, _recipe.Evaluate.MaxTokens, _workers, _stop);
        }

        Measured? Measure(string arm, IReadOnlyList<LlamaWeights> group)
        {
            if (group.Count == 0)
            {
                return null;
            }

            RowScores[] rows = [.. scores.Skip(taken).Take(group.Count)];
            taken += group.Count;
            GoldAnswers[] gold = [.. trial?.Of(arm, tasks) ?? group.Select(Answer)];
            return new(rows, gold, SeededScores.Of([.. rows.Select((r, i) => new SeedScores(
                _recipe.Train.Seeds[i],
                new Scores(r.Mean(r.CrossEntropy), r.ForwardKl is null ? null : r.Mean(r.ForwardKl), r.Agreement is null ? null : r.Mean(r.Agreement), r.Calibration, gold[i].ByKind(tasks))))]));
        }

        Measured student = Measure(Arm.Student, trained.Students)!;
        Measured? twin = Measure(Arm.Twin, trained.Twins), equal = Measure(Arm.TwinEqualCompute, trained.EqualComputeTwins);
        GoldAnswers? teacherGold = teacher is not null ? trial?.Teacher is { } told ? trial.Of(told, tasks) : Answer(teacher) : _recipe.Ask is not null && tasks.Count > 0 ? TeacherGold(tasks, corpus) : null;
        Scores? teacherScores = null;
        if (teacher is not null)
        {
            RowScores t = Evaluation.Score([teacher], null, heldOut, _workers, _stop)[0];
            teacherScores = new(t.Mean(t.CrossEntropy), null, null, t.Calibration, teacherGold!.ByKind(tasks));
        }

        AnswerSample[] samples = [.. Enumerable.Range(0, tasks.Count).DistinctBy(i => trial is null ? tasks[i].Kind : tasks[i].Prompt).Take(_recipe.Evaluate.Samples).Select(i => new AnswerSample(
            tasks[i].Prompt, teacherGold?.Answers[i], student.Gold[0].Answers[i], twin?.Gold[0].Answers[i], tasks[i].Gold))];
        Show(GoldTaskAnswers, 1, "evaluate", "speed and samples");
        return new(
            new RunResults(teacherScores, student.Scores, twin?.Scores), Compare(student, twin, data, tasks.Count), equal?.Scores, Compare(student, equal, data, tasks.Count),
            MeasureSpeed(trained.Students[0], teacher, tokenizer, trial?.Call),
            MeasureFormats(trained.Students[0], tokenizer, corpus),
            samples.Length > 0 ? samples : Continuations(trained.Students[0], trained.Twins.Count > 0 ? trained.Twins[0] : null, teacher, tokenizer, corpus))
        {
            Quality = AgainstOriginal(trained, student, data, tasks),
            AgainstStart = twin is null && _recipe.Ask is not null ? AgainstStart(student, data) : null,
            TeacherAnswers = data.TeacherHeldOut is { } answers ? ScoreTeacherAnswers(trained, answers) : null,
            Task = trial,
        };
    }

    /// <summary>What an asked teacher itself answered to the tasks, by the same score; of several answers the first.</summary>
    static GoldAnswers TeacherGold(IReadOnlyList<Document> tasks, Corpus corpus)
    {
        ILookup<string, Document> own = corpus.HeldOut.ToLookup(d => d.Prompt, StringComparer.Ordinal);
        string[] answers = [.. tasks.Select(t => own[t.Prompt].First().Said)];
        return new(answers, [.. tasks.Select((t, i) => t.Score!(answers[i]))]);
    }

    /// <summary>Each seed's student against the weights it began with.</summary>
    PairedComparison? AgainstStart(Measured student, RunData data)
    {
        if (student.Rows.Length < 2 || data.HeldOut.Rows < 2)
        {
            return null;
        }

        LlamaConfig config = StudentModel.Config(_recipe, data.Tokenizer, null, Frozen);
        RowScores[] start = [.. _recipe.Train.Seeds.Select(seed => Evaluation.Score([StudentModel.Create(_recipe, config, null, Frozen, Seed(seed)).Merged(_workers)], null, data.HeldOut, _workers, _stop)[0])];
        BootstrapInterval interval = HierarchicalBootstrap.Interval(
            [.. student.Rows.Select((m, s) => start[s].CrossEntropy.Zip(m.CrossEntropy, (b, a) => b - a).ToArray())], student.Rows[0].Tokens, _recipe.Data.Seed);
        return PairedComparison.OfStart(interval, start.Average(s => s.Mean(s.CrossEntropy)), data.TeacherText);
    }

    TeacherAnswers ScoreTeacherAnswers(Trained trained, Dataset answers)
    {
        double? Mean(IReadOnlyList<LlamaWeights> models) => models.Count == 0 ? null : Evaluation.Score(models, null, answers, _workers, _stop).Average(s => s.Mean(s.CrossEntropy));
        return new(answers.Documents, answers.Counted, Mean(trained.Students)!.Value, Mean(trained.Twins));
    }

    /// <summary>Student against a twin on every metric, the one the verdict rests on first; empty without a twin or with a single seed.</summary>
    List<PairedComparison> Compare(Measured student, Measured? twin, RunData data, int tasks)
    {
        Dataset heldOut = data.HeldOut;
        List<PairedComparison> comparisons = [];
        if (twin is null || student.Rows.Length < 2)
        {
            return comparisons;
        }

        Scores mean = twin.Scores.Mean;
        if (heldOut.Rows > 1)
        {
            BootstrapInterval Interval(Func<RowScores, double[]> value, double sign) => HierarchicalBootstrap.Interval(
                [.. student.Rows.Select((m, s) => value(twin.Rows[s]).Zip(value(m), (b, a) => sign * (b - a)).ToArray())], student.Rows[0].Tokens, _recipe.Data.Seed);
            comparisons.Add(PairedComparison.OfText(Interval(r => r.CrossEntropy, 1), mean.CrossEntropy, data.TeacherText));
            if (student.Rows[0].ForwardKl is not null)
            {
                comparisons.Add(PairedComparison.OfForwardKl(Interval(r => r.ForwardKl!, 1), mean.ForwardKl ?? 0));
                comparisons.Add(PairedComparison.OfAgreement(Interval(r => r.Agreement!, -1), mean.TopAgreement ?? 0));
            }
        }

        if (tasks > 1)
        {
            double[][] differences = [.. student.Gold.Select((g, s) => g.Scores.Zip(twin.Gold[s].Scores, (a, b) => a - b).ToArray())];
            comparisons.Insert(_recipe.Evaluate.Metric == "gold" ? 0 : Math.Min(1, comparisons.Count), PairedComparison.OfGold(HierarchicalBootstrap.Interval(differences, [], _recipe.Data.Seed), mean.GoldMean ?? 0));
        }

        return comparisons;
    }

    /// <summary>Where no task has a gold answer: how each goes on from the first words of held-out texts.</summary>
    AnswerSample[] Continuations(LlamaWeights student, LlamaWeights? twin, LlamaWeights? teacher, Tokenizer tokenizer, Corpus corpus)
    {
        string[] prompts = [.. corpus.HeldOut.Take(_recipe.Evaluate.Samples).Select(d => string.Join(' ', d.Answer.Split(' ').Take(8)))];
        SamplingOptions options = new() { Temperature = 0, MaxTokens = Math.Min(80, _recipe.Evaluate.MaxTokens), Stop = [Corpus.End] };
        IReadOnlyList<string> Go(LlamaWeights? model) => model is null ? [] : [.. new Generator(model, tokenizer, _workers).GenerateMany(prompts, options, cancel: _stop).Select(g => g.Text)];
        IReadOnlyList<string> a = Go(teacher), b = Go(student), c = Go(twin);
        return [.. prompts.Select((p, i) => new AnswerSample(p, a.Count > 0 ? a[i] : null, b[i], c.Count > 0 ? c[i] : null, null))];
    }

    /// <summary>Tokens whose rate is worth measuring: a label may be one.</summary>
    const int FewestDecoded = 8;

    /// <param name="call">Tokens of a prompt and an answer as they are in use; null where nobody knows.</param>
    SpeedFacts MeasureSpeed(LlamaWeights student, LlamaWeights? teacher, Tokenizer tokenizer, (int Prompt, int Answer)? call)
    {
        int prompt = Math.Min(call?.Prompt ?? Math.Min(128, student.Config.Context / 2), student.Config.Context - FewestDecoded), decode = call?.Answer ?? Math.Min(64, student.Config.Context / 4);
        ModelSpeed Of(LlamaWeights model)
        {
            Bench.GenerateBenchResult r = Bench.GenerateBench.Measure(InferenceWeights.Of(model), tokenizer, prompt, Math.Clamp(decode, FewestDecoded, Math.Max(FewestDecoded, student.Config.Context - prompt)), _workers.Threads);
            return new(r.PromptTokensPerS, r.DecodeTokensPerS);
        }

        return new(prompt, decode, Of(student), teacher is null ? null : Of(teacher));
    }

    /// <summary>Perplexity, size and speed of the student in each format it can be shipped in, quantised from what is exported, on as many held-out documents as make some thousands of tokens.</summary>
    FormatFacts[] MeasureFormats(LlamaWeights student, Tokenizer tokenizer, Corpus corpus)
    {
        const int Enough = 8192;
        List<(int[] Tokens, int First)> texts = [];
        foreach (Document document in corpus.HeldOut.Where(d => !d.Untaught))
        {
            int[] prompt = Dataset.Prompt(document, tokenizer), text = [.. prompt.Concat(Dataset.Answer(document, tokenizer)).Take(student.Config.Context)];
            if (text.Length > 1)
            {
                texts.Add((text, Math.Max(1, prompt.Length)));
            }

            if (texts.Sum(t => t.Tokens.Length) >= Enough)
            {
                break;
            }
        }

        InferenceWeights floats = InferenceWeights.Of(student);
        FloatFormat type = _recipe.Export.Type switch { "f32" => FloatFormat.F32, "f16" => FloatFormat.F16, _ => FloatFormat.BF16 };
        InferenceWeights exported = floats.Narrowed(type);
        int prompts = Math.Min(32, student.Config.Context / 2), decode = Math.Min(64, student.Config.Context / 4);
        return texts.Count == 0 ? [] : [.. AllFormats().Select(f => new FormatFacts(
            f.Name, f.Weights.Bytes, TextScore.CrossEntropy(f.Weights, texts, _workers.Threads, _stop), Bench.GenerateBench.Measure(f.Weights, tokenizer, prompts, decode, _workers.Threads, warmUp: 0.3).DecodeTokensPerS))];

        IEnumerable<(string Name, InferenceWeights Weights)> AllFormats() =>
            [("f32", floats), (type == FloatFormat.F16 ? "f16" : "bf16", floats.Narrowed(type == FloatFormat.F16 ? type : FloatFormat.BF16)), ("q8_0", exported.Quantized(WeightBits.Eight, "student")), ("q4_0", exported.Quantized(WeightBits.Four, "student"))];
    }

    /// <summary>What the store of answers tells of a teacher that was asked; null where none was.</summary>
    AskedFacts? AskedFacts()
    {
        if (_recipe.Ask is not { } ask || !File.Exists(StorePath))
        {
            return null;
        }

        using Transcripts store = Transcripts.Open(StorePath, _time);
        Dictionary<Endpoint, EndpointFacts> asked = store.Asked().ToDictionary(a => a.Asked);
        return new(store.Facts(), store.Usage())
        {
            Teachers =
            [
                .. ask.Teachers.Select(t => (Name: t.Model.ToString(), Facts: asked.GetValueOrDefault(t.Model)))
                    .Select(t => new TeacherPart(t.Name, t.Facts?.Questions ?? 0, t.Facts?.Answers ?? 0, _admission?.ByTeacher.GetValueOrDefault(t.Name) ?? 0, t.Facts?.Spent ?? default)),
            ],
        };
    }

    RunReport Report(ModelFacts? teacherFacts, LlamaWeights? teacher, LlamaConfig config, RunData data, TeacherSignal signal, RateSearch? search, Trained trained, TrainingCompute compute, Evaluated evaluated)
    {
        (Dataset train, Dataset heldOut) = (data.Train, data.HeldOut);
        IReadOnlyList<CurvePoint> longer = trained.Curves[0].TwinEqualCompute;
        EqualCompute? equal = evaluated.EqualComputeTwin is { } scores ? new(longer[^1].Tokens, compute.Student * compute.Factor, scores, evaluated.EqualComputeComparisons) : null;
        ComputeFacts spent = new(trained.Curves[0].Student[^1].Tokens, compute.Student, evaluated.Results.Twin is null ? null : compute.Student, teacher is null ? null : compute.Teacher, equal);
        int bytesEach = _recipe.Export.Type == "f32" ? 4 : 2;
        Verdict? verdict = teacherFacts is null ? null
            : evaluated.Results.Twin is null ? _recipe.Ask is null ? Verdict.WithoutTwin() : Verdict.AgainstStart(evaluated.AgainstStart)
            : evaluated.Comparisons.Count == 0 ? Verdict.OfOneSeed()
            : Verdict.Of(evaluated.Comparisons[0]);
        SignalFacts? facts = signal switch
        {
            TeacherSignal.Dense => new("dense logits, live", null, 0, null),
            TeacherSignal.Sparse s => new(teacher is null ? "top-k, as served" : "top-k, stored", s.File.Header.K, s.File.Header.BytesPerToken, s.File.Header.Tail) { Alignment = _alignment },
            _ => teacherFacts is null ? null : new("text", null, 0, null),
        };
        AskedFacts? asked = AskedFacts();
        CostFacts cost = CostFacts.Of(evaluated.Speed, _recipe.Evaluate.Currency, _recipe.Evaluate.PricePerCoreHour, _workers.Threads, _times.Sum(t => t.Seconds) * _workers.Threads / 3600, asked);
        return new RunReport(
            new RunIdentity(
                _recipe.Name, _time.GetUtcNow(), _recipe.Train.Seeds, _recipeHash, Lanes.Path.ToString(), _workers.Threads, RuntimeInformation.ProcessArchitecture.ToString(),
                new Dictionary<string, string> { ["retort"] = typeof(DistillJob).Assembly.GetName().Version?.ToString(3) ?? "", [".NET"] = Environment.Version.ToString(), ["system"] = RuntimeInformation.OSDescription }),
            verdict is null ? null : verdict with { EqualCompute = teacher is null ? null : EqualComputeFinding.Of(verdict, spent, evaluated.Results.Student.Mean.CrossEntropy) },
            teacherFacts,
            new ModelFacts("student", Shape(config) + (Lora is { } lora ? string.Create(CultureInfo.InvariantCulture, $"; an adapter of rank {lora.Adapter.Rank} on {string.Join(", ", lora.TargetNames)} ({lora.Adapter.Parameters(config):n0} weights) was trained on the {lora.Base} base") : ""), config.Parameters, config.Parameters * bytesEach),
            new DataFacts(data.Corpus.Source, train.Documents, train.Counted, heldOut.Documents, heldOut.Counted, data.TeacherText),
            facts,
            evaluated.Results,
            evaluated.Comparisons,
            trained.Curves,
            trained.Validation,
            search,
            spent,
            evaluated.Speed,
            cost,
            evaluated.Samples,
            _times,
            _warnings)
        {
            Formats = evaluated.Formats,
            Asked = asked,
            Admission = _admission,
            TeacherAnswers = evaluated.TeacherAnswers,
            Without = Without(asked, evaluated.Quality, data.Corpus),
            Task = TaskFacts(evaluated.Task, cost),
        };
    }
}
