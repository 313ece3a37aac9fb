using System.Diagnostics;
using Retort.Kernels;
using Retort.Model;
using Retort.Model.Llama;

namespace Retort.Distill;

/// <summary>What a training run does at each step.</summary>
public sealed record TrainOptions
{
    /// <summary>Rows of one micro-batch.</summary>
    public required int Rows { get; init; }

    /// <summary>Micro-batches of one optimizer step.</summary>
    public int Accumulate { get; init; } = 1;

    /// <summary>Optimizer steps.</summary>
    public required int Steps { get; init; }

    public required double Rate { get; init; }

    public required ulong Seed { get; init; }

    public Schedule Schedule { get; init; } = new();

    public OptimizerOptions Optimizer { get; init; } = new();

    public LossWeights Loss { get; init; } = new(1, 0, 0, 0, 0.5f, 1);

    /// <summary>Seconds between checkpoints; 0 for none but the last.</summary>
    public double CheckpointSeconds { get; init; } = 30;
}

/// <summary>One point of a loss curve.</summary>
/// <param name="Tokens">Counted tokens seen.</param>
/// <param name="Loss">Mean objective since the last point, nats per token.</param>
/// <param name="TokensPerS">Speed since the last point.</param>
/// <param name="HeldOut">Cross entropy on validation rows after the step, nats per token; null where it was not measured.</param>
public sealed record TrainPoint(int Step, long Tokens, double Loss, double Rate, double GradientNorm, double TokensPerS, double? HeldOut = null);

/// <summary>
/// Trains one student on one dataset. Memory for activations is taken once and serves any number of runs of the same shape; every number
/// that comes out depends only on the options, the data and the vector path.
/// </summary>
public sealed class Trainer
{
    const int L = MatMul.L;
    const int PointSteps = 10;

    readonly Dataset _data;
    readonly TeacherSignal _signal;
    readonly Workers _workers;
    readonly int _rows;
    readonly LlamaActivations _a;
    readonly LlamaActivations? _teacher;
    readonly LlamaBackward _backward;
    readonly LlamaHead _head;
    readonly int[] _tokens;
    readonly int[] _targets;
    readonly float[] _weights;
    readonly float[] _losses;
    readonly int[] _picked;

    public Trainer(LlamaConfig student, Dataset data, TeacherSignal signal, int rows, Workers workers)
    {
        _data = data;
        _signal = signal;
        _workers = workers;
        _rows = rows;
        int blocks = data.Length / L;
        _a = new(student, rows, blocks, workers, keep: true);
        _teacher = signal is TeacherSignal.Dense dense ? new(dense.Teacher.Config, rows, blocks, workers, keep: false) : null;
        _backward = new(student, _a, workers);
        _head = new(student, _a.Blocks, workers, _teacher is not null);
        _tokens = new int[rows * data.Length];
        _targets = new int[rows * data.Length];
        _weights = new float[rows * data.Length];
        _losses = new float[rows * data.Length];
        _picked = new int[rows];
    }

    /// <summary>Hash of the rows it trains on.</summary>
    public string DataHash => _data.Hash;

    /// <summary>Counted tokens of a row, on average.</summary>
    public double TokensPerRow => (double)_data.Counted / _data.Rows;

    /// <summary>Trains until <see cref="TrainOptions.Steps"/>, from where the checkpoint stands if there is one.</summary>
    /// <param name="student">Initial weights; trained in place.</param>
    /// <param name="checkpoint">Where progress is kept, or null.</param>
    /// <param name="point">Called every few steps.</param>
    /// <param name="validation">Gives the curve its held-out points, or null.</param>
    /// <returns>The curve.</returns>
    /// <exception cref="OperationCanceledException">Stopped; the checkpoint is written first.</exception>
    public IReadOnlyList<TrainPoint> Run(LlamaWeights student, TrainOptions options, Checkpoint? checkpoint, Action<TrainPoint, int>? point, CancellationToken stop, ValidationLoss? validation = null)
    {
        Optimizer optimizer = new(student, options.Optimizer);
        (List<TrainPoint> curve, OpenPoint open) = checkpoint?.Load(optimizer) ?? ([], default);
        long tokens = (curve.Count > 0 ? curve[^1].Tokens : 0) + open.Tokens, timed = 0, saved = Stopwatch.GetTimestamp(), started = saved;
        for (int step = optimizer.Steps; step < options.Steps; step++)
        {
            if (stop.IsCancellationRequested)
            {
                checkpoint?.Save(optimizer, curve, open);
                stop.ThrowIfCancellationRequested();
            }

            double total = StepTokens(options, step), sum = 0;
            for (int micro = 0; micro < options.Accumulate; micro++)
            {
                Fill(options, (step * options.Accumulate) + micro, total);
                sum += Accumulate(student, optimizer.Gradients, options.Loss) * total;
            }

            float rate = options.Schedule.Rate(options.Rate, step, options.Steps);
            double norm = optimizer.Step(rate, _workers);
            (tokens, timed) = (tokens + (long)total, timed + (long)total);
            open = new(open.Loss + sum, open.Tokens + (long)total, open.Steps + 1);
            if (double.IsNaN(norm) || double.IsInfinity(norm))
            {
                throw new UserError($"the gradient is no longer a number at step {step + 1}", "train.rate", $"Lower the learning rate (it peaks at {options.Rate}) or check the data.");
            }

            bool due = validation?.IsDue(step, options.Steps) ?? false;
            if (open.Steps == PointSteps || due || step == options.Steps - 1)
            {
                double speed = timed / Math.Max(1e-9, Stopwatch.GetElapsedTime(started).TotalSeconds);
                TrainPoint made = new(step + 1, tokens, open.Loss / Math.Max(1, open.Tokens), rate, norm, speed, due ? validation!.Measure(student) : null);
                curve.Add(made);
                point?.Invoke(made, options.Steps);
                (open, timed, started) = (default, 0, Stopwatch.GetTimestamp());
            }

            if (checkpoint is not null && (step == options.Steps - 1 || (options.CheckpointSeconds > 0 && Stopwatch.GetElapsedTime(saved).TotalSeconds >= options.CheckpointSeconds)))
            {
                checkpoint.Save(optimizer, curve, open);
                saved = Stopwatch.GetTimestamp();
            }
        }

        return curve;
    }

