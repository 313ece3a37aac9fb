using System.Globalization;
using Retort.Kernels;
using Retort.Model.Llama;

namespace Retort.Distill;

/// <summary>Step 5: every model of every seed.</summary>
public sealed partial class DistillJob
{
    sealed record Trained(IReadOnlyList<LlamaWeights> Students, IReadOnlyList<LlamaWeights> Twins, IReadOnlyList<SeedCurves> Curves, ValidationFacts Validation);

    /// <summary>One model of one seed: what it learns from, how fast and how long.</summary>
    sealed record Arm(string Name, long Seed, LossWeights Loss, double Rate, int Steps)
    {
        public const string Student = "student", Twin = "twin";

        /// <summary>Its checkpoint, by its path in the run folder.</summary>
        public string File => string.Create(CultureInfo.InvariantCulture, $"checkpoints/{Name}-{Seed}.state");
    }

    Trained Train(Trainer trainer, LlamaConfig config, LlamaWeights? teacher, Dataset validation, RateSearch? search)
    {
        int steps = Steps(trainer);
        (Dataset rows, int points) = ValidationLoss.Fit(validation, (long)steps * _recipe.Train.Rows * _recipe.Train.Accumulate);
        ValidationLoss loss = new(config, rows, points, _workers);
        Arm[] arms = [.. _recipe.Train.Seeds.SelectMany(seed => Arms(seed, steps, search))];
        RunMetrics metrics = new(Path.Combine(_options.Out, "metrics.jsonl"));
        foreach (Arm arm in arms)
        {
            metrics.Put(arm.Name, arm.Seed, new Checkpoint(Path.Combine(_options.Out, arm.File), "").Curve);
        }

        metrics.Save();
        Dictionary<Arm, (LlamaWeights Weights, IReadOnlyList<TrainPoint> Curve)> made = [];
        foreach (Arm arm in arms)
        {
            made[arm] = Train(trainer, config, teacher, arm, loss, metrics);
        }

        _manifest.Add("metrics", new Dictionary<string, string> { ["recipe"] = _recipeHash }, "metrics.jsonl");
        LlamaWeights[] Models(string name) => [.. arms.Where(a => a.Name == name).Select(a => made[a].Weights)];
        CurvePoint[] Curve(string name, long seed) => [.. arms.Where(a => a.Name == name && a.Seed == seed).SelectMany(a => made[a].Curve).Select(p => new CurvePoint(p.Tokens, p.Loss, p.HeldOut))];
        double? reached = teacher is null ? null : new ValidationLoss(teacher.Config, rows, points, _workers).Measure(teacher);
        return new(
            Models(Arm.Student), Models(Arm.Twin), [.. _recipe.Train.Seeds.Select(s => new SeedCurves(s, Curve(Arm.Student, s), Curve(Arm.Twin, s)))],
            new ValidationFacts(rows.Rows, rows.Counted, reached));
    }

    IEnumerable<Arm> Arms(long seed, int steps, RateSearch? search)
    {
        double first = _recipe.Train.Rates[0];
        yield return new(Arm.Student, seed, _recipe.Loss, search?.StudentRate ?? first, steps);
        if (_recipe.Twin)
        {
            yield return new(Arm.Twin, seed, TwinLoss, search?.TwinRate ?? first, steps);
        }
    }

    (LlamaWeights, IReadOnlyList<TrainPoint>) Train(Trainer trainer, LlamaConfig config, LlamaWeights? teacher, Arm arm, ValidationLoss validation, RunMetrics metrics)
    {
        LlamaWeights weights = StudentModel.Create(_recipe, config, teacher, Seed(arm.Seed));
        string key = $"{_recipeHash} {arm.Name} {arm.Seed} {arm.Rate.ToString("R", CultureInfo.InvariantCulture)} {trainer.DataHash}";
        Checkpoint checkpoint = new(Path.Combine(_options.Out, arm.File), key)
        {
            Saved = curve =>
            {
                metrics.Put(arm.Name, arm.Seed, curve);
                metrics.Save();
            },
        };
        TrainOptions options = Options(arm.Rate, arm.Seed, arm.Loss) with { Steps = arm.Steps };
        IReadOnlyList<TrainPoint> curve = trainer.Run(weights, options, checkpoint, (p, steps) => Show($"{arm.Name} seed {arm.Seed}", p, steps), _stop, validation);
        _manifest.Add($"train {arm.Name} {arm.Seed}", new Dictionary<string, string> { ["data"] = trainer.DataHash, ["recipe"] = _recipeHash }, arm.File);
        return (weights, curve);
    }
}
