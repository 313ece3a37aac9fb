using System.Globalization;
using Retort.Model.Llama;

namespace Retort.Distill;

/// <summary>What a person watching is told: the step under way, and how far the whole run is.</summary>
public sealed partial class DistillJob
{
    /// <summary>Costs beside a training step's arithmetic, as measured: a token decoded in a batch uses a fifth of the machine, one scored with all its metrics a third.</summary>
    const double Decoding = 5, Scoring = 3;

    /// <summary>Parts of the plan that leave no file of their own.</summary>
    const string HeldOutText = "held-out text", GoldTaskAnswers = "gold answers";

    void Plan(LlamaConfig student, LlamaWeights? teacher, RunData data) =>
        Plan(student, teacher, data.Corpus.Sampled, data.Train.Tokens.Length, data.HeldOut.Tokens.Length, data.Train.TokensPerRow, data.Train.MeanContext, _recipe.Twin is not null && data.HasTwin);

    /// <summary>Lays out the run's work. Called again when the text, and with it the number of steps, is known.</summary>
    /// <param name="sampled">Tokens the teacher writes.</param>
    /// <param name="positions">Of the training rows.</param>
    /// <param name="heldOut">Positions of the held-out rows.</param>
    /// <param name="context">Positions a token attends to, on average.</param>
    void Plan(LlamaConfig student, LlamaWeights? teacher, long sampled, long positions, long heldOut, double tokensPerRow, double context, bool twin)
    {
        int steps = Steps(tokensPerRow);
        TrainingCompute compute = Compute(student, teacher, sampled, positions, steps, context);
        double mine = student.ForwardFlops(context), its = teacher?.Config.ForwardFlops(context) ?? 0;
        double live = _recipe.Signal.Kind == "live" && _recipe.Loss.NeedsTeacher ? its / (3 * mine) : 0;
        double Cost(string arm, double share) => compute.Student * share * (arm == Arm.Student ? 1 + live : 1);
        double Exists(string file) => File.Exists(Path.Combine(_options.Out, file)) ? 1 : 0;
        if (_recipe.Data.TeacherSamples is not null)
        {
            _plan.Add(SamplesFile, Decoding * its * sampled, Exists(SamplesFile));
        }

        if (_recipe.Signal.Kind == "top_k" && teacher is not null)
        {
            _plan.Add(SignalsFile, its * positions, Exists(SignalsFile));
        }

        foreach (Trial trial in Trials(twin))
        {
            _plan.Add(trial.File, Cost(trial.Arm, _recipe.Train.SearchShare), Exists(trial.File));
        }

        Arm[] arms = [.. Arms(steps, twin ? steps : null, null, compute.Factor)];
        foreach (Arm arm in arms)
        {
            _plan.Add(arm.File, Cost(arm.Name, (double)arm.Steps / steps), (double)new Checkpoint(Path.Combine(_options.Out, arm.File), "").Steps / arm.Steps);
        }

        double answers = (double)_recipe.Evaluate.GoldItems * _recipe.Evaluate.MaxTokens;
        _plan.Add(HeldOutText, Scoring * heldOut * ((arms.Length * mine) + (2 * its)));
        _plan.Add(GoldTaskAnswers, Decoding * answers * ((arms.Length * mine) + its));
    }

    /// <param name="part">Of the plan.</param>
    /// <param name="share">Of the part.</param>
    void Show(string part, double share, string step, string detail)
    {
        _plan.Reach(part, share);
        _progress(new(step, share, detail, _plan.Share, _plan.Left));
    }

    void Show(string part, string step, TrainPoint p, int steps) => Show(
        part, (double)p.Step / steps, step,
        string.Create(CultureInfo.InvariantCulture, $"step {p.Step:n0} of {steps:n0}  loss {p.Loss:f4}{(p.HeldOut is { } h ? $"  held-out {h:f4}" : "")}  rate {p.Rate:g3}  {p.TokensPerS:n0} tokens/s"));
}
