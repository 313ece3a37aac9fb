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

    /// <summary>Let the student write its share of the batches, where the trainer was given an <see cref="OnPolicy"/>.</summary>
    public bool OnPolicy { get; init; }

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
    readonly OnPolicy? _onPolicy;
    readonly bool _frozen;
    readonly float[] _weights;
    readonly float[] _losses;
    readonly List<MicroBatch> _step = [];
    LlamaWeights? _merged;

    /// <exception cref="ArgumentException">The signal is of another vocabulary: its probabilities would belong to other tokens.</exception>
    /// <param name="frozen">Only an adapter will be trained.</param>
    /// <param name="checkpointing">Keep each layer's input and compute the rest again in the backward pass, to the same bits.</param>
    public Trainer(LlamaConfig student, Dataset data, TeacherSignal signal, int rows, Workers workers, OnPolicy? onPolicy = null, bool frozen = false, bool checkpointing = false)
    {
        if (signal.Vocabulary is { } vocabulary && vocabulary != student.Vocabulary)
        {
            throw new ArgumentException($"Trainer: the signal is over {vocabulary} tokens, the student over {student.Vocabulary}.", nameof(signal));
        }

        _onPolicy = onPolicy;
        _data = data;
        _signal = signal;
        _workers = workers;
        _rows = rows;
        int blocks = data.Length / L;
        _a = new(student, rows, blocks, workers, keep: true, checkpoints: checkpointing);
        _teacher = signal is TeacherSignal.Dense dense ? new(dense.Teacher.Config, rows, blocks, workers, keep: false) : null;
        _backward = new(student, _a, workers, frozen);
        _head = new(student, _a.Blocks, workers, _teacher is not null, frozen);
        _frozen = frozen;
        _weights = new float[rows * data.Length];
        _losses = new float[rows * data.Length];
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
    public IReadOnlyList<TrainPoint> Run(LlamaWeights student, TrainOptions options, Checkpoint? checkpoint, Action<TrainPoint, int>? point, CancellationToken stop, ValidationLoss? validation = null) =>
        Run(new StudentWeights.Full(student), options, checkpoint, point, stop, validation);

    /// <inheritdoc cref="Run(LlamaWeights, TrainOptions, Checkpoint?, Action{TrainPoint, int}?, CancellationToken, ValidationLoss?)"/>
    public IReadOnlyList<TrainPoint> Run(StudentWeights student, TrainOptions options, Checkpoint? checkpoint, Action<TrainPoint, int>? point, CancellationToken stop, ValidationLoss? validation = null)
    {
        StudentGradients gradients = StudentGradients.Of(student);
        Optimizer optimizer = new(student.Arenas, gradients.Arenas, options.Optimizer);
        Take(student, gradients);
        (List<TrainPoint> curve, OpenPoint open) = checkpoint?.Load(optimizer) ?? ([], default);
        long tokens = (curve.Count > 0 ? curve[^1].Tokens : 0) + open.Tokens, timed = 0, saved = Stopwatch.GetTimestamp(), started = saved;
        for (int step = optimizer.Steps; step < options.Steps; step++)
        {
            if (stop.IsCancellationRequested)
            {
                checkpoint?.Save(optimizer, curve, open);
                stop.ThrowIfCancellationRequested();
            }

            (double objective, long counted) = AddGradient(student, gradients, options, step, stop);
            float rate = options.Schedule.Rate(options.Rate, step, options.Steps);
            double norm = optimizer.Step(rate, _workers);
            (tokens, timed) = (tokens + counted, timed + counted);
            open = new(open.Loss + objective, open.Tokens + counted, open.Steps + 1);
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

    /// <summary>Adds the gradient of one step's mean objective, micro-batch by micro-batch.</summary>
    /// <returns>The objective summed over the step's counted tokens, nats, and their number.</returns>
    internal (double Sum, long Counted) AddGradient(StudentWeights student, StudentGradients gradients, TrainOptions options, int step, CancellationToken stop = default)
    {
        double total = Draw(student, options, step, stop), sum = 0;
        for (int micro = 0; micro < options.Accumulate; micro++)
        {
            if (_a.Lora is { } lora)
            {
                lora.Draw = (options.Seed, step, micro * _rows);
            }

            sum += Accumulate(student.Parts, gradients.Full, _step[micro], total, options.Loss) * total;
        }

        return (sum, (long)total);
    }

    /// <summary>The same of a student that is trained as a whole.</summary>
    internal (double Sum, long Counted) AddGradient(LlamaWeights student, LlamaWeights gradients, TrainOptions options, int step, CancellationToken stop = default) =>
        AddGradient(new StudentWeights.Full(student), new StudentGradients(gradients, null), options, step, stop);

    /// <summary>Readies the passes for a student.</summary>
    /// <exception cref="ArgumentException">Memory was laid out for another way of training.</exception>
    internal void Take(StudentWeights student, StudentGradients gradients)
    {
        if (_frozen != gradients.Full is null)
        {
            throw new ArgumentException($"Trainer: it was made for {(_frozen ? "an adapter" : "full weights")}.", nameof(student));
        }

        _a.Lora = student is StudentWeights.Adapted adapted ? new(adapted.Adapter, _a, _workers, gradients.Adapter) : null;
    }

    /// <summary>Adds the gradient of the micro-batch in place and returns its share of the step's mean loss.</summary>
    /// <param name="total">Counted tokens of the whole optimizer step.</param>
    double Accumulate(LlamaParts student, LlamaWeights? gradients, MicroBatch batch, double total, LossWeights loss)
    {
        int[] tokens = batch.Tokens;
        _a.Starts = batch.Starts;
        LlamaForward.Run(student, _a, tokens, _workers);
        for (int i = 0; i < _weights.Length; i++)
        {
            _weights[i] = (float)(batch.Mask[i] / total);
        }

        if (batch.OnPolicy)
        {
            loss = loss with { CrossEntropy = 0 };
        }

        (LlamaWeights, LlamaActivations)? teacher = null;
        if (_signal is TeacherSignal.Dense dense && loss.NeedsTeacher)
        {
            _teacher!.Starts = batch.Starts;
            LlamaForward.Run(dense.Teacher, _teacher, tokens, _workers);
            teacher = (dense.Teacher, _teacher);
        }

        int v = student.Config.Vocabulary, blocks = _data.Length / L;
        _losses.AsSpan().Clear();
        _head.Run(student, _a, gradients, _backward.DFinal, teacher, block => batch.Mask.AsSpan(block * L, L).ContainsAnyExcept(0f), (block, z, u) =>
        {
            int at = block * L;
            Span<float> each = _losses.AsSpan(at, L);
            ReadOnlySpan<int> targets = batch.Targets.AsSpan(at, L);
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
                long first = ((long)batch.Picked[block / blocks] * _data.Length) + (block % blocks * L);
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
        _backward.Run(student, gradients, _a, tokens, _workers);
        double sum = 0;
        for (int i = 0; i < _losses.Length; i++)
        {
            sum += (double)_losses[i] * _weights[i];
        }

        return sum;
    }

    /// <summary>Fills all micro-batches of a step and returns their counted tokens, the one denominator of the step's mean: known only when
    /// the student has written its share.</summary>
    double Draw(StudentWeights student, TrainOptions options, int step, CancellationToken stop)
    {
        OnPolicy? own = options.OnPolicy ? _onPolicy : null;
        LlamaWeights? written = null;
        while (_step.Count < options.Accumulate)
        {
            _step.Add(new(_rows, _data.Length));
        }

        for (int micro = 0; micro < options.Accumulate; micro++)
        {
            int index = (step * options.Accumulate) + micro, before = own?.Before(index) ?? 0;
            MicroBatch batch = _step[micro];
            batch.OnPolicy = own?.Takes(index) == true;
            if (batch.OnPolicy)
            {
                int count = Math.Max(1, (int)Math.Round(own!.PromptsPerRow * _rows));
                int[] prompts = [.. Enumerable.Range(0, count).Select(i => Pick(options.Seed, own.Prompts.Count, ((long)before * count) + i))];
                own.Fill(batch, written ??= student.Merged(_workers, _merged), prompts, new RandomStream(options.Seed, 0x5A30_0000UL + (ulong)index).Next(), _workers, stop);
            }
            else
            {
                Fill(batch, options.Seed, index - before);
            }
        }

        // A full model belongs to its owner; what an adapter was merged into for writing serves the next step again.
        _merged = student is StudentWeights.Adapted ? written ?? _merged : null;
        return Math.Max(1, _step.Take(options.Accumulate).Sum(b => b.Counted));
    }

    /// <summary>The rows of the dataset that are the given micro-batch of it.</summary>
    void Fill(MicroBatch batch, ulong seed, int index)
    {
        int length = _data.Length;
        for (int i = 0; i < _rows; i++)
        {
            int row = Pick(seed, _data.Rows, ((long)index * _rows) + i);
            batch.Picked[i] = row;
            _data.Tokens.AsSpan(row * length, length).CopyTo(batch.Tokens.AsSpan(i * length));
            _data.Targets.AsSpan(row * length, length).CopyTo(batch.Targets.AsSpan(i * length));
            _data.Mask.AsSpan(row * length, length).CopyTo(batch.Mask.AsSpan(i * length));
            _data.Starts.AsSpan(row * length, length).CopyTo(batch.Starts.AsSpan(i * length));
        }
    }

    /// <summary>Which of <paramref name="count"/> rows, or prompts, is taken at a place: the epochs' permutations one after the other, each from
    /// the seed and the epoch alone.</summary>
    int Pick(ulong seed, int count, long place) => Permutation(seed, count, place / count)[(int)(place % count)];

    readonly Dictionary<(ulong Seed, int Count, long Epoch), int[]> _permutations = [];

    int[] Permutation(ulong seed, int count, long epoch)
    {
        if (_permutations.TryGetValue((seed, count, epoch), out int[]? known))
        {
            return known;
        }

        if (_permutations.Count > 8)
        {
            _permutations.Clear();
        }

        RandomStream random = new(seed, 0x0DE0 + (ulong)epoch);
        int[] order = [.. Enumerable.Range(0, count)];
        for (int i = order.Length - 1; i > 0; i--)
        {
            int j = random.NextInt(i + 1);
            (order[i], order[j]) = (order[j], order[i]);
        }

        return _permutations[(seed, count, epoch)] = order;
    }
}
