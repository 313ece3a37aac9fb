using System.Globalization;
using Retort.Kernels;
using Retort.Model.Llama;

namespace Retort.Distill;

/// <summary>Step 5: every model of every seed.</summary>
public sealed partial class DistillJob
{
    /// <param name="Adapter">Of the first student, where adapters are trained.</param>
    sealed record Trained(IReadOnlyList<LlamaWeights> Students, IReadOnlyList<LlamaWeights> Twins, IReadOnlyList<LlamaWeights> EqualComputeTwins, IReadOnlyList<SeedCurves> Curves, ValidationFacts Validation, LoraAdapter? Adapter);

    /// <summary>One model of one seed: what it learns from, how fast and how long.</summary>
    internal sealed record Arm(string Name, long Seed, LossWeights Loss, double Rate, int Steps)
    {
        public const string Student = "student", Twin = "twin", TwinEqualCompute = "twin_equal_compute";

        /// <summary>Its checkpoint, by its path in the run folder.</summary>
        public string File => string.Create(CultureInfo.InvariantCulture, $"checkpoints/{Name}-{Seed}.state");
    }

    /// <summary>One short training of the learning-rate search.</summary>
    sealed record Trial(string Arm, double Rate)
    {
        /// <summary>Its result, by its path in the run folder.</summary>
        public string File => string.Create(CultureInfo.InvariantCulture, $"checkpoints/search-{Arm}-{Rate}.txt");

        public string Title => string.Create(CultureInfo.InvariantCulture, $"try rate {Rate}, {Arm}");
    }

    /// <summary>None where there is one rate to choose from.</summary>
    IEnumerable<Trial> Trials(bool twin) => _recipe.Train.Rates.Where(_ => _recipe.Train.Rates.Count > 1)
        .SelectMany(rate => !twin ? new[] { new Trial(Arm.Student, rate) } : [new Trial(Arm.Student, rate), new Trial(Arm.Twin, rate)]);

    Trained Train(Trainers trainers, LlamaConfig config, LlamaWeights? teacher, string teacherHash, Dataset validation, RateSearch? search, TrainingCompute compute)
    {
        int steps = Steps(trainers.Student.TokensPerRow);
        (Dataset rows, int points) = ValidationLoss.Fit(validation, (long)steps * _recipe.Train.Rows * _recipe.Train.Accumulate);
        ValidationLoss loss = new(config, rows, points, _workers);
        Arm[] arms = [.. Arms(steps, trainers.Twin is { } other ? Steps(other.TokensPerRow) : null, search, compute.Factor)];
        RunMetrics metrics = new(Path.Combine(_options.Out, "metrics.jsonl"));
        foreach (Arm arm in arms)
        {
            metrics.Put(arm.Name, arm.Seed, new Checkpoint(Path.Combine(_options.Out, arm.File), "").Curve);
        }

        metrics.Save();
        Dictionary<Arm, (LlamaWeights Weights, IReadOnlyList<TrainPoint> Curve)> made = [];
        LoraAdapter? adapter = null;
        for (int i = 0; i < arms.Length; i++)
        {
            Arm arm = arms[i];
            string title = string.Create(CultureInfo.InvariantCulture, $"{arm.Name.Replace('_', ' ')}, seed {arm.Seed} ({i + 1} of {arms.Length})");
            (StudentWeights student, IReadOnlyList<TrainPoint> curve) = Train(trainers.Of(arm.Name), config, teacher, teacherHash, arm, title, loss, metrics);
            made[arm] = (student.Merged(_workers), curve);
            adapter ??= (student as StudentWeights.Adapted)?.Adapter;
        }

        _manifest.Add("metrics", new Dictionary<string, string> { ["recipe"] = _recipeHash }, "metrics.jsonl");
        LlamaWeights[] Models(string name) => [.. arms.Where(a => a.Name == name).Select(a => made[a].Weights)];
        CurvePoint[] Curve(string name, long seed) => [.. arms.Where(a => a.Name == name && a.Seed == seed).SelectMany(a => made[a].Curve).Select(p => new CurvePoint(p.Tokens, p.Loss, p.HeldOut))];
        double? reached = teacher is null ? null : new ValidationLoss(teacher.Config, rows, points, _workers).Measure(teacher);
        return new(
            Models(Arm.Student), Models(Arm.Twin), Models(Arm.TwinEqualCompute),
            [.. _recipe.Train.Seeds.Select(s => new SeedCurves(s, Curve(Arm.Student, s), Curve(Arm.Twin, s), Curve(Arm.TwinEqualCompute, s)))],
            new ValidationFacts(rows.Rows, rows.Counted, reached), adapter);
    }