    /// <summary>Adds the gradient of the micro-batch in place and returns its share of the step's mean loss.</summary>
    double Accumulate(LlamaWeights student, LlamaWeights gradients, LossWeights loss)
    {
        LlamaForward.Run(student, _a, _tokens, _workers);
        (LlamaWeights, LlamaActivations)? teacher = null;
        if (_signal is TeacherSignal.Dense dense && loss.NeedsTeacher)
        {
            LlamaForward.Run(dense.Teacher, _teacher!, _tokens, _workers);
            teacher = (dense.Teacher, _teacher!);
        }

        int v = student.Config.Vocabulary, blocks = _data.Length / L;
        _head.Run(student, _a, gradients, _backward.DFinal, teacher, (block, z, u) =>
        {
            int at = block * L;
            Span<float> each = _losses.AsSpan(at, L);
            ReadOnlySpan<int> targets = _targets.AsSpan(at, L);
            ReadOnlySpan<float> weights = _weights.AsSpan(at, L);
            if (!u.IsEmpty)
            {
                Divergence.LossAndGradient(each, z, u, targets, weights, v, loss);
            }
            else if (_signal is TeacherSignal.Sparse { File: { } file } && loss.ForwardKl != 0)
            {
                int k = file.Header.K;
                int[] ids = new int[k * L];
                float[] p = new float[k * L];
                long first = ((long)_picked[block / blocks] * _data.Length) + (block % blocks * L);
                for (int l = 0; l < L; l++)
                {
                    file.Read(first + l, ids.AsSpan(l * k, k), p.AsSpan(l * k, k));
                }

                float[] scratch = loss.Temperature != 1 && loss.CrossEntropy != 0 ? new float[v * L] : [];
                SparseDivergence.LossAndGradient(each, z, ids, p, k, file.Tail, targets, weights, v, loss, scratch);
            }
            else
            {
                CrossEntropy.LossAndGradient(each, z, targets, weights, v);
            }
        }, _workers);
        _backward.Run(student, gradients, _a, _tokens, _workers);
        double sum = 0;
        for (int i = 0; i < _losses.Length; i++)
        {
            sum += (double)_losses[i] * _weights[i];
        }

        return sum;
    }

    /// <summary>Counted tokens of all micro-batches of a step: the one denominator of its mean.</summary>
    double StepTokens(TrainOptions options, int step)
    {
        double total = 0;
        for (int micro = 0; micro < options.Accumulate; micro++)
        {
            Pick(options, (step * options.Accumulate) + micro);
            foreach (int row in _picked)
            {
                foreach (float m in _data.Mask.AsSpan(row * _data.Length, _data.Length))
                {
                    total += m;
                }
            }
        }

        return Math.Max(1, total);
    }

    void Fill(TrainOptions options, int batch, double total)
    {
        Pick(options, batch);
        int length = _data.Length;
        for (int i = 0; i < _rows; i++)
        {
            int from = _picked[i] * length, to = i * length;
            _data.Tokens.AsSpan(from, length).CopyTo(_tokens.AsSpan(to));
            _data.Targets.AsSpan(from, length).CopyTo(_targets.AsSpan(to));
            for (int t = 0; t < length; t++)
            {
                _weights[to + t] = (float)(_data.Mask[from + t] / total);
            }
        }
    }

    /// <summary>Rows of a micro-batch: the epochs' permutations one after the other, each from the seed and the epoch alone.</summary>
    void Pick(TrainOptions options, int batch)
    {
        for (int i = 0; i < _rows; i++)
        {
            long at = ((long)batch * _rows) + i;
            _picked[i] = Permutation(options.Seed, at / _data.Rows)[(int)(at % _data.Rows)];
        }
    }

    readonly Dictionary<(ulong Seed, long Epoch), int[]> _permutations = [];

    int[] Permutation(ulong seed, long epoch)
    {
        if (_permutations.TryGetValue((seed, epoch), out int[]? known))
        {
            return known;
        }

        if (_permutations.Count > 4)
        {
            _permutations.Clear();
        }

        RandomStream random = new(seed, 0x0DE0 + (ulong)epoch);
        int[] order = [.. Enumerable.Range(0, _data.Rows)];
        for (int i = order.Length - 1; i > 0; i--)
        {
            int j = random.NextInt(i + 1);
            (order[i], order[j]) = (order[j], order[i]);
        }

        return _permutations[(seed, epoch)] = order;
    }
}
