using System.Runtime.InteropServices;
using Retort.Evidence.Statistics;
using Retort.Kernels;
using Retort.Model.Llama;
using Retort.Model.Tokenizers;

namespace Retort.Distill;

/// <summary>Steps 6 and 7: what the models are worth, and the record of it.</summary>
public sealed partial class DistillJob
{
    sealed record Evaluated(RunResults Results, IReadOnlyList<PairedComparison> Comparisons, SpeedFacts Speed, IReadOnlyList<AnswerSample> Samples);

    Evaluated Evaluate(IReadOnlyList<LlamaWeights> students, IReadOnlyList<LlamaWeights> twins, LlamaWeights? teacher, Tokenizer tokenizer, Corpus corpus, Dataset heldOut)
    {
        _progress(new("evaluate", 0, "held-out text"));
        IReadOnlyList<RowScores> scores = Evaluation.Score([.. students, .. twins], teacher, heldOut, _workers, _stop);
        RowScores[] mine = [.. scores.Take(students.Count)], others = [.. scores.Skip(students.Count)];
        IReadOnlyList<Document> tasks = GoldTasks.Choose(corpus.HeldOut, _recipe.Evaluate.GoldItems);
        int answered = 0, models = students.Count + twins.Count + (teacher is null ? 0 : 1);
        GoldAnswers Answer(LlamaWeights model)
        {
            _progress(new("evaluate", (double)answered++ / models, "gold tasks"));
            return GoldTasks.Answer(model, tokenizer, tasks, _recipe.Evaluate.MaxTokens, _workers, _stop);
        }

        GoldAnswers[] mineGold = [.. students.Select(Answer)], othersGold = [.. twins.Select(Answer)];
        GoldAnswers? teacherGold = teacher is null ? null : Answer(teacher);
        Scores? teacherScores = null;
        if (teacher is not null)
        {
            RowScores t = Evaluation.Score([teacher], null, heldOut, _workers, _stop)[0];
            teacherScores = new(t.Mean(t.CrossEntropy), null, null, t.Calibration, teacherGold!.ByKind(tasks));
        }

        SeededScores Seeded(RowScores[] rows, GoldAnswers[] gold) => SeededScores.Of([.. rows.Select((r, i) => new SeedScores(
            _recipe.Train.Seeds[i],
            new Scores(r.Mean(r.CrossEntropy), r.ForwardKl is null ? null : r.Mean(r.ForwardKl), r.Agreement is null ? null : r.Mean(r.Agreement), r.Calibration, gold[i].ByKind(tasks))))]);
        RunResults results = new(teacherScores, Seeded(mine, mineGold), others.Length > 0 ? Seeded(others, othersGold) : null);
        List<PairedComparison> comparisons = [];
        if (results.Twin is { } twin && mine.Length > 1 && heldOut.Rows > 1)
        {
            double[] weights = mine[0].Tokens;
            BootstrapInterval Interval(Func<RowScores, double[]> value, double sign) => HierarchicalBootstrap.Interval(
                [.. mine.Select((m, s) => value(others[s]).Zip(value(m), (b, a) => sign * (b - a)).ToArray())], weights, _recipe.Data.Seed);
            comparisons.Add(PairedComparison.OfText(Interval(r => r.CrossEntropy, 1), twin.Mean.CrossEntropy, _recipe.Data.TeacherSamples is not null));
            if (mine[0].ForwardKl is not null)
            {
                comparisons.Add(PairedComparison.OfForwardKl(Interval(r => r.ForwardKl!, 1), twin.Mean.ForwardKl ?? 0));
                comparisons.Add(PairedComparison.OfAgreement(Interval(r => r.Agreement!, -1), twin.Mean.TopAgreement ?? 0));
            }
        }

        if (results.Twin is { } control && mine.Length > 1 && tasks.Count > 1)
        {
            double[][] differences = [.. mineGold.Select((g, s) => g.Scores.Zip(othersGold[s].Scores, (a, b) => a - b).ToArray())];
            comparisons.Insert(_recipe.Evaluate.Metric == "gold" ? 0 : Math.Min(1, comparisons.Count), PairedComparison.OfGold(HierarchicalBootstrap.Interval(differences, [], _recipe.Data.Seed), control.Mean.GoldMean ?? 0));
        }

        AnswerSample[] samples = [.. Enumerable.Range(0, tasks.Count).DistinctBy(i => tasks[i].Kind).Take(_recipe.Evaluate.Samples).Select(i => new AnswerSample(
            tasks[i].Prompt, teacherGold?.Answers[i], mineGold[0].Answers[i], othersGold.Length > 0 ? othersGold[0].Answers[i] : null, tasks[i].Gold))];
        return new(results, comparisons, MeasureSpeed(students[0], teacher), samples.Length > 0 ? samples : Continuations(students[0], twins.Count > 0 ? twins[0] : null, teacher, tokenizer, corpus));
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

    SpeedFacts MeasureSpeed(LlamaWeights student, LlamaWeights? teacher)
    {
        int prompt = Math.Min(128, student.Config.Context / 2), decode = Math.Min(64, student.Config.Context / 4);
        ModelSpeed Of(LlamaWeights model)
        {
            Bench.GenerateBenchResult r = Bench.GenerateBench.Measure(model, prompt, decode, _workers);
            return new(r.PromptTokensPerS, r.DecodeTokensPerS);
        }

        return new(prompt, decode, Of(student), teacher is null ? null : Of(teacher));
    }

    RunReport Report(
        ModelFacts? teacherFacts, LlamaWeights? teacher, LlamaConfig config, Corpus corpus, Dataset train, Dataset heldOut, TeacherSignal signal, RateSearch? search, Trained trained, Evaluated evaluated)
    {
        long tokens = trained.Curves[0].Student[^1].Tokens;
        double half = _recipe.Train.Context / 2.0, studentFlops = 3 * config.ForwardFlops(half) * tokens;
        double? teacherFlops = teacher is null ? null : signal switch
        {
            TeacherSignal.Dense => teacher.Config.ForwardFlops(half) * tokens,
            TeacherSignal.Sparse => teacher.Config.ForwardFlops(half) * train.Tokens.Length / _recipe.Train.Seeds.Count,
            _ => 0,
        };
        int bytesEach = _recipe.Export.Type == "f32" ? 4 : 2;
        Verdict? verdict = teacher is null ? null
            : !_recipe.Twin ? Verdict.WithoutTwin()
            : evaluated.Comparisons.Count == 0 ? Verdict.OfOneSeed()
            : Verdict.Of(evaluated.Comparisons[0]);
        SignalFacts? facts = signal switch
        {
            TeacherSignal.Dense => new("dense logits, live", null, 0, null),
            TeacherSignal.Sparse s => new("top-k, stored", s.File.Header.K, s.File.Header.BytesPerToken, s.File.Header.Tail),
            _ => teacher is null ? null : new("text", null, 0, null),
        };
        return new RunReport(
            new RunIdentity(
                _recipe.Name, _time.GetUtcNow(), _recipe.Train.Seeds, _recipeHash, Lanes.Path.ToString(), _workers.Threads, RuntimeInformation.ProcessArchitecture.ToString(),
                new Dictionary<string, string> { ["retort"] = typeof(DistillJob).Assembly.GetName().Version?.ToString(3) ?? "", [".NET"] = Environment.Version.ToString(), ["system"] = RuntimeInformation.OSDescription }),
            verdict,
            teacherFacts,
            new ModelFacts("student", Shape(config), config.Parameters, config.Parameters * bytesEach),
            new DataFacts(corpus.Source, train.Documents, train.Counted, heldOut.Documents, heldOut.Counted, _recipe.Data.TeacherSamples is not null),
            facts,
            evaluated.Results,
            evaluated.Comparisons,
            trained.Curves,
            trained.Validation,
            search,
            new ComputeFacts(tokens, studentFlops, _recipe.Twin ? studentFlops : null, teacherFlops, null),
            evaluated.Speed,
            CostFacts.Of(evaluated.Speed, _recipe.Evaluate.Currency, _recipe.Evaluate.PricePerCoreHour, _workers.Threads, _times.Sum(t => t.Seconds) * _workers.Threads / 3600),
            evaluated.Samples,
            _times,
            _warnings);
    }
}