    IEnumerable<Arm> Arms(int steps, int? twinSteps, RateSearch? search, double factor) => _recipe.Train.Seeds.SelectMany(seed => Arms(seed, steps, twinSteps, search, factor));

    /// <summary>The models of one seed. A second twin is worth its time only where it trains noticeably longer than the first.</summary>
    /// <param name="twinSteps">Null where no twin is trained.</param>
    IEnumerable<Arm> Arms(long seed, int steps, int? twinSteps, RateSearch? search, double factor)
    {
        double first = _recipe.Train.Rates[0], twinRate = search?.TwinRate ?? first;
        yield return new(Arm.Student, seed, _recipe.Loss, search?.StudentRate ?? first, steps);
        if (twinSteps is { } its)
        {
            yield return new(Arm.Twin, seed, TwinLoss, twinRate, its);
            if (_recipe.Twin is { EqualCompute: true } && factor >= TrainingCompute.LeastFactor)
            {
                yield return new(Arm.TwinEqualCompute, seed, TwinLoss, twinRate, checked((int)Math.Round(its * factor)));
            }
        }
    }

    /// <summary>What one seed's student costs, and the teacher behind it. The learning-rate search is left out: both sides had one.</summary>
    TrainingCompute Compute(LlamaConfig student, LlamaWeights? teacher, RunData data) => Compute(student, teacher, data.Corpus.Sampled, data.Train.Tokens.Length, Steps(data.Train.TokensPerRow), data.Train.MeanContext);

    /// <param name="sampled">Tokens the teacher wrote.</param>
    /// <param name="positions">Of the training rows, which a stored signal scores once.</param>
    /// <param name="context">Positions a token attends to, on average.</param>
    TrainingCompute Compute(LlamaConfig student, LlamaWeights? teacher, long sampled, long positions, int steps, double context)
    {
        long trained = (long)steps * _recipe.Train.Rows * _recipe.Train.Accumulate * _recipe.Train.Context;
        long scored = teacher is not null && _recipe.Signal.Kind == "live" && _recipe.Loss.NeedsTeacher ? trained : 0, once = teacher is null ? 0 : sampled + (_recipe.Signal.Kind == "top_k" ? positions : 0);
        return TrainingCompute.Of(student, teacher?.Config, trained, scored, once, _recipe.Train.Seeds.Count, (_recipe.Train.OnPolicy?.Share ?? 0) * trained, context, Lora?.Adapter, _recipe.Train.Checkpointing);
    }

    (StudentWeights, IReadOnlyList<TrainPoint>) Train(Trainer trainer, LlamaConfig config, LlamaWeights? teacher, string teacherHash, Arm arm, string title, ValidationLoss validation, RunMetrics metrics)
    {
        StudentWeights weights = StudentModel.Create(_recipe, config, teacher, Frozen, Seed(arm.Seed));
        string key = $"{_trainingHash} {arm.Name} {arm.Seed} {arm.Rate.ToString("R", CultureInfo.InvariantCulture)} {arm.Steps} {trainer.DataHash} {teacherHash}{(Frozen is null ? "" : " " + Frozen.Hash)}";
        Checkpoint checkpoint = new(Path.Combine(_options.Out, arm.File), key)
        {
            Saved = curve =>
            {
                metrics.Put(arm.Name, arm.Seed, curve);
                metrics.Save();
            },
        };
        TrainOptions options = Options(arm.Rate, arm.Seed, arm.Loss) with { Steps = arm.Steps };
        IReadOnlyList<TrainPoint> curve = trainer.Run(weights, options, checkpoint, (p, steps) => Show(arm.File, title, p, steps), _stop, validation);
        _manifest.Add($"train {arm.Name} {arm.Seed}", new Dictionary<string, string> { ["data"] = trainer.DataHash, ["recipe"] = _recipeHash }, arm.File);
        return (weights, curve);
    }
}
